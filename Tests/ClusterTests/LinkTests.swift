import Cluster
import Foundation
import Messages
import Testing

/// Nodes that do not reach each other: the others go on, and a node that is left out comes back when its links do.
/// `ELBO_SIM_SEEDS` is how many seeds are tried for each pair, `ELBO_SIM_SEED` replays one.
@Suite struct LinkTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seeds = environment["ELBO_SIM_SEEDS"].flatMap { UInt64($0) } ?? 10
  private static let replayed = environment["ELBO_SIM_SEED"].flatMap { UInt64($0) }

  enum Direction: CaseIterable {
    case there, back, both

    func cuts(_ one: Int, _ other: Int) -> [(from: Int, to: Int)] {
      switch self {
      case .there: [(one, other)]
      case .back: [(other, one)]
      case .both: [(one, other), (other, one)]
      }
    }
  }

  /// A training of some five seconds, if it is not disturbed.
  private func run(
    _ seed: UInt64, nodes: Int, _ faults: Simulation.Faults, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Simulation? {
    let model = SymbolicModel(shards: 6, phases: [40, 20], stateCount: 12, steps: 4)
    var simulation = Simulation(
      seed: seed, model: model, nodeCount: nodes, faults: faults, tracing: Self.replayed != nil)
    simulation.work = (.milliseconds(50), .milliseconds(1500))
    do {
      try simulation.run()
      return simulation
    } catch {
      if let trace = simulation.trace { print(trace.joined(separator: "\n")) }
      Issue.record("seed \(seed), \(what): \(error)", sourceLocation: sourceLocation)
      return nil
    }
  }

  private func eachSeed(_ body: (UInt64) -> Void) {
    if let seed = Self.replayed { return body(seed) }
    for seed in 1...Self.seeds { body(seed) }
  }

  private func script(
    _ cuts: [(from: Int, to: Int)], at time: Duration
  ) -> [(at: Duration, event: Simulation.Event)] {
    cuts.map { (time, .cut(from: $0.from, to: $0.to)) }
  }

  @Test(
    "Whichever pair of nodes is cut, whenever, one way or both, and whatever else is lost or crashes: the training ends",
    arguments: [3, 4], Direction.allCases)
  func everyPair(_ nodes: Int, _ direction: Direction) {
    for other in 1..<nodes {
      for one in 0..<other {
        eachSeed { seed in
          var random = SplitMix(seed: seed &* 31 &+ UInt64(one * 7 + other))
          var faults = Simulation.Faults()
          if random.chance(0.5) { faults.drop = Double.random(in: 0..<0.1, using: &random) }
          if random.chance(0.4) { faults.crashes = 1 }
          if random.chance(0.3) { faults.coordinatorCrashes = 1 }
          // From the first word on, or in the middle.
          let time = random.chance(0.2) ? .zero : random.duration(.zero, .seconds(5))
          faults.script = script(direction.cuts(one, other), at: time)
          _ = run(seed, nodes: nodes, faults, "n\(one) and n\(other), \(direction) of \(nodes) at \(time)")
        }
      }
    }
  }

  @Test("Two pairs of four nodes are cut: two nodes go on")
  func twoPairs() {
    eachSeed { seed in
      var faults = Simulation.Faults()
      faults.script = script(Direction.both.cuts(0, 1) + Direction.both.cuts(2, 3), at: .seconds(1))
      let simulation = run(seed, nodes: 4, faults, "two pairs")
      #expect(simulation?.lastView.map { $0.members.count == 2 } == true)
    }
  }

  @Test("A node that hears the coordinator no more, and is heard, is left out", arguments: [0, 2])
  func deafNode(_ deaf: Int) {
    eachSeed { seed in
      var faults = Simulation.Faults()
      let cut = [(from: Simulation.coordinatorIndex, to: deaf)]
      // It misses the view that is formed without the one that crashes. At the end it has to hear of that.
      faults.script =
        script(cut, at: .milliseconds(500)) + [
          (.milliseconds(800), .crash(1)), (.seconds(60), .heal(from: cut[0].from, to: deaf)),
        ]
      let simulation = run(seed, nodes: 3, faults, "a deaf node")
      // The other one is done before that.
      #expect(simulation?.viewTimes.allSatisfy { $0 - .zero < .seconds(60) } == true, "seed \(seed)")
    }
  }

  @Test("A late joiner that no node reaches costs the others some seconds, and less and less often")
  func unreachableJoiner() {
    eachSeed { seed in
      var faults = Simulation.Faults()
      faults.lateJoiners = 1
      faults.script = script([(from: 0, to: 2), (from: 1, to: 2)], at: .zero)
      let simulation = run(seed, nodes: 2, faults, "a joiner that no node reaches")
      #expect(simulation?.lastView.map { $0.members.count == 2 } == true)
      // Of the first two; with the joiner and without it again.
      #expect(simulation.map { $0.views <= 3 } == true, "seed \(seed)")
    }
  }

  @Test("Who was left out takes part again when the link is there")
  func healedLink() {
    eachSeed { seed in
      var faults = Simulation.Faults()
      let cuts = Direction.both.cuts(1, 2)
      faults.script =
        script(cuts, at: .milliseconds(200))
        + cuts.map { (.seconds(40), .heal(from: $0.from, to: $0.to)) }
      let model = SymbolicModel(shards: 6, phases: [40], stateCount: 12, steps: 60)
      var simulation = Simulation(seed: seed, model: model, nodeCount: 3, faults: faults)
      simulation.work = (.milliseconds(50), .milliseconds(1500))
      simulation.configuration.exclusion = .seconds(2)
      #expect(throws: Never.self, "seed \(seed)") { try simulation.run() }
      #expect(simulation.lastView?.members.count == 3, "seed \(seed)")
      // Somebody was left out before that.
      #expect(simulation.views >= 3, "seed \(seed)")
    }
  }

  // MARK: Message by message

  private func beat(
    _ membership: inout Membership, _ number: UInt32, at second: Double, waits: [Wait], _ stage: Stage = .exchanging
  ) {
    let heartbeat = Heartbeat(
      view: membership.view!.number, sequence: UInt64(second * 10 + 1), position: .start, chain: Chain(rawValue: 0),
      stage: stage, waits: waits)
    _ = membership.receive(heartbeat, from: node(number), Incarnation(rawValue: 100)!, now: at(second))
  }

  @Test("The pair is named before it is cut, and the later joiner of the two is left out")
  func naming() {
    var (membership, _) = logged(3)
    for second in 0...61 {
      let now = Double(second)
      // Node 1 waits for both of them, which wait for each other's sums.
      beat(&membership, 1, at: now, waits: [Wait(node: node(2), cause: .totals), Wait(node: node(3), cause: .totals)])
      beat(&membership, 2, at: now, waits: [Wait(node: node(3), cause: .partials)])
      beat(&membership, 3, at: now, waits: [Wait(node: node(2), cause: .partials)])
      if second == 30 {
        #expect(membership.linkTrouble(now: at(now)) == "node 2 (b) and node 3 (c) do not reach each other")
      }
      _ = membership.tick(now: at(now))
    }
    #expect(membership.view?.members.map(\.node) == [node(1), node(2)])
    #expect(membership.view?.cause == "node 3 (c) is lost: node 2 (b) and node 3 (c) do not reach each other")
    let again = hello("c", 101)
    _ = membership.receive(again, provenKey: nil, now: at(62))
    for second in 62...65 {
      for number in [1, 2] as [UInt32] { beat(&membership, number, at: Double(second), waits: [], .computing) }
      _ = membership.receive(again, provenKey: nil, now: at(Double(second)))
      _ = membership.tick(now: at(Double(second)))
    }
    #expect(membership.view?.members.count == 2)
    #expect(membership.linkTrouble(now: at(65))?.hasPrefix("node 3 (c) is kept out for 27 s: ") == true)
    // When the other one of the pair has gone, nothing keeps it out.
    _ = membership.receive(
      Leave(reason: .asked, explanation: "SIGTERM"), from: node(2), Incarnation(rawValue: 100)!, now: at(66))
    #expect(membership.view?.members.map(\.node) == [node(1), node(3)])
  }

  @Test("Who computes or evaluates for long is not taken for one that cannot be reached")
  func slowWork() {
    for stage in [Stage.computing, .evaluating] {
      var (membership, _) = logged(2)
      for second in 0...600 {
        let now = Double(second)
        beat(&membership, 1, at: now, waits: [Wait(node: node(2), cause: .partials)], stage)
        beat(&membership, 2, at: now, waits: [Wait(node: node(1), cause: .partials)], stage)
        _ = membership.tick(now: at(now))
      }
      #expect(membership.view?.members.count == 2)
      #expect(membership.linkTrouble(now: at(600)) == nil)
    }
  }

  @Test("A state that takes long to travel is not taken for a link that is cut")
  func slowTransfer() {
    var (membership, _) = logged(2)
    for second in 0...600 {
      let now = Double(second)
      beat(&membership, 1, at: now, waits: [Wait(node: node(2), cause: .position)])
      let heartbeat = Heartbeat(
        view: membership.view!.number, sequence: UInt64(second + 1), position: .start, chain: Chain(rawValue: 0),
        stage: .joining, waits: [Wait(node: node(1), cause: .state)], bytesReceived: UInt64(second) << 20)
      _ = membership.receive(heartbeat, from: node(2), Incarnation(rawValue: 100)!, now: at(now))
      _ = membership.tick(now: at(now))
    }
    #expect(membership.view?.members.count == 2)
  }
}
