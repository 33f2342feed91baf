import Cluster
import Foundation
import Messages
import Testing
import Training

/// Learners that have statistics, on whole nodes in one process: they come to what one process comes to.
@Suite("Statistics and carry on nodes", .timeLimit(.minutes(15))) struct LearnersOnNodesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var nodes: Int
    var shards: Int
    var lanes = 1
    var sharing = Int.max
    var precision = ExchangePrecision.float32

    var testDescription: String { "\(nodes) nodes, \(lanes) lanes, V = \(shards), \(precision), \(sharing) share" }
  }

  static let cases = [
    Case(nodes: 1, shards: 3, lanes: 2), Case(nodes: 2, shards: 1), Case(nodes: 2, shards: 3, lanes: 2),
    Case(nodes: 3, shards: 5), Case(nodes: 2, shards: 64, sharing: 0), Case(nodes: 3, shards: 5, sharing: 2),
    Case(nodes: 2, shards: 2, precision: .bfloat16), Case(nodes: 3, shards: 5, lanes: 2, precision: .bfloat16),
  ]

  @Test(arguments: Subject.all, cases) func equalOneProcess(_ subject: Subject, _ it: Case) async throws {
    var cluster = subject.cluster(nodes: it.nodes, shards: it.shards)
    (cluster.lanes, cluster.sharing, cluster.precision) = (it.lanes, it.sharing, it.precision)
    defer { cluster.removeLog() }
    let (coordinator, endpoint) = try await cluster.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      for index in 1...it.nodes { group.addTask { try await cluster.node(index, at: endpoint) } }
      try await cluster.lead(coordinator)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await coordinator.close()
    let alone = try await cluster.alone()
    #expect(checksums == Array(repeating: alone, count: it.nodes))
  }

  /// What becomes of the third of three nodes when it is to compute its shards of a step.
  enum Fate: CaseIterable {
    /// It fails, says so and leaves.
    case fails
    /// It is not heard any more.
    case vanishes
    /// It takes so long that others compute its shards.
    case isLate
  }

  private struct Failure: Error {}

  /// Its shards of a step in the middle of an epoch are computed by others, from the same rows that were carried.
  @Test(arguments: Subject.all, Fate.allCases)
  func theShardsOfOneAreTakenOver(_ subject: Subject, _ fate: Fate) async throws {
    var cluster = subject.cluster(nodes: 3, shards: 5)
    if fate == .vanishes { cluster.missedHeartbeats = 25 }
    defer { cluster.removeLog() }
    let (held, others) = (Gate(at: Subject.middle), Gate(at: Subject.middle + 1))
    let (coordinator, endpoint) = try await cluster.coordinator()
    let (third, handOver) = AsyncStream.makeStream(of: Node.self)
    let checksums = try await withThrowingTaskGroup(of: UInt32?.self) { [cluster] group in
      for index in 1...2 {
        group.addTask {
          try await cluster.node(index, at: endpoint, gate: fate == .isLate && index == 1 ? others : nil)
        }
      }
      group.addTask {
        let hook: StepHook = { step in if fate == .fails, step == Subject.middle { throw Failure() } }
        let sum = try? await cluster.node(
          3, at: endpoint, gate: fate == .fails ? nil : held, during: hook, began: { handOver.yield($0) })
        return fate == .isLate ? sum : nil
      }
      // Whatever fails, no node waits for ever.
      defer {
        held.open()
        others.open()
      }
      switch fate {
      case .fails: break
      case .vanishes:
        await held.reached(by: 1)
        for await node in third {
          node.vanish()
          break
        }
      case .isLate:
        // Somebody has computed the shards that are held, or the first would not have come this far.
        await others.reached(by: 1)
        held.open()
        others.open()
      }
      try await cluster.lead(coordinator)
      held.open()
      return try await group.reduce(into: [UInt32]()) { $0 += [$1].compactMap { $0 } }
    }
    await coordinator.close()
    let alone = try await cluster.alone()
    #expect(checksums == Array(repeating: alone, count: fate == .isLate ? 3 : 2))
  }

  /// It gets the rows that were carried, and the averages, with the state.
  @Test(arguments: Subject.all) func oneJoinsInsideAnEpoch(_ subject: Subject) async throws {
    let cluster = subject.cluster(nodes: 2, shards: 5)
    defer { cluster.removeLog() }
    let checksums = try await cluster.trained(joinedAt: Subject.middle)
    let alone = try await cluster.alone()
    #expect(checksums == [alone, alone, alone])
  }

  @Test(arguments: Subject.all) func nodesGoOnInsideAnEpoch(_ subject: Subject) async throws {
    let cluster = subject.cluster(nodes: 2, shards: 5)
    defer { cluster.removeLog() }
    let first = subject.make { _ in }
    try await cluster.train(first, to: Subject.middle)
    let state = LearnerState(of: first, converged: false)
    let (coordinator, endpoint) = try await cluster.coordinator(from: (Subject.middle, state))
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      for index in 1...2 { group.addTask { try await cluster.node(index, at: endpoint) } }
      try await cluster.lead(coordinator)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await coordinator.close()
    let alone = try await cluster.alone()
    #expect(checksums == [alone, alone])
  }
}
