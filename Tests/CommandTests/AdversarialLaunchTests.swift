import Foundation
import Subprocess
import TestSupport
import Testing

/// Two players on several nodes: convolutions with batch statistics, and second derivatives. Images of 16 × 16 are
/// halved twice, so that the second convolution takes 16 channels to 32, for which there are kernels of Elbo's own.
@Suite("Adversarial nodes: the same parameters_sha256 as one process", .serialized, .timeLimit(.minutes(15)))
struct AdversarialLaunchTests {
  private static let wide = ["--set", "network.filters=16"]

  @Test("One, two and four nodes", arguments: ["dcgan", "wgan-gp"], [1, 2, 4])
  func nodes(_ model: String, _ nodes: Int) async throws {
    let workspace = try Workspace(side: 16)
    let more = Self.wide + ["--steps", "20"]
    let alone = try await Elbo.run(workspace.training(model, out: "alone", more)).hash()
    let launch = try await Elbo.run(workspace.launch(model, out: "launch", nodes: nodes, more)).hash()
    #expect(launch == alone)
  }

  @Test("From the parameters of another run, by one process and by nodes while one is killed")
  func transfer() async throws {
    let workspace = try Workspace(side: 16)
    let source = try await Elbo.run(workspace.training("dcgan", out: "source", Self.wide + ["--steps", "5"]))
    #expect(source.status == .exited(0), "\(source.error)")
    let (steps, from) = (100, ["--from", workspace["source"], "--freeze-discriminator", "1"])
    let more = Self.wide + from + ["--steps", "\(steps)", "--set", "train.report_every=1", "--lanes", "1"]
    let alone = try await Elbo.run(workspace.training("dcgan", out: "alone", more)).hash()
    let arguments = workspace.launch("dcgan", out: "run", nodes: 2, more + ["--heartbeat", "0.2"])
    let outcome = try await Elbo.run(arguments) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= 10 }
      let node = try #require(workspace.processes().randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try outcome.hash() == alone)
    let anew = Self.wide + ["--steps", "\(steps)", "--lanes", "1"]
    #expect(try await Elbo.run(workspace.training("dcgan", out: "anew", anew)).hash() != alone)
  }

  @Test("A node is killed", arguments: ["dcgan", "wgan-gp"], [2, 4])
  func kill(_ model: String, _ nodes: Int) async throws { try await killed(model, nodes, Self.wide) }

  /// Two sizes fade in before the training ends.
  @Test(
    "Defect 30: a node is killed while networks grow, or follow styles", arguments: ["progressive-gan", "stylegan"],
    [2, 4])
  func killWhileGrowing(_ model: String, _ nodes: Int) async throws {
    let keys = [
      "network.channel_base=32", "network.channel_limit=4", "network.stable_examples=600",
      "network.fading_examples=900",
    ]
    try await killed(model, nodes, keys.flatMap { ["--set", $0] })
  }

  private func killed(_ model: String, _ nodes: Int, _ keys: [String]) async throws {
    let workspace = try Workspace(side: 16)
    let steps = 300
    let more = keys + ["--steps", "\(steps)", "--set", "train.report_every=1", "--lanes", "1"]
    let alone = try await Elbo.run(workspace.training(model, out: "alone", more)).hash()
    let arguments = workspace.launch(model, out: "run", nodes: nodes, more + ["--heartbeat", "0.2"])
    let outcome = try await Elbo.run(arguments) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= 10 }
      let node = try #require(workspace.processes().randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try outcome.hash() == alone)
    #expect(workspace.lines("run/metrics.jsonl") == steps)
    #expect(workspace.processes().isEmpty)
  }
}

extension CommandTests {
  /// Recipes of one architecture become the other's by a single key, although they name sizes of their own.
  @Suite("The architecture of an adversarial recipe")
  struct ArchitectureTests {
    @Test(arguments: [
      ("gan", "convolutional"), ("wgan-gp", "dense"), ("infogan", "dense"), ("dcgan", "dense"), ("gan", "style"),
      ("progressive-gan", "style"),
    ])
    func oneKeyChoosesIt(model: String, architecture: String) async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(
        "train", model, "--data", workspace.data, "--dry-run", "--set", "network.architecture=\(architecture)", "--set",
        "train.batch=10")
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      #expect(outcome.output.contains("architecture: \(architecture)"))
    }

    @Test func picturesThatCannotBeReadAreLeftOutWhenAsked() async throws {
      let workspace = try Workspace()
      try FileManager.default.createDirectory(atPath: workspace["pictures"], withIntermediateDirectories: true)
      try workspace.write("pictures/text.png", "no picture")
      let words = ["train", "dcgan", "--data", workspace["pictures"], "--dry-run"]
      let (strict, lenient) = (try await Elbo.run(words), try await Elbo.run(words + ["--no-strict"]))
      for outcome in [strict, lenient] { expectMistake(outcome, says: ["text.png"]) }
      #expect(strict.error.contains("--no-strict") && lenient.error.contains("none of its 1 picture"))
    }
  }
}
