import Cluster
import Files
import Foundation
import Messages
import Recipes
import Runs
import Training
import ZeroMQ

/// The status of a training by nodes, asked of its coordinator, or read from its run folder when it is over.
package struct StatusWatch: Sendable {
  package enum Answer: Sendable {
    case status(StatusReply)
    /// No coordinator answers at the address.
    case unreachable(Endpoint)
    /// The run folder shows that the training has ended.
    case over(run: String, status: String)

    /// A contract with scripts: keys stay, new ones may be added.
    package var json: String {
      get throws {
        switch self {
        case .status(let reply): try StatusText.json(reply)
        case .unreachable(let endpoint):
          try JSONDocument.line(of: ["state": "unreachable", "endpoint": endpoint.description])
        case .over(let run, let status): try JSONDocument.line(of: ["state": status, "run": run])
        }
      }
    }

    /// Whether asking again would give the same answer.
    package var isOver: Bool {
      switch self {
      case .status(let reply): [.finished, .failed, .stopped].contains(reply.job.state)
      case .unreachable, .over: true
      }
    }
  }

  private let target: String
  private let patience: Double
  private let security: SecurityRequest

  /// - Parameters:
  ///   - target: a coordinator's endpoint, or the folder of a run on this machine.
  ///   - patience: seconds to wait for an answer.
  package init(_ target: String, patience: Double, security: SecurityRequest) throws {
    guard patience > 0, patience <= 3600 else { throw RecipeError("--patience must be above 0 and at most 3600") }
    (self.target, self.patience, self.security) = (target, patience, security)
  }

  /// Asks, and every second again for as long as it is wanted and the job is not over.
  /// - Parameter heard: hears an answer; returns whether to go on.
  package func run(_ heard: (Answer) throws -> Bool) async throws {
    var address = target
    if !target.contains("://") {
      if let over = try StatusWatch.finished(target) {
        _ = try heard(over)
        return
      }
      address = try StatusWatch.recordedEndpoint(target)
    }
    let endpoint = try Endpoint(address)
    let client = try StatusClient(endpoint, security: try security.node(toward: endpoint))
    do {
      while true {
        let answer = try await client.ask(patience: .seconds(patience)).map(Answer.status) ?? .unreachable(endpoint)
        guard try heard(answer), !answer.isOver else { break }
        try await Task.sleep(for: .seconds(1))
      }
    } catch {
      await client.close()
      throw error
    }
    await client.close()
  }

  /// The answer of a run folder alone; nil while its coordinator may still be there.
  private static func finished(_ path: String) throws -> Answer? {
    let run = try RunFolder(opening: path)
    guard let bytes = try? InputFile.read(run.summary, limit: 1 << 24),
      let summary = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let status = summary["status"] as? String
    else { return nil }
    return .over(run: path, status: status)
  }

  private static func recordedEndpoint(_ path: String) throws -> String {
    let file = path + "/coordinator.endpoint"
    guard let bytes = try? InputFile.read(file, limit: 4096), let text = String(validating: bytes, as: UTF8.self) else {
      throw TrainingError(.noRun, "\(path) was not trained by nodes", advice: "name a coordinator's endpoint")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
