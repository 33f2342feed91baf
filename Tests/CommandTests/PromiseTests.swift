import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("The same parameters_sha256, whatever computes it and whatever interrupts it")
  struct PromiseTests {
    static let models = ["vae", "autoencoder", "gmm", "hmm", "bbb", "mc-dropout", "mlp", "laplace", "gan", "wgan-gp"]

    @Test("One, two and four lanes with V = 4", arguments: models)
    func lanes(_ model: String) async throws {
      let workspace = try Workspace()
      var hashes: [String] = []
      for lanes in [1, 2, 4] {
        let arguments = workspace.training(model, out: "lanes-\(lanes)", "--steps", "25", "--lanes", "\(lanes)")
        hashes.append(try await Elbo.run(arguments).hash())
      }
      #expect(hashes.dropFirst().allSatisfy { $0 == hashes[0] })
    }

    @Test(
      "The result is not the same for every input",
      arguments: ["train.shards=3", "train.seed=5", "optimizer.beta1=0.8"])
    func differs(_ setting: String) async throws {
      let workspace = try Workspace()
      let one = try await Elbo.run(workspace.training("vae", out: "one", "--steps", "25")).hash()
      let other = try await Elbo.run(workspace.training("vae", out: "other", "--steps", "25", "--set", setting)).hash()
      #expect(one != other)
    }

    @Test("N steps, resumed, N steps more: 2N steps", arguments: models)
    func resumption(_ model: String) async throws {
      let workspace = try Workspace()
      // 13 steps end within the fifth epoch of three steps.
      let undisturbed = try await Elbo.run(workspace.training(model, out: "undisturbed", "--steps", "26")).hash()
      let half = try await Elbo.run(workspace.training(model, out: "resumed", "--steps", "13"))
      #expect(try half.json()["steps"] as? Int == 13)
      let whole = try await resume(workspace, "resumed", steps: 26)
      #expect(try whole.json()["steps"] as? Int == 26)
      #expect(try whole.hash() == undisturbed)
    }

    @Test(
      "Ctrl-C, SIGTERM, a closed terminal: a checkpoint, exit status 130, and resuming equals going on",
      arguments: ["vae", "gmm"], [Signal.interrupt, .terminate, .terminalClosed])
    func interruption(_ model: String, _ signal: Signal) async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(endless(workspace, model)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 20 }
        try send(signal)
      }
      #expect(outcome.status == .exited(130))
      let summary = try outcome.json()
      #expect(summary["status"] as? String == "interrupted")
      let step = try #require(summary["steps"] as? Int)
      #expect(workspace.checkpoints("run") == [step])
      #expect(workspace.lines("run/metrics.jsonl") == step)
      try await expectUndisturbed(workspace, model, steps: step + 10)
      #expect(workspace.lines("run/metrics.jsonl") == step + 10)
    }

    @Test("A signal that comes twice, as `timeout` sends it to a process and to its group, is one request to stop")
    func repeatedSignal() async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(endless(workspace, "vae")) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 20 }
        for _ in 0..<2000 {
          try send(.terminate)
          await Task.yield()
        }
      }
      #expect(outcome.status == .exited(130))
      let step = try #require(try outcome.json()["steps"] as? Int)
      #expect(workspace.checkpoints("run") == [step])
    }

    @Test("SIGKILL at random moments", arguments: ["vae", "gmm"])
    func kill(_ model: String) async throws {
      let workspace = try Workspace()
      var generator = SystemRandomNumberGenerator()
      var arguments = endless(workspace, model, checkpointEvery: 1)
      for _ in 0..<8 {
        let lines = workspace.lines("run/metrics.jsonl") + Int.random(in: 1...12, using: &generator)
        let yields = Int.random(in: 0...2000, using: &generator)
        let outcome = try await Elbo.run(arguments) { send in
          try await until { workspace.lines("run/metrics.jsonl") >= lines && !workspace.checkpoints("run").isEmpty }
          for _ in 0..<yields { await Task.yield() }
          try send(.kill)
        }
        #expect(outcome.status == .killed(by: SIGKILL), "\(outcome.error)")
        arguments = ["train", "--resume", workspace["run"], "--quiet", "--json"]
      }
      try await expectUndisturbed(workspace, model, steps: try #require(workspace.checkpoints("run").last) + 10)
    }

    @Test("SIGKILL in the middle of writing a checkpoint", arguments: ["vae", "gmm"])
    func killWhileWriting(_ model: String) async throws {
      let workspace = try Workspace()
      var arguments = endless(workspace, model, checkpointEvery: 1)
      var halves = 0
      // A checkpoint may be whole by the time the signal arrives; then it is tried again.
      while halves < 3 {
        let outcome = try await Elbo.run(arguments) { send in
          try await until { !workspace.checkpoints("run").isEmpty && !workspace.unfinished("run").isEmpty }
          try send(.kill)
        }
        #expect(outcome.status == .killed(by: SIGKILL), "\(outcome.error)")
        if !workspace.unfinished("run").isEmpty { halves += 1 }
        arguments = ["train", "--resume", workspace["run"], "--quiet", "--json"]
      }
      try await expectUndisturbed(workspace, model, steps: try #require(workspace.checkpoints("run").last) + 10)
      #expect(workspace.unfinished("run").isEmpty)
    }

    /// Arguments of a training that only a signal ends.
    private func endless(_ workspace: Workspace, _ model: String, checkpointEvery: Int = 0) -> [String] {
      workspace.training(
        model, out: "run", "--steps", "1000000000", "--set", "train.report_every=1", "--set",
        "train.checkpoint_every=\(checkpointEvery)")
    }

    private func resume(_ workspace: Workspace, _ run: String, steps: Int) async throws -> Elbo.Outcome {
      try await Elbo.run("train", "--resume", workspace[run], "--steps", "\(steps)", "--quiet", "--json")
    }

    /// Resumes the run to its end and compares it with a training that nothing interrupted.
    private func expectUndisturbed(_ workspace: Workspace, _ model: String, steps: Int) async throws {
      let resumed = try await resume(workspace, "run", steps: steps).hash()
      let undisturbed = try await Elbo.run(workspace.training(model, out: "undisturbed", "--steps", "\(steps)")).hash()
      #expect(resumed == undisturbed)
    }
  }
}

extension Workspace {
  /// How many whole lines a file has; 0 when there is none.
  func lines(_ name: String) -> Int {
    (try? read(name))?.count { $0 == UInt8(ascii: "\n") } ?? 0
  }

  /// The steps of a run's checkpoints.
  fileprivate func checkpoints(_ run: String) -> [Int] {
    names(in: run + "/checkpoints").compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
  }

  /// Checkpoints that are being written, or were when the process was killed.
  fileprivate func unfinished(_ run: String) -> [String] {
    names(in: run + "/checkpoints").filter { !$0.hasPrefix("step-") }
  }
}
