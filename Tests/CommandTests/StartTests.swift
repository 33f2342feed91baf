import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("A start by nodes that is refused changes nothing")
  struct StartTests {
    private func coordinator(
      _ workspace: Workspace, _ more: [String] = [], model: String = "vae", out: String = "run",
      bind: String = "tcp://127.0.0.1:*"
    ) -> [String] {
      ["coordinator"] + workspace.training(model, out: out, ["--bind", bind] + more).dropFirst()
    }

    /// Runs commands that are refused while a coordinator, of another run, holds an address.
    private func withBusyAddress(_ body: @Sendable (Workspace, String) async throws -> Void) async throws {
      let workspace = try Workspace()
      let holder = try await Elbo.run(coordinator(workspace, out: "holder")) { send in
        try await until { workspace.endpoint("holder") != nil }
        try await body(workspace, workspace.endpoint("holder")!)
        try send(.interrupt)
      }
      #expect(holder.status == .exited(130), "\(holder.error)")
    }

    private func expectRefusal(
      _ workspace: Workspace, _ arguments: [String], says words: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let before = try contents(workspace)
      expectMistake(try await Elbo.run(arguments), says: words, sourceLocation: sourceLocation)
      #expect(try contents(workspace) == before, sourceLocation: sourceLocation)
    }

    /// Every file below the folder `run`, with its bytes; not the lock of a process that was killed.
    private func contents(_ workspace: Workspace) throws -> [String: [UInt8]?] {
      let names = FileManager.default.subpaths(atPath: workspace["run"]) ?? []
      return try names.filter { $0 != ".lock" }.reduce(into: ["": workspace.exists("run") ? [] : nil]) {
        contents, name in
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: workspace["run/\(name)"], isDirectory: &isFolder)
        contents[name] = isFolder.boolValue ? .some(nil) : try workspace.read("run/\(name)")
      }
    }

    @Test("The address is taken, or is none of this machine: one line, and no run folder")
    func address() async throws {
      try await withBusyAddress { workspace, busy in
        for command in ["coordinator", "launch"] {
          let rest = workspace.training("vae", out: "run").dropFirst()
          try await expectRefusal(
            workspace, [command] + rest + ["--bind", busy], says: "Address already in use", "another port")
          #expect(!workspace.exists("run"))
        }
        try await expectRefusal(
          workspace, coordinator(workspace, ["--plain"], bind: "tcp://no-such-host.invalid:*"), says: "no-such-host",
          "numbers")
        #expect(!workspace.exists("run"))
      }
    }

    @Test("The address of a run that goes on is taken: the run is as it was")
    func addressOfARun() async throws {
      try await withBusyAddress { workspace, busy in
        _ = try await Elbo.run(workspace.launch("vae", out: "run", nodes: 1, ["--steps", "3"])).hash()
        for command in ["coordinator", "launch"] {
          try await expectRefusal(
            workspace, [command, "--resume", workspace["run"], "--steps", "9", "--bind", busy],
            says: "Address already in use")
        }
        let resumed = try await Elbo.run(
          "launch", "--resume", workspace["run"], "--steps", "9", "--nodes", "1", "--bind", "tcp://localhost:*",
          "--quiet", "--json")
        let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "9")).hash()
        #expect(try resumed.hash() == straight)
      }
    }

    @Test("The file with the endpoint cannot be written: one line, and what was there before")
    func endpoint() async throws {
      let workspace = try Workspace()
      try FileManager.default.createDirectory(
        atPath: workspace["run/coordinator.endpoint/in-the-way"], withIntermediateDirectories: true)
      try await expectRefusal(workspace, coordinator(workspace), says: "coordinator.endpoint")
      #expect(workspace.names(in: "run") == ["coordinator.endpoint"])
    }

    @Test("No file may have a byte: one line, and no run folder", arguments: ["train", "launch"])
    func noRoom(_ command: String) async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(
        throughShell: "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"",
        [command] + workspace.training("vae", out: "run").dropFirst())
      expectMistake(outcome, says: ["File too large"])
      #expect(!workspace.exists("run"))
    }

    @Test(
      "Too few descriptors: one line that says how many are needed, and no run folder", arguments: [16, 20, 30, 40])
    func fewDescriptors(_ count: Int) async throws {
      let workspace = try Workspace()
      for command in [["train"], ["launch", "--nodes", "2"]] {
        let outcome = try await Elbo.run(
          throughShell: "ulimit -n \(count); exec \"$0\" \"$@\"",
          command + workspace.training("vae", out: "run").dropFirst())
        expectMistake(outcome, says: ["is \(count)", "64 are needed", "ulimit -n"])
        #expect(!workspace.exists("run"))
      }
      let launch = try await Elbo.run(
        throughShell: "ulimit -n 100; exec \"$0\" \"$@\"", workspace.launch("vae", out: "run", nodes: 8, []))
      expectMistake(launch, says: ["--nodes is 8", "128 are needed"])
    }

    @Test(
      "Too little address space: one line that says how much is needed, and no run folder", arguments: [200, 500, 1000])
    func littleMemory(_ megabytes: Int) async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(
        throughShell: "ulimit -v \(megabytes << 10); exec /usr/bin/timeout 60 \"$0\" \"$@\"",
        workspace.training("vae", out: "run"))
      expectMistake(outcome, says: ["limited to \(megabytes) MiB", "ulimit -v"])
      #expect(!workspace.exists("run"))
    }

    /// A workspace with a run whose coordinator was killed before a node came.
    private func killed() async throws -> Workspace {
      let workspace = try Workspace()
      let killed = try await Elbo.run(coordinator(workspace, ["--steps", "9"])) { send in
        try await until { workspace.endpoint("run") != nil }
        try send(.kill)
      }
      #expect(killed.status == .killed(by: SIGKILL))
      return workspace
    }

    @Test("A coordinator was killed: started with another recipe it is refused, with the same it goes on")
    func anotherRecipe() async throws {
      let workspace = try await killed()
      for more in [["--seed", "7"], ["--steps", "10"], ["--set", "optimizer.learning_rate=0.5"]] {
        try await expectRefusal(workspace, coordinator(workspace, ["--steps", "9"] + more), says: "recipe", "--out")
      }
      try await expectRefusal(workspace, coordinator(workspace, model: "autoencoder"), says: "vae", "autoencoder")
      try workspace.write(
        "other.yaml",
        "model: vae\ndata: {source: \(workspace.data)}\nnetwork: {hidden: [9]}\ntrain: {steps: 9, batch: 20}\n")
      try await expectRefusal(
        workspace, ["coordinator", workspace["other.yaml"], "--out", workspace["run"]], says: "other.yaml", "recipe")
      try workspace.write(
        "data/train-images-idx3-ubyte", IDX.images(Workspace.trainCount, side: Workspace.side).dropLast() + [77])
      try await expectRefusal(workspace, coordinator(workspace, ["--steps", "9"]), says: "other data")
      try workspace.write(
        "data/train-images-idx3-ubyte", IDX.images(Workspace.trainCount, side: Workspace.side))
      let again = coordinator(workspace, ["--steps", "9"])
      let before = try workspace.read("run/coordinator.endpoint")
      async let outcome = Elbo.run(again)
      try await until { (try? workspace.read("run/coordinator.endpoint")) != before }
      let node = try await Elbo.run("node", "--coordinator", try #require(workspace.endpoint("run")), "--lanes", "1")
      #expect(node.status == .exited(0), "\(node.error)")
      let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "9")).hash()
      #expect(try await outcome.hash() == straight)
    }

    @Test("No checkpoint of a killed coordinator's run is whole: it does not begin at step 0")
    func noWholeCheckpoint() async throws {
      let workspace = try await killed()
      try FileManager.default.createDirectory(
        atPath: workspace["run/checkpoints/step-000005"], withIntermediateDirectories: true)
      try await expectRefusal(
        workspace, coordinator(workspace, ["--steps", "9"]), says: "no whole checkpoint", "step-000005")
    }
  }
}
