import ArgumentParser
import Cluster
import ClusterRuns
import Files
import Foundation
import Messages
import Recipes
import Reports
import Runs
import Training
import ZeroMQ

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "How a training by nodes is: who computes, who is waited for, and since when.",
    discussion: """
      Examples:
        elbo status tcp://127.0.0.1:7700
        elbo status tcp://127.0.0.1:7700 --watch
        elbo status runs/vae                      of a run folder; tells a finished or dead run from an unreachable one

      Exit status: 0 healthy or finished; 1 degraded, waiting, stalled or failed; 2 unreachable.
      """)

  @Argument(help: "A coordinator's endpoint, or the folder of a run on this machine.")
  var endpoint = "tcp://127.0.0.1:7700"

  @Flag(help: "Ask again and again, until the job is over.")
  var watch = false

  @Flag(help: "Print the answer as JSON.")
  var json = false

  @Option(help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
  var patience = 3.0

  @OptionGroup var security: SecurityOptions

  func run() async throws {
    guard patience > 0, patience <= 3600 else { throw RecipeError("--patience must be above 0 and at most 3600") }
    var address = endpoint
    if !endpoint.contains("://") {
      if let known = try Self.finished(endpoint, json: json) { throw known }
      address = try Self.recordedEndpoint(endpoint)
    }
    let target = try Endpoint(address)
    let client = try StatusClient(target, security: try security.request.node(toward: target))
    let result: Result<ExitStatus?, any Error>
    do { result = .success(try await show(client, target)) } catch { result = .failure(error) }
    await client.close()
    if let status = try result.get() { throw status }
  }

  /// Nil: healthy.
  private func show(_ client: StatusClient, _ target: Endpoint) async throws -> ExitStatus? {
    while true {
      guard let reply = try await client.ask(patience: .seconds(patience)) else {
        let text = "no coordinator answers at \(target)"
        if json { print("{\"state\":\"unreachable\",\"endpoint\":\"\(target)\"}") }
        StandardError.write("elbo: \(text); it may be over: `elbo status RUN` tells from the run folder\n")
        return .mistake
      }
      let health = StatusText.health(reply)
      if json {
        print(try StatusText.json(reply), terminator: "\n")
      } else {
        // Redrawn in place on a terminal.
        if watch, isatty(1) == 1 { print("\u{1B}[H\u{1B}[2J", terminator: "") }
        print(StatusText.table(reply), terminator: "")
      }
      fflush(nil)
      let isOver = [.finished, .failed, .stopped].contains(reply.job.state)
      if !watch || isOver { return health == .healthy ? nil : .failed }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// What a run folder alone tells: throws nothing and returns nil while its coordinator may still be there.
  private static func finished(_ path: String, json: Bool) throws -> ExitStatus? {
    let run = try RunFolder(opening: path)
    guard let bytes = try? InputFile.read(run.summary, limit: 1 << 24),
      let summary = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let status = summary["status"] as? String
    else { return nil }
    print(json ? "{\"state\":\"\(status)\",\"run\":\"\(path)\"}" : "\(path): \(status)")
    return status == "finished" ? .done : .failed
  }

  private static func recordedEndpoint(_ path: String) throws -> String {
    let file = path + "/coordinator.endpoint"
    guard let bytes = try? InputFile.read(file, limit: 4096), let text = String(validating: bytes, as: UTF8.self) else {
      throw TrainingError(.noRun, "\(path) was not trained by nodes", advice: "name a coordinator's endpoint")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
