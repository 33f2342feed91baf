import Foundation
import Testing

extension CommandTests {
  @Suite("A run that is damaged, or is not the one that was meant, is refused and stays as it is")
  struct RunMistakeTests {
    /// A workspace with a run of three steps.
    private func trained() async throws -> Workspace {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      return workspace
    }

    private static let checkpoint = "run/checkpoints/step-000003"

    private func expectRefusal(
      _ workspace: Workspace, _ arguments: [String], says words: String...,
      sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
      let before = workspace.listing
      let outcome = try await Elbo.run(arguments)
      expectMistake(outcome, says: words, sourceLocation: sourceLocation)
      #expect(workspace.listing == before, sourceLocation: sourceLocation)
    }

    @Test func anotherModel() async throws {
      let workspace = try await trained()
      try await expectRefusal(
        workspace, ["train", "autoencoder", "--resume", workspace["run"]], says: "vae", "autoencoder")
    }

    @Test(arguments: ["network.hidden=[9]", "optimizer.learning_rate=0.5", "train.seed=1", "train.shards=2"])
    func anotherRecipe(_ setting: String) async throws {
      let workspace = try await trained()
      try await expectRefusal(
        workspace, ["train", "--resume", workspace["run"], "--steps", "5", "--set", setting], says: workspace["run"])
    }

    @Test(arguments: [
      ("train.batch=3", "evaluate.samples"), ("evaluate", "evaluate.samples"), ("evaluate.dynamic=rms", "dynamic"),
      ("evaluate.importance_samples=many", "importance_samples"),
    ])
    func anotherKeyToEvaluateWith(_ setting: String, _ word: String) async throws {
      let workspace = try await trained()
      try await expectRefusal(workspace, ["evaluate", workspace["run"], "--set", setting], says: word)
    }

    @Test func otherData() async throws {
      let workspace = try await trained()
      try workspace.write(
        "data/train-images-idx3-ubyte", IDX.file(extents: [60, 6, 6], Array(repeating: 7, count: 60 * 36)))
      try await expectRefusal(workspace, ["train", "--resume", workspace["run"], "--steps", "5"], says: "data")
    }

    @Test func aRunInTheWay() async throws {
      let workspace = try await trained()
      try await expectRefusal(workspace, workspace.training("vae", out: "run"), says: "run", "--resume")
    }

    @Test func noCheckpoint() async throws {
      let workspace = try await trained()
      try FileManager.default.removeItem(atPath: workspace[RunMistakeTests.checkpoint])
      for command in [["train", "--resume"], ["evaluate"], ["sample"]] {
        try await expectRefusal(workspace, command + [workspace["run"]], says: "checkpoint")
      }
    }

    /// What can happen to a file of a checkpoint.
    enum Damage: String, CaseIterable, CustomTestStringConvertible {
      case flippedBit, cutOff, longer, empty, hugeHeader, noJSON, noTensors

      var testDescription: String { rawValue }

      func done(to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        switch self {
        case .flippedBit: bytes[bytes.count - 3] ^= 0x10
        case .cutOff: bytes.removeLast(4)
        case .longer: bytes.append(0)
        case .empty: bytes = []
        case .hugeHeader: bytes.replaceSubrange(0..<8, with: Array(repeating: 0xFF, count: 8))
        case .noJSON: bytes[8] = UInt8(ascii: "[")
        case .noTensors: bytes = [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)
        }
        return bytes
      }
    }

    @Test(arguments: Damage.allCases, ["model", "optimizer"])
    func damagedTensors(_ damage: Damage, _ file: String) async throws {
      let workspace = try await trained()
      let name = "\(RunMistakeTests.checkpoint)/\(file).safetensors"
      try workspace.write(name, damage.done(to: try workspace.read(name)))
      try await expectRefusal(
        workspace, ["train", "--resume", workspace["run"], "--steps", "5"], says: "\(file).safetensors")
      if file == "model" {
        try await expectRefusal(workspace, ["evaluate", workspace["run"]], says: "model.safetensors")
      }
    }

    @Test(arguments: ["", "{", "{}", "{\"format\": 2}", "[]"])
    func damagedState(_ text: String) async throws {
      let workspace = try await trained()
      try workspace.write("\(RunMistakeTests.checkpoint)/state.json", text)
      try await expectRefusal(workspace, ["train", "--resume", workspace["run"], "--steps", "5"], says: "state.json")
    }

    @Test func damagedRecipe() async throws {
      let workspace = try await trained()
      try workspace.write("run/recipe.yaml", "model: vae\ndata: {source: \(workspace.data)}\nnetwork: {latent: -1}\n")
      try await expectRefusal(workspace, ["evaluate", workspace["run"]], says: "network.latent")
    }
  }
}

extension CommandTests {
  @Suite("Devices that are full")
  struct FullDiskTests {
    @Test(arguments: [["recipes"], ["recipes", "vae"], ["--help"], ["train", "--help"]])
    func standardOutput(_ arguments: [String]) async throws {
      let outcome = try await Elbo.run(throughShell: "exec \"$0\" \"$@\" >/dev/full", arguments)
      #expect(outcome.status != .exited(0))
      #expect(outcome.error.contains("space"))
    }

    @Test("A picture that finds no space on its device is an error that names the file") func picture() async throws {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      let outcome = try await Elbo.run("sample", workspace["run"], "--output", "/dev/full")
      expectMistake(outcome, says: ["/dev/full", "space"])
    }
  }
}
