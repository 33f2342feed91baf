import ArgumentParser
import ClusterRuns
import Foundation
import Reports

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
    var ending = ExitStatus.done
    try await StatusWatch(endpoint, patience: patience, security: security.request).run { answer in
      if json { print(try answer.json) }
      switch answer {
      case .status(let reply):
        if !json {
          // Redrawn in place on a terminal.
          if watch, isatty(1) == 1 { print("\u{1B}[H\u{1B}[2J", terminator: "") }
          print(StatusText.table(reply), terminator: "")
        }
        ending = StatusText.health(reply) == .healthy ? .done : .failed
      case .unreachable(let target):
        StandardError.write(
          "elbo: no coordinator answers at \(target); it may be over: `elbo status RUN` tells from the run folder\n")
        ending = .mistake
      case .over(let run, let status):
        if !json { print("\(run): \(status)") }
        ending = status == "finished" ? .done : .failed
      }
      fflush(nil)
      return watch
    }
    if ending != .done { throw ending }
  }
}
