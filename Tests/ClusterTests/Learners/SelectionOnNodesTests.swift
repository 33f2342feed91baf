import Cluster
import Foundation
import Messages
import Testing
import Training

/// A training that selects, on whole nodes in one process: it ends at the step, and with the parameters, of one process.
@Suite("Selection on nodes", .timeLimit(.minutes(15))) struct SelectionOnNodesTests {
  static func cluster(nodes: Int, shards: Int = 5) -> LocalCluster {
    var cluster = LocalCluster(nodes: nodes, shards: shards)
    (cluster.learner, cluster.steps) = ({ Selecting.selecting(during: $1) }, Selecting.errors.count)
    return cluster
  }

  /// Trains on all nodes, whose hooks are those of their numbers; the checksums of those that come to the end.
  private func run(
    _ cluster: LocalCluster, _ hook: @escaping @Sendable (Int) -> StepHook = { _ in { _ in } }
  ) async throws -> [UInt32] {
    let (coordinator, endpoint) = try await cluster.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32?.self) { group in
      for index in 1...cluster.nodes {
        group.addTask { try? await cluster.node(index, at: endpoint, during: hook(index)) }
      }
      try await cluster.lead(coordinator)
      return try await group.reduce(into: [UInt32]()) { $0 += [$1].compactMap { $0 } }
    }
    await coordinator.close()
    return checksums
  }

  @Test("One, two and four nodes select and stop alike", arguments: [1, 2, 4], [1, 5, 16])
  func equalOneProcess(_ nodes: Int, _ shards: Int) async throws {
    let cluster = Self.cluster(nodes: nodes, shards: shards)
    defer { cluster.removeLog() }
    let checksums = try await run(cluster)
    #expect(checksums == Array(repeating: try await cluster.alone(), count: nodes))
  }

  private struct Failure: Error {}

  @Test("A node that fails while it evaluates is replaced") func failing() async throws {
    let cluster = Self.cluster(nodes: 3)
    defer { cluster.removeLog() }
    let checksums = try await run(cluster) { index in
      { step in if index == 3, step == Selecting.evaluating { throw Failure() } }
    }
    let alone = try await cluster.alone()
    #expect(checksums == [alone, alone])
  }

  @Test("A node that joins while others evaluate selects as they do") func joining() async throws {
    let cluster = Self.cluster(nodes: 2)
    defer { cluster.removeLog() }
    let checksums = try await cluster.trained(joinedAt: Selecting.evaluating)
    let alone = try await cluster.alone()
    #expect(checksums == [alone, alone, alone])
  }

  @Test("Nodes that begin with the state of any step end as an undisturbed training", arguments: [4, 6, 8])
  func goingOn(_ step: Int) async throws {
    let cluster = Self.cluster(nodes: 2)
    defer { cluster.removeLog() }
    let first = Selecting.selecting { _ in }
    try await cluster.train(first, to: step)
    let state = LearnerState(of: first, converged: false)
    let (coordinator, endpoint) = try await cluster.coordinator(from: (step, state))
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
