import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("A run has one writer; readers change nothing")
  struct WriterTests {
    /// Arguments of a training that only a signal ends, and that writes checkpoints all the time.
    private func endless(_ workspace: Workspace) -> [String] {
      workspace.training(
        "vae", out: "run", "--steps", "1000000000", "--set", "train.report_every=1", "--set",
        "train.checkpoint_every=1", "--set", "train.keep_checkpoints=1")
    }

    @Test("Readers beside a training that writes checkpoints: all of them read, and it goes on")
    func readers() async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(endless(workspace)) { send in
        try await until { workspace.names(in: "run/checkpoints").contains { $0.hasPrefix("step-") } }
        for _ in 0..<10 {
          let reader = try await Elbo.run("evaluate", workspace["run"], "--json")
          #expect(reader.status == .exited(0), "\(reader.error)")
          #expect(reader.error == "")
        }
        try send(.interrupt)
      }
      #expect(outcome.status == .exited(130), "\(outcome.error)")
      #expect(!workspace.names(in: "run").contains(".lock"))
    }

    @Test("A second writer hears which process is the first, and changes nothing")
    func secondWriter() async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(endless(workspace)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 5 }
        let recipe = try workspace.read("run/recipe.yaml")
        for command in [
          ["train", "--resume", workspace["run"]], ["launch", "--resume", workspace["run"], "--nodes", "1"],
          ["coordinator", "--resume", workspace["run"]], workspace.training("vae", out: "run"),
        ] {
          let second = try await Elbo.run(command)
          expectMistake(second, says: ["\(workspace["run"]) is being written by process", "(elbo train)"])
        }
        #expect(try workspace.read("run/recipe.yaml") == recipe)
        let lines = workspace.lines("run/metrics.jsonl")
        try await until { workspace.lines("run/metrics.jsonl") > lines }
        try send(.interrupt)
      }
      #expect(outcome.status == .exited(130), "\(outcome.error)")
      let steps = try workspace.read("run/metrics.jsonl").split(separator: UInt8(ascii: "\n")).map { line in
        try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])["step"] as? Int
      }
      #expect(steps == (1...steps.count).map { $0 })
    }

    @Test("Of those who start with the same --out at the same time, one trains")
    func sameOut() async throws {
      let workspace = try Workspace()
      let arguments = workspace.training("vae", out: "run", "--steps", "3")
      let outcomes = try await withThrowingTaskGroup(of: Elbo.Outcome.self) { group in
        for _ in 0..<4 { group.addTask { try await Elbo.run(arguments) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.count { $0.status == .exited(0) } == 1)
      #expect(outcomes.count { $0.status == .exited(2) } == 3)
      #expect(workspace.lines("run/metrics.jsonl") == 1)
    }

    @Test("Those who start without --out at the same time have a folder each")
    func noOut() async throws {
      let workspace = try Workspace()
      let arguments =
        ["train", "vae", "--data", workspace.data, "--quiet", "--json", "--steps", "3"] + TinyModel.options("vae")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            _ = try await Elbo.run(throughShell: "cd '\(workspace.path)' && exec \"$0\" \"$@\"", arguments).hash()
          }
        }
        try await group.waitForAll()
      }
      #expect(workspace.names(in: "runs") == ["vae", "vae-2", "vae-3", "vae-4"])
    }

    /// Damages the newest checkpoint and returns its name.
    private func damageNewest(_ workspace: Workspace) throws -> String {
      let name = try #require(workspace.names(in: "run/checkpoints").last)
      let file = "run/checkpoints/\(name)/model.safetensors"
      var bytes = try workspace.read(file)
      bytes[bytes.count - 3] ^= 0x10
      try workspace.write(file, bytes)
      return name
    }

    @Test("The newest checkpoint is damaged: trained, launched and evaluated is from the one before, aloud")
    func damagedNewest() async throws {
      let workspace = try Workspace()
      let more = ["--set", "train.checkpoint_every=3"]
      _ = try await Elbo.run(workspace.training("vae", out: "run", ["--steps", "8"] + more)).hash()
      let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "12")).hash()
      let damaged = try damageNewest(workspace)
      let reader = try await Elbo.run("evaluate", workspace["run"], "--json")
      #expect(reader.status == .exited(0))
      #expect(reader.error.contains(damaged) && reader.error.contains("step 6"), "\(reader.error)")
      for command in [["train"], ["launch", "--nodes", "1"]] {
        let copy = workspace["copy-\(command[0])"]
        try FileManager.default.copyItem(atPath: workspace["run"], toPath: copy)
        let resumed = try await Elbo.run(command + ["--resume", copy, "--steps", "12", "--quiet", "--json"])
        #expect(try resumed.hash() == straight)
        #expect(resumed.error.contains(damaged) && resumed.error.contains("step 6"), "\(resumed.error)")
      }
    }

    @Test("A run of before there were checkpoints by time goes on")
    func oldRecipe() async throws {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      let recipe = String(decoding: try workspace.read("run/recipe.yaml"), as: UTF8.self)
      let old = recipe.split(separator: "\n").filter { !$0.contains("checkpoint_minutes") }.joined(separator: "\n")
      #expect(old.count < recipe.count - 10)
      try workspace.write("run/recipe.yaml", old + "\n")
      let resumed = try await Elbo.run("train", "--resume", workspace["run"], "--steps", "6", "--quiet", "--json")
      let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "6")).hash()
      #expect(try resumed.hash() == straight)
    }

    @Test("Checkpoints come by time, here and from nodes", arguments: [["train"], ["launch", "--nodes", "2"]])
    func checkpointMinutes(_ command: [String]) async throws {
      let workspace = try Workspace()
      let arguments = workspace.training(
        "vae", out: "run", "--steps", "1000000000", "--lanes", "1", "--set", "train.checkpoint_minutes=0.001")
      let outcome = try await Elbo.run(command + arguments.dropFirst()) { send in
        for _ in 0..<2 {
          let names = workspace.names(in: "run/checkpoints")
          try await until {
            workspace.names(in: "run/checkpoints").contains { $0.hasPrefix("step-") && !names.contains($0) }
          }
        }
        try send(.interrupt)
      }
      #expect(outcome.status == .exited(130), "\(outcome.error)")
    }

    @Test("A training that nohup starts outlives its terminal")
    func nohup() async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(throughShell: "trap '' HUP; exec \"$0\" \"$@\"", endless(workspace)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 5 }
        try send(.terminalClosed)
        let lines = workspace.lines("run/metrics.jsonl")
        try await until { workspace.lines("run/metrics.jsonl") > lines + 20 }
        try send(.terminate)
      }
      #expect(outcome.status == .exited(130), "\(outcome.error)")
    }

    @Test("Closed standard streams: the run is whole, and results that are not received are no success")
    func closedStreams() async throws {
      let workspace = try Workspace()
      let training = try await Elbo.run(
        throughShell: "exec \"$0\" \"$@\" >&- 2>&- <&-", workspace.training("vae", out: "run", "--steps", "3"))
      #expect(training.status == .exited(2))
      #expect(workspace.names(in: "run/checkpoints") == ["step-000003"])
      let summary = try JSONSerialization.jsonObject(with: Data(try workspace.read("run/summary.json")))
      #expect((summary as? [String: Any])?["status"] as? String == "finished")
      for streams in ["2>&-", "<&- 2>&-", "2>/dev/full"] {
        let mistake = try await Elbo.run(throughShell: "exec \"$0\" \"$@\" \(streams)", ["train", "vea"])
        #expect(mistake.status == .exited(2))
        let quiet = try await Elbo.run(
          throughShell: "exec \"$0\" \"$@\" \(streams)", ["evaluate", workspace["run"], "--json"])
        #expect(quiet.status == .exited(0))
        #expect(try quiet.json().isEmpty == false)
      }
    }
  }
}
