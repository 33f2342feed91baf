import Cluster
import Foundation
import Messages
import Synchronization
import Tensors
import Testing
import Training
import ZeroMQ

/// Contributions that depend on the parameters, the shard and the step, and come range by range, the last first, as
/// those of a backward pass do.
private final class Walk: Learner {
  static let count = 3 << 18
  let parameters: FlatBuffer
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount: Int
  let evaluationMetrics: [String] = []
  let evaluationCount = 0

  init(shards: Int) {
    var layout = Layout()
    layout.add("position", [Walk.count])
    parameters = FlatBuffer("parameters", layout)
    phases = [Phase("walk", layout: layout, metrics: ["length"])]
    exampleCount = 3 * shards
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) {
    let (values, position) = (contribution.values.float32, parameters.float32)
    let part = Walk.count / 8
    for start in stride(from: Walk.count - part, through: 0, by: -part) {
      for index in start..<start + part {
        let noise = Float((index &* 31 &+ shard.index &* 977 &+ step.number &* 13) % 1000) / 997
        values[index] = noise - position[index] / 3
      }
      contribution.finished?(start..<start + part)
    }
    contribution.metrics[0] += Double(shard.index)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    for block in 0..<total.blockCount {
      let (range, sum) = (total.range(ofBlock: block), total.float32(block: block))
      for (index, value) in zip(range, sum) { parameters.float32[index] += value / 7 }
    }
    return .goOn
  }

  func evaluate(_ examples: Range<Int>, into sums: inout [Double], key: RandomKey, on lane: Lane) {}

  var checksum: UInt32 { Checksum.crc32c(UnsafeRawBufferPointer(parameters.bytes)) }
}

private struct Silence: TrainingObserver {
  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

/// Whole nodes in one process, over loopback: their parameters are those of a training without any.
@Suite struct NodesTests {
  private static let steps = 6
  private static let nothing = Digest(bytes: [UInt8](repeating: 1, count: 32))!

  struct Case: Sendable, CustomTestStringConvertible {
    var nodes: Int
    var shards: Int
    var lanes = 1
    var sharesMemory = true
    var precision = ExchangePrecision.float32

    var testDescription: String {
      "\(nodes) nodes, \(lanes) lanes, V = \(shards), \(precision), \(sharesMemory ? "shared" : "sent")"
    }

    var plan: TrainingPlan {
      TrainingPlan(seed: 0, shards: shards, steps: NodesTests.steps, reportEvery: 1000, precision: precision)
    }
  }

  static let cases = [
    Case(nodes: 1, shards: 3), Case(nodes: 2, shards: 1), Case(nodes: 2, shards: 2),
    Case(nodes: 2, shards: 5, lanes: 2),
    Case(nodes: 3, shards: 4, lanes: 2), Case(nodes: 2, shards: 2, sharesMemory: false),
    Case(nodes: 3, shards: 7, lanes: 2, sharesMemory: false), Case(nodes: 2, shards: 4, precision: .bfloat16),
  ]

  @Test(arguments: cases) func equalOneProcess(_ it: Case) async throws {
    let alone = Walk(shards: it.shards)
    let trainer = Trainer(alone, plan: it.plan, crew: Crew(lanes: 1), observer: Silence())
    _ = try await trainer.train(until: StopRequest())

    let log = FileManager.default.temporaryDirectory.path + "/nodes-test-\(UUID().uuidString).log"
    defer { try? FileManager.default.removeItem(atPath: log) }
    let coordinator = try Coordinator(
      Coordinator.Configuration(
        bind: try Endpoint("tcp://127.0.0.1:*"), security: .plainOnLoopback, build: "test", name: "test",
        recipe: "nothing", recipeDigest: Self.nothing, data: Self.nothing, shards: it.shards, steps: Self.steps,
        stateCount: LearnerState.count(of: alone), expectedNodes: it.nodes, log: log), resuming: nil)
    let endpoint = try await coordinator.open()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { group in
      for index in 1...it.nodes {
        group.addTask {
          let learner = Walk(shards: it.shards)
          var configuration = Node.Configuration(
            name: "node-\(index)", build: "test", coordinator: endpoint, dataBind: try Endpoint("tcp://127.0.0.1:*"),
            lanes: it.lanes, security: .plainOnLoopback)
          configuration.sharesMemory = it.sharesMemory
          let node = try Node(
            configuration,
            prepare: { _ in Node.Job(learner: learner, plan: it.plan, data: Self.nothing, objective: nil) },
            note: { _ in })
          _ = try await node.run()
          return learner.checksum
        }
      }
      for await event in coordinator.events {
        if case .state(let offer, _) = event, offer.step >= UInt64(Self.steps) {
          coordinator.end(Stop(reason: .completed, explanation: "all steps are done"))
        }
        if case .failed(let error) = event { throw error }
        if case .ended = event { break }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await coordinator.close()
    #expect(checksums == Array(repeating: alone.checksum, count: it.nodes))
  }
}
