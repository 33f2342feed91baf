import Foundation
import Reports
import Subprocess
import SystemPackage
import TestSupport
import Testing

/// A disk that takes no more, as a limit on the size of a file that this test can raise.
@Suite("A full disk ends no training, and what waited for room is written", .serialized, .timeLimit(.minutes(15)))
struct DiskTests {
  private static let steps = 400
  private static let full = "trap '' XFSZ; ulimit -S -f 20; exec \"$0\" \"$@\" 2> "

  private func arguments(_ command: [String], _ workspace: Workspace) -> [String] {
    command
      + workspace.training(
        "vae", out: "run", "--steps", "\(Self.steps)", "--set", "train.report_every=1", "--lanes", "1"
      ).dropFirst()
  }

  private func said(_ workspace: Workspace) -> String {
    (try? workspace.read("said")).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Runs a training whose files may not grow beyond 10 kB, and does something when its end cannot be written.
  private func withFullDisk(
    _ command: [String], _ workspace: Workspace,
    _ body: @escaping @Sendable (@Sendable (Signal) throws -> Void) async throws -> Void
  ) async throws -> Elbo.Outcome {
    try await Elbo.run(throughShell: Self.full + "'\(workspace["said"])'", arguments(command, workspace)) { send in
      try await until { said(workspace).contains("checkpoint \(Self.steps) cannot be written: File too large") }
      try await body(send)
    }
  }

  /// Lets the process that writes to the run make files of any size.
  private func makeRoom(_ workspace: Workspace) async throws {
    let holder = String(decoding: try workspace.read("run/.lock"), as: UTF8.self).prefix { $0 != "\n" }
    let result = try await Subprocess.run(
      .path("/usr/bin/prlimit"), arguments: ["--pid", String(holder), "--fsize=unlimited"], output: .discarded,
      error: .discarded)
    #expect(result.terminationStatus.isSuccess)
  }

  @Test("When there is room again: every line, the result, exit status 0", arguments: [["train"], ["launch"]])
  func roomAgain(_ command: [String]) async throws {
    let workspace = try Workspace()
    let outcome = try await withFullDisk(command, workspace) { _ in
      #expect(workspace.lines("run/metrics.jsonl") < Self.steps)
      if command == ["launch"] {
        let status = try await Elbo.run("status", try #require(workspace.endpoint("run")), "--json")
        #expect(status.status == .exited(1))
        let explanation = try status.json()["explanation"] as? String
        #expect(explanation?.contains("checkpoint \(Self.steps) cannot be written: File too large") == true)
      }
      try await makeRoom(workspace)
    }
    let text = said(workspace)
    #expect(text.contains("metrics.jsonl cannot be written: File too large"), "\(text)")
    #expect(text.split(separator: "\n").count { $0.contains("cannot be written") } == 2, "once each: \(text)")
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", "--steps", "\(Self.steps)")).hash()
    #expect(try outcome.hash() == alone)
    #expect(workspace.lines("run/metrics.jsonl") == Self.steps)
    #expect(workspace.names(in: "run/checkpoints") == ["step-000\(Self.steps)"])
  }

  @Test(
    "When the user does not wait for that: one line, exit status 1, no process left",
    arguments: [["train"], ["launch"]])
  func givenUp(_ command: [String]) async throws {
    let workspace = try Workspace()
    let outcome = try await withFullDisk(command, workspace) { send in try send(.terminate) }
    #expect(outcome.status == .exited(1), "\(said(workspace))")
    let last = said(workspace).split(separator: "\n").last ?? ""
    #expect(
      last.hasPrefix("elbo: ") && last.contains("checkpoint \(Self.steps) cannot be written"), "\(said(workspace))")
    #expect(workspace.processes().isEmpty)
    // Nothing half-written.
    #expect(workspace.names(in: "run/checkpoints") == [])
    #expect(!workspace.exists("run/summary.json"))
  }

  @Test("A folder where a file has to be: the training goes on, and a checkpoint is written when it is away")
  func obstacle() async throws {
    let workspace = try Workspace()
    let training = workspace.training(
      "vae", out: "run", "--steps", "1000000000", "--set", "train.report_every=1", "--set", "train.checkpoint_every=1")
    let outcome = try await Elbo.run(training) { send in
      try await until { workspace.names(in: "run/checkpoints").contains { $0.hasPrefix("step-") } }
      // A file where the folder of checkpoints was.
      try FileManager.default.moveItem(atPath: workspace["run/checkpoints"], toPath: workspace["run/aside"])
      try workspace.write("run/checkpoints", "")
      let lines = workspace.lines("run/metrics.jsonl")
      try await until { workspace.lines("run/metrics.jsonl") > lines + 50 }
      try FileManager.default.removeItem(atPath: workspace["run/checkpoints"])
      try await until { workspace.names(in: "run/checkpoints").contains { $0.hasPrefix("step-") } }
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
    #expect(outcome.error.contains("cannot be written"), "\(outcome.error)")
    let step = try #require(try outcome.json()["steps"] as? Int)
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", "--steps", "\(step)")).hash()
    #expect(try outcome.json()["parameters_sha256"] as? String == alone)
  }

  @Test("A file for TensorBoard that cannot grow ends, without a gap, and the training goes on")
  func tensorBoard() async throws {
    let workspace = try Workspace()
    let outcome = try await Elbo.run(
      throughShell: "trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\" 2> '\(workspace["said"])'",
      arguments(["train"], workspace) + ["--tensorboard"])
    #expect(outcome.status == .exited(0), "\(said(workspace))")
    #expect(said(workspace).split(separator: "\n").count { $0.contains("TensorBoard") } == 1, "\(said(workspace))")
    #expect(said(workspace).contains("File too large"))
    let written = TensorBoardFile.records(in: workspace["run"]).map { TensorBoardFile.step(of: $0) }.filter { $0 > 0 }
    let last = try #require(written.last)
    #expect(last < Self.steps && Set(written) == Set(1...last))
    #expect(workspace.lines("run/metrics.jsonl") == Self.steps)
  }
}
