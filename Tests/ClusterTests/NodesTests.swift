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
    var sendsEarly = true
    var precision = ExchangePrecision.float32
    var isEncrypted = false

    var testDescription: String {
      "\(nodes) nodes, \(lanes) lanes, V = \(shards), \(precision), \(sharing < nodes ? "\(sharing) share" : "shared")"
        + (sendsEarly ? "" : ", at the end") + (isEncrypted ? ", encrypted" : "")
    }
  }

  static let cases = [
    Case(nodes: 1, shards: 3), Case(nodes: 2, shards: 1), Case(nodes: 2, shards: 2),
    Case(nodes: 2, shards: 5, lanes: 2), Case(nodes: 3, shards: 4, lanes: 2),
    Case(nodes: 2, shards: 2, sharing: 0), Case(nodes: 3, shards: 7, lanes: 2, sharing: 0),
    Case(nodes: 2, shards: 5, sendsEarly: false), Case(nodes: 2, shards: 3, sharing: 0, sendsEarly: false),
    Case(nodes: 2, shards: 3, sharing: 1), Case(nodes: 3, shards: 4, sharing: 2),
    Case(nodes: 2, shards: 4, precision: .bfloat16), Case(nodes: 2, shards: 3, isEncrypted: true),
  ]

  @Test(arguments: cases) func equalOneProcess(_ it: Case) async throws {
    var cluster = LocalCluster(nodes: it.nodes, shards: it.shards)
    (cluster.lanes, cluster.sharing, cluster.precision) = (it.lanes, it.sharing, it.precision)
    cluster.sendsEarly = it.sendsEarly
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

/// What a node says of steps that it has come to in the middle of a training.
@Suite struct LateReportsTests {
  /// Moves its node to a step, and then computes alone.
  private final class Moving: Exchange, @unchecked Sendable {
    private let alone: LocalExchange
    private var step: Int?

    init(_ alone: LocalExchange, to step: Int) { (self.alone, self.step) = (alone, step) }

    func total(of phase: Int, in step: Step, crew: Crew) throws -> ExchangeOutcome {
      guard let target = self.step.take() else { return try alone.total(of: phase, in: step, crew: crew) }
      return .moved(.init(step: target, phase: 0, converged: false))
    }
  }

  private final class Listener: TrainingObserver, @unchecked Sendable {
    var reports: [(step: Int, isWhole: Bool)] = []
    func step(_ report: TrainingReport) {}
    func report(_ report: TrainingReport) { reports.append((report.step, report.isWhole)) }
    func checkpoint(_ moment: Trainer.Moment) {}
  }

  /// This node may be the only one left to report it: the others may be killed as soon as it has come.
  @Test(arguments: [(4, [true, true]), (3, [false, true, true])])
  func whatItHasSeenFromTheBeginningIsWhole(_ step: Int, _ whole: [Bool]) async throws {
    let learner = Walk(shards: 2)
    let plan = TrainingPlan(seed: 0, shards: 2, steps: 8, reportEvery: 2, precision: .float32)
    let listener = Listener()
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: listener)
    let exchange = Moving(LocalExchange(learner, shards: 2, precision: .float32), to: step)
    _ = try await trainer.train(with: exchange, from: 0, until: StopRequest())
    #expect(listener.reports.map(\.isWhole) == whole)
    #expect(listener.reports.last?.step == 8)
  }
}
