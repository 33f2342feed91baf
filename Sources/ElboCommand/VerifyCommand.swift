import ArgumentParser
import Runs

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Repeats a training and compares the parameters, bit for bit.",
    discussion: """
      Examples:
        elbo verify runs/vae
        elbo verify runs/vae --steps 600              the checkpoint of step 600, which is sooner done
        elbo verify runs/vae --data /elsewhere/images.npy --json

      The training is repeated from its first step here, also that of nodes, which has the same bits. When the parameters
      differ, the command names the known causes: data, version, numerics.

      Exit status: 0 equal, 1 they differ, 2 the run cannot be repeated, 130 interrupted.
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "Compare with the checkpoint of this step, and stop there (default: the newest).", valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("Where the data lies, if not where the recipe says.", valueName: "dir|file"))
  var data: String?

  @Flag(help: "Keep the repetition, beside the run.")
  var keep = false

  @OptionGroup var lanes: LaneOptions
  @OptionGroup var log: LogOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() async throws {
    let stop = StopRequest()
    let signals = SignalWatch(stopping: stop)
    defer { signals.end() }
    let result = try await Run.verify(
      run, step: steps, data: data, keeping: keep, lanes: lanes.count(), quiet: quiet, until: stop)
    print(try json ? result.json() : result.text, terminator: "")
    switch result.status {
    case .equal: return
    case .differs: throw ExitStatus.failed
    case .interrupted: throw ExitStatus.interrupted
    }
  }
}

extension Verification {
  fileprivate var text: String {
    let head =
      switch status {
      case .equal: "equal: after \(step) steps \(run) and its repetition have parameters_sha256 \(parameters_sha256)"
      case .differs:
        "they differ: after \(step) steps \(run) has parameters_sha256 \(parameters_sha256)"
          + (repeated_sha256.map { ", its repetition \($0)" } ?? "")
      case .interrupted: "interrupted: nothing is known of \(run)"
      }
    let unknown = "nothing else is known to be other: the run's files may have been changed, or this is a fault of elbo"
    let reasons = status == .differs && differences.isEmpty ? [unknown] : differences
    return ([head] + reasons + (repetition.map { ["the repetition is \($0)"] } ?? [])).joined(separator: "\n") + "\n"
  }
}
