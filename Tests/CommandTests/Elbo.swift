import Foundation
import Subprocess
import SystemPackage
import Testing

/// Tests with processes: one after the other, since each of them computes on every processor.
@Suite("The command", .serialized, .timeLimit(.minutes(15)))
enum CommandTests {}

/// The built command, run as users run it: a process with arguments, streams and an exit status.
enum Elbo {
  /// How a process ended.
  enum Status: Equatable, Sendable {
    case exited(Int32)
    case killed(by: Int32)
  }

  /// How a process ended, and what it said.
  struct Outcome: Sendable {
    let status: Status
    let output: String
    let error: String

    fileprivate init(_ status: TerminationStatus, _ output: String, _ error: String) {
      self.status =
        switch status {
        case .exited(let code): .exited(code)
        case .signaled(let signal): .killed(by: signal)
        }
      (self.output, self.error) = (output, error)
    }

    /// The JSON object on standard output.
    func json(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: any Sendable] {
      try #require(
        try? JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: any Sendable],
        "no JSON object: \(output) \(error)", sourceLocation: sourceLocation)
    }

    /// `parameters_sha256` of a training that was asked for `--json` and ended well.
    func hash(sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
      try #require(status == .exited(0), "\(error)", sourceLocation: sourceLocation)
      return try #require(
        try json(sourceLocation: sourceLocation)["parameters_sha256"] as? String, sourceLocation: sourceLocation)
    }
  }

  /// The product lies beside the test bundle that this is part of.
  static let path: FilePath = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return FilePath(URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("elbo").path)
  }()

  /// No gnuplot: what it would draw is tested with Reports, and each picture takes longer than these trainings.
  static let environment = Subprocess.Environment.inherit.updating(["PATH": "/nonexistent"])

  /// Runs the command to its end.
  static func run(_ arguments: [String]) async throws -> Outcome {
    try await run(arguments) { _ in }
  }

  static func run(_ arguments: String...) async throws -> Outcome { try await run(arguments) }

  /// Runs the command in a folder that relative paths begin at.
  static func run(_ arguments: [String], in folder: FilePath) async throws -> Outcome {
    try await run(arguments, in: folder) { _ in }
  }

  /// Runs the command with the programs of one folder, and no others, at hand.
  static func run(_ arguments: [String], programs folder: String) async throws -> Outcome {
    try await run(arguments, environment: environment.updating(["PATH": folder])) { _ in }
  }

  /// Runs the command, and does something while it runs, with a way to send it signals.
  static func run(
    _ arguments: [String], environment: Subprocess.Environment = environment, in folder: FilePath? = nil,
    _ body: @Sendable (_ send: @Sendable (Signal) throws -> Void) async throws -> Void
  ) async throws -> Outcome {
    let result = try await Subprocess.run(
      .path(path), arguments: Arguments(arguments), environment: environment,
      workingDirectory: folder, input: .none, output: .string(limit: 1 << 24), error: .string(limit: 1 << 24)
    ) { execution in
      try await body { try execution.send(signal: $0) }
    }
    return Outcome(result.terminationStatus, result.standardOutput, result.standardError)
  }

  /// Runs the command from a line of shell that has the arguments as `"$0" "$@"`: for redirections and limits.
  static func run(throughShell line: String, _ arguments: [String]) async throws -> Outcome {
    try await run(throughShell: line, arguments) { _ in }
  }

  /// The same, and does something while it runs, with a way to send the shell signals, or what it has become.
  static func run(
    throughShell line: String, _ arguments: [String],
    _ body: @Sendable (_ send: @Sendable (Signal) throws -> Void) async throws -> Void
  ) async throws -> Outcome {
    let result = try await Subprocess.run(
      .path("/bin/sh"), arguments: Arguments(["-c", line, path.string] + arguments), environment: environment,
      input: .none, output: .string(limit: 1 << 24), error: .string(limit: 1 << 24)
    ) { execution in
      try await body { try execution.send(signal: $0) }
    }
    return Outcome(result.terminationStatus, result.standardOutput, result.standardError)
  }
}

/// Asks again and again whether a condition holds; the test's time limit is the bound. What is waited for are processes,
/// which need the processor more than the question does.
func until(_ condition: @Sendable () -> Bool) async throws {
  while !condition() { try await Task.sleep(for: .milliseconds(2)) }
}
