import Cluster
import Foundation
import Messages
import Testing

@Suite("Real nodes, some of them unreachable", .timeLimit(.minutes(15))) struct UnreachableNodeTests {
  /// Trains on nodes when one of them cannot be reached; all of them join before a gate is opened.
  private func train(
    nodes: Int, expected: Int, unreachable: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    var cluster = LocalCluster(nodes: expected, shards: 4)
    (cluster.unreachable, cluster.missedHeartbeats) = ([unreachable], 20)
    defer { cluster.removeLog() }
    let gate = Gate(at: 3)
    let (coordinator, endpoint) = try await cluster.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      for index in 1...expected { group.addTask { try await cluster.node(index, at: endpoint, gate: gate) } }
      defer { gate.open() }
      if expected < nodes {
        await gate.reached(by: expected)
        for index in expected + 1...nodes { group.addTask { try await cluster.node(index, at: endpoint) } }
      }
      for await event in coordinator.events {
        if case .view(let view) = event, view.members.count == nodes { break }
      }
      gate.open()
      try await cluster.lead(coordinator)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await coordinator.close()
    let alone = try await cluster.alone()
    // Who was kept out to the end has computed nothing, or only the first steps.
    #expect(checksums.count { $0 == alone } >= nodes - 1, sourceLocation: sourceLocation)
  }

  @Test("A late joiner that no node reaches does not stop the others")
  func lateJoiner() async throws { try await train(nodes: 3, expected: 2, unreachable: 3) }

  @Test("No node reaches one of the first nodes: the others begin without it")
  func firstNode() async throws { try await train(nodes: 3, expected: 3, unreachable: 2) }
}
