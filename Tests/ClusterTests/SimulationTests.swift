import Cluster
import Foundation
import Messages
import Testing

/// The whole protocol over a simulated transport and clock. `ELBO_SIM_SEEDS=20000` tries that many seeds;
/// `ELBO_SIM_SEED=17` replays one and prints what happened.
@Suite struct SimulationTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let seeds = environment["ELBO_SIM_SEEDS"].flatMap { Int($0) } ?? 1500
  private static let replayed = environment["ELBO_SIM_SEED"].flatMap { UInt64($0) }

  /// A training and a cluster, by seed.
  private func setUp(_ seed: UInt64) -> (SymbolicModel, nodes: Int) {
    var random = SplitMix(seed: seed &+ 999)
    let phases = (0..<Int.random(in: 1...3, using: &random)).map { _ in
      [1, 5, 20, 40, 100].randomElement(using: &random)!
    }
    let periods = phases.indices.map { $0 == 0 ? 1 : Int.random(in: 1...3, using: &random) }
    let model = SymbolicModel(
      shards: Int.random(in: 1...9, using: &random), phases: phases, periods: periods,
      stateCount: Int.random(in: 1...30, using: &random), steps: UInt64.random(in: 1...6, using: &random))
    return (model, Int.random(in: 1...5, using: &random))
  }

  @discardableResult
  private func run(_ seed: UInt64, _ faults: Simulation.Faults, longer: Bool = false) -> Simulation? {
    let (model, nodes) = setUp(seed)
    var simulation = Simulation(
      seed: seed, model: model, nodeCount: nodes, faults: faults, tracing: Self.replayed != nil)
    // Slow enough for the faults to fall into the training.
    if longer { simulation.work = (.milliseconds(50), .milliseconds(1500)) }
    do {
      try simulation.run()
      return simulation
    } catch {
      if let trace = simulation.trace { print(trace.joined(separator: "\n")) }
      Issue.record("seed \(seed) (V \(model.shards), \(nodes) nodes, phases \(model.phases)): \(error)")
      return nil
    }
  }

  private func everySeed(_ count: Int, _ body: (UInt64) -> Void) {
    if let seed = Self.replayed { return body(seed) }
    for seed in 1...UInt64(max(1, count)) { body(seed) }
  }

  @Test("Without faults a training keeps its first view and transfers no state") func undisturbed() {
    everySeed(Self.seeds / 5) { seed in
      let simulation = run(seed, Simulation.Faults())
      #expect(simulation.map { $0.views } == 1)
      #expect(simulation.map { $0.stateTransfers } == 0)
    }
  }

  /// Everything at once, more or less of each by the seed.
  private func storm(_ seed: UInt64) -> Simulation.Faults {
    var random = SplitMix(seed: seed &+ 31_337)
    var faults = Simulation.Faults()
    if random.chance(0.7) { faults.drop = Double.random(in: 0..<0.2, using: &random) }
    if random.chance(0.7) { faults.duplicate = Double.random(in: 0..<0.3, using: &random) }
    if random.chance(0.6) { faults.straggle = Double.random(in: 0..<0.1, using: &random) }
    if random.chance(0.3) { faults.delay.high = .milliseconds(100) }
    if random.chance(0.7) { faults.crashes = Int.random(in: 1...4, using: &random) }
    if random.chance(0.4) { faults.pauses = Int.random(in: 1...3, using: &random) }
    if random.chance(0.4) { faults.partitions = Int.random(in: 1...4, using: &random) }
    if random.chance(0.4) { faults.coordinatorCrashes = Int.random(in: 1...2, using: &random) }
    if random.chance(0.4) { faults.lateJoiners = Int.random(in: 1...2, using: &random) }
    if random.chance(0.3) { faults.leavers = 1 }
    if random.chance(0.3) { faults.slowNodes = 1 }
    faults.encoded = random.chance(0.1)
    return faults
  }

  @Test func faultsOfEveryKindChangeNothing() {
    var views = 0
    var rescues = 0
    var transfers = 0
    everySeed(Self.seeds) { seed in
      guard let simulation = run(seed, storm(seed), longer: true) else { return }
      views += simulation.views
      rescues += simulation.rescues
      transfers += simulation.stateTransfers
    }
    if Self.replayed == nil {
      // The storm did reach what it is meant to test.
      #expect(views > Self.seeds && rescues > 0 && transfers > Self.seeds / 10)
    }
  }

  /// Processors that round differently lose the equality with an undisturbed run, never that among nodes.
  @Test func nodesAgreeEvenIfTheirProcessorsDoNot() {
    everySeed(Self.seeds / 2) { seed in
      var faults = storm(seed)
      faults.mixedProcessors = true
      run(seed, faults, longer: true)
    }
  }

  /// A training with evaluations, whose end the total of one of them decides, by seed.
  private func evaluated(_ seed: UInt64) -> SymbolicModel {
    var random = SplitMix(seed: seed &+ 4242)
    let period = Int.random(in: 1...3, using: &random)
    return SymbolicModel(
      shards: Int.random(in: 1...7, using: &random), phases: [20, 30], periods: [1, period], offsets: [0, period - 1],
      stateCount: 12, steps: 8, votes: true)
  }

  @Test("Whatever fails, a training that its evaluations end is ended by the same one")
  func evaluationsEndTheTraining() {
    var ends: Set<UInt64> = []
    everySeed(Self.seeds / 3) { seed in
      let model = evaluated(seed)
      var simulation = Simulation(
        seed: seed, model: model, nodeCount: 1 + Int(seed % 4), faults: storm(seed), tracing: Self.replayed != nil)
      simulation.work = (.milliseconds(50), .milliseconds(1500))
      ends.insert(simulation.reference.totals.keys.map(\.step).max()!)
      do {
        try simulation.run()
      } catch {
        if let trace = simulation.trace { print(trace.joined(separator: "\n")) }
        Issue.record("seed \(seed): \(error)")
      }
    }
    if Self.replayed == nil { #expect(ends.count > 3) }
  }

  @Test(
    "A node or the coordinator killed at any message, and one that joins, about the evaluation that ends a training")
  func aCrashAboutTheLastEvaluation() {
    for seed: UInt64 in 1...4 {
      guard survivesEveryCrash(evaluated(seed), nodes: 2 + Int(seed % 2), seed: seed, joiners: { $0 % 2 }) else {
        return
      }
    }
  }

  /// Whether a training ends as undisturbed, no matter which node crashes at which message; an issue names the first
  /// crash after which it does not.
  /// - Parameter joiners: how many nodes come late, by the message of the crash.
  private func survivesEveryCrash(
    _ model: SymbolicModel, nodes: Int, seed: UInt64, joiners: (_ message: Int) -> Int = { _ in 0 }
  ) -> Bool {
    var undisturbed = Simulation(seed: seed, model: model, nodeCount: nodes, faults: Simulation.Faults())
    #expect(throws: Never.self) { try undisturbed.run() }
    for side in [Simulation.Faults.CrashSide.sender, .receiver, .coordinator] {
      for number in 1...undisturbed.delivered {
        var faults = Simulation.Faults()
        (faults.crashAtMessage, faults.lateJoiners) = ((number, side), joiners(number))
        var simulation = Simulation(seed: seed, model: model, nodeCount: nodes, faults: faults)
        do {
          try simulation.run()
        } catch {
          Issue.record("seed \(seed), crash of the \(side) at message \(number): \(error)")
          return false
        }
      }
    }
    return true
  }

  /// A training of some five seconds by three nodes, with these faults; when it ended.
  private func scripted(_ seed: UInt64, _ script: [(at: Duration, event: Simulation.Event)]) -> Simulation? {
    var faults = Simulation.Faults()
    faults.script = script
    let model = SymbolicModel(shards: 6, phases: [20], stateCount: 12, steps: 6)
    var simulation = Simulation(seed: seed, model: model, nodeCount: 3, faults: faults, tracing: Self.replayed != nil)
    simulation.work = (.milliseconds(50), .milliseconds(1500))
    do {
      try simulation.run()
      return simulation
    } catch {
      if let trace = simulation.trace { print(trace.joined(separator: "\n")) }
      Issue.record("seed \(seed): \(error)")
      return nil
    }
  }

  @Test func aCoordinatorThatIsStoppedLosesNobody() {
    everySeed(100) { seed in
      let simulation = scripted(seed, [(.milliseconds(1000), .pause(Simulation.coordinatorIndex, .seconds(9)))])
      #expect(simulation.map { $0.views } == 1, "seed \(seed)")
    }
  }

  @Test func whenAllCrashAndSomeComeBackTheyDoNotWaitForTheOthers() {
    everySeed(100) { seed in
      let simulation = scripted(
        seed,
        [(.seconds(1), .crashCoordinator)] + (0..<3).map { (.milliseconds(1100), .crash($0)) }
          + [(.milliseconds(1200), .startCoordinator), (.seconds(14), .start(1))])
      // One node alone computes for some 20 s; the wait for three would have been 20 s more.
      let begun = simulation?.viewTimes.last
      #expect(begun.map { $0 < .zero + .seconds(15) } == true, "seed \(seed): \(String(describing: begun))")
    }
  }

  @Test func whoCrashesWithTheCoordinatorIsMissedAsSoonAsOthersAre() {
    everySeed(200) { seed in
      var random = SplitMix(seed: seed)
      let crash = Duration.milliseconds(Int.random(in: 700...2300, using: &random))
      let simulation = scripted(
        seed,
        [(.milliseconds(1000), .crashCoordinator), (.milliseconds(1500), .startCoordinator), (crash, .crash(2))])
      // The others are back within a heartbeat; three later it is lost, as one is whose coordinator lives.
      let last = simulation?.viewTimes.last
      #expect(simulation.map { $0.views } == 2, "seed \(seed)")
      #expect(last.map { $0 < .zero + .seconds(6) } == true, "seed \(seed): \(String(describing: last))")
    }
  }

  @Test func aNetworkThatIsSlowToComeBackLosesNobody() {
    everySeed(200) { seed in
      var random = SplitMix(seed: seed)
      let back = Int.random(in: 2000...9400, using: &random)
      // The first comes within the grace, the others less than three heartbeats later.
      let cuts = (0..<3).map { node -> (Duration, Simulation.Event) in
        let duration = Duration.milliseconds(back + (node == 0 ? 0 : Int.random(in: 0...1900, using: &random)))
        return (.milliseconds(1000), .partition(Simulation.coordinatorIndex, node, duration))
      }
      let simulation = scripted(
        seed, cuts + [(.milliseconds(1000), .crashCoordinator), (.milliseconds(1500), .startCoordinator)])
      #expect(simulation.map { $0.views } == 1, "seed \(seed)")
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5]) func aCrashAtAnyMessage(seed: UInt64) {
    let model = SymbolicModel(shards: 4 + Int(seed % 3), phases: [40, 20], stateCount: 12, steps: 3)
    #expect(survivesEveryCrash(model, nodes: 2 + Int(seed % 3), seed: seed))
  }
}
