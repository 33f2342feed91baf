import Foundation
import HTTPServer
import Messages
import Pages
import TestSupport
import Testing
import Training

@Suite(.timeLimit(.minutes(5)))
struct LiveTests {
  /// A status of two nodes.
  static func reply(_ state: NodeState, restarts: UInt32 = 0, name: String = "node-1") -> StatusReply {
    let node = { (number: UInt32, name: String, state: NodeState) in
      NodeStatus(
        node: NodeNumber(rawValue: number)!, name: name, incarnation: Incarnation(rawValue: 1)!, state: state,
        view: ViewNumber(rawValue: 1), position: PhaseIndex(step: 5, phase: 0), stage: .computing, shards: 0..<2,
        shardsDone: 1, lanes: 2, secondsSinceSeen: 0.5, stepMicroseconds: 2000, bytesReceived: 10, bytesSent: 20,
        waits: [], secondsWaiting: 0, restarts: 0, address: "tcp://127.0.0.1:1")
    }
    return StatusReply(
      job: JobStatus(
        recipe: "vae", state: .running, job: JobID(rawValue: 7)!, position: PhaseIndex(step: 5, phase: 0), steps: 10,
        shards: 4, objective: .nan, examplesPerSecond: 3, secondsRunning: 2, secondsLeft: 2,
        view: ViewNumber(rawValue: 1), viewChanges: 1, coordinatorRestarts: restarts, refusedMessages: 0,
        explanation: "", build: "b"),
      nodes: [node(1, name, .member), node(2, "node-2", state)],
      help: [
        HelpStatus(
          prediction: 9,
          status: PredictionStatus(
            samples: 50, examples: 100, piece: 0..<64, leases: 4, leasesDone: 1,
            out: [PredictionStatus.Lease(node: name, samples: 10..<20, examples: 0..<32, seconds: 1.5)]))
      ])
  }

  @Test func nodesAndTheirFaultsAreShown() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(Page())
    #expect(status(try await served.ask("/readyz")) == 503)
    let hostile = "<img src=x onerror=alert(1)>\"\\"
    let replies = Replies([Self.reply(.member, name: hostile), Self.reply(.lost, restarts: 1, name: hostile)])
    await served.server.service.show(try RunFolder(opening: folder["vae"]), LiveTraining()) { $0(replies.next()) }
    var run: [String: Any] = [:]
    while (run["marks"] as? [Any])?.count != 2 { run = try await served.object("/api/run/vae") }
    let texts = (run["marks"] as? [[String: Any]])?.map { $0["text"] as? String }
    #expect(texts == ["the coordinator has restarted", "node-2 is lost"])
    let nodes = try #require((run["cluster"] as? [String: Any])?["nodes"] as? [[String: Any]])
    #expect(nodes.map { $0["name"] as? String } == [hostile, "node-2"] && nodes[1]["state"] as? String == "lost")
    let prediction = try #require(((run["cluster"] as? [String: Any])?["predictions"] as? [[String: Any]])?.first)
    #expect(prediction["leases"] as? Int == 4 && prediction["leases_done"] as? Int == 1)
    #expect((prediction["out"] as? [[String: Any]])?.first?["node"] as? String == hostile)
    #expect(status(try await served.ask("/readyz")) == 200)
    let metrics = try await served.ask("/metrics")
    #expect(metrics.contains("elbo_node_step_seconds{node=\"<img src=x onerror=alert(1)>\\\"\\\\\"} 0.002\n"))
    #expect(
      metrics.contains("elbo_nodes{state=\"lost\"} 1\n") && metrics.contains("elbo_coordinator_restarts_total 1\n"))
    await served.server.end()
  }

  @Test func aTrainingIsShownStepByStep() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(Page())
    for path in [
      "/api/runs", "/api/run/vae", "/api/run/vae/metrics", "/api/run/vae/figures/a.png", "/api/compare?runs=vae",
    ] {
      #expect(status(try await served.ask(path)) == 202, "\(path)")
    }
    let live = LiveTraining()
    await served.server.service.show(try RunFolder(opening: folder["vae"]), live)
    #expect(status(try await served.ask("/api/run/other")) == 404)
    #expect(try await served.object("/api/run/vae")["state"] as? String == "starting")
    for step in [1, 3] {
      live.step(
        TrainingReport(
          step: step, steps: 10, epoch: 0.5, epochs: 5, seconds: Double(step) * 2, examples: 20, examplesPerSecond: 10,
          metrics: ["train/elbo": -7.5], isWhole: true))
    }
    let run = try await served.object("/api/run/vae")
    let progress = try #require(run["progress"] as? [String: Any])
    #expect(run["state"] as? String == "running" && progress["step"] as? Int == 3 && progress["steps"] as? Int == 10)
    #expect(progress["secondsLeft"] as? Double == 14)
    let metrics = try await served.ask("/metrics")
    for line in [
      "elbo_steps_total 3", "elbo_planned_steps 10", "elbo_remaining_seconds 14", "elbo_examples_total 40",
      "elbo_job_state{state=\"running\"} 1", "elbo_job_state{state=\"failed\"} 0",
    ] { #expect(metrics.contains("\n\(line)\n"), "\(line)") }
    await served.server.service.end(live, as: "finished")
    #expect(try await served.object("/api/run/vae")["state"] as? String == "finished")
    #expect(status(try await served.ask("/readyz")) == 503)
    await served.server.end()
  }

  /// Every line is a comment of a metric, or a sample of the metric of the comment before.
  @Test func metricsAreInPrometheusFormat() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(Page(.folder(folder.path)))
    let answer = try await served.ask("/metrics")
    #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") && answer.hasSuffix("\n"))
    let body = answer[answer.firstRange(of: "\r\n\r\n")!.upperBound...]
    var (metric, seen) = (Substring(), Set<Substring>())
    for line in body.split(separator: "\n") {
      if let match = line.wholeMatch(of: /# HELP ([a-z_]+) .+\./) {
        metric = match.1
        #expect(seen.insert(metric).inserted, "\(line)")
      } else if let match = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge|histogram)/) {
        #expect(match.1 == metric && (match.2 == "counter") == metric.hasSuffix("_total"), "\(line)")
      } else {
        let match = line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (-?[0-9.e+-]+|NaN|[+-]Inf)/)
        #expect(match?.1 == metric, "\(line)")
      }
    }
    #expect(
      seen.contains("elbo_runs") && seen.contains("process_cpu_seconds_total") && seen.contains("elbo_build_info"))
    await served.server.end()
  }
}

/// Answers one after the other, and the last one again and again.
private final class Replies: @unchecked Sendable {
  private let lock = NSLock()
  private var rest: [StatusReply]

  init(_ replies: [StatusReply]) { rest = replies }

  func next() -> StatusReply {
    lock.lock()
    defer { lock.unlock() }
    return rest.count > 1 ? rest.removeFirst() : rest[0]
  }
}
