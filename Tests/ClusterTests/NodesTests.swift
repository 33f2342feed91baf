import Cluster
import Foundation
import Testing
import Training
import ZeroMQ

/// Whole nodes in one process, over loopback: their parameters are those of a training without any.
@Suite(.timeLimit(.minutes(15))) struct NodesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var nodes: Int
    var shards: Int
    var lanes = 1
    /// The first so many nodes show each other their memory; one that does not answers that it wants payloads.
    var sharing = Int.max
    var precision = ExchangePrecision.float32
    var isEncrypted = false

    var testDescription: String {
      "\(nodes) nodes, \(lanes) lanes, V = \(shards), \(precision), \(sharing < nodes ? "\(sharing) share" : "shared")"
        + (isEncrypted ? ", encrypted" : "")
    }
  }

  static let cases = [
    Case(nodes: 1, shards: 3), Case(nodes: 2, shards: 1), Case(nodes: 2, shards: 2),
    Case(nodes: 2, shards: 5, lanes: 2), Case(nodes: 3, shards: 4, lanes: 2),
    Case(nodes: 2, shards: 2, sharing: 0), Case(nodes: 3, shards: 7, lanes: 2, sharing: 0),
    Case(nodes: 2, shards: 3, sharing: 1), Case(nodes: 3, shards: 4, sharing: 2),
    Case(nodes: 2, shards: 4, precision: .bfloat16), Case(nodes: 2, shards: 3, isEncrypted: true),
  ]

  @Test(arguments: cases) func equalOneProcess(_ it: Case) async throws {
    var cluster = LocalCluster(nodes: it.nodes, shards: it.shards)
    (cluster.lanes, cluster.sharing, cluster.precision) = (it.lanes, it.sharing, it.precision)
    if it.isEncrypted { cluster.keys = try (0...it.nodes).map { _ in try CurveKeyPair.generate() } }
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
}
