import Files
import Foundation
import Testing

extension CommandTests {
  @Suite("What users' scripts rely on")
  struct ContractTests {
    @Test func runFolder() async throws {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(
        workspace.training("vae", out: "run", "--epochs", "2", "--set", "train.report_every=1"))
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      #expect(outcome.error.isEmpty, "--quiet")
      #expect(outcome.output == String(decoding: try workspace.read("run/summary.json"), as: UTF8.self))

      let summary = try outcome.json()
      #expect(summary["status"] as? String == "finished")
      #expect(summary["steps"] as? Int == 6)
      #expect(try #require(summary["seconds"] as? Double) > 0)
      #expect(try #require(summary["examples_per_second"] as? Double) > 0)
      // 36·16 + 16 + 16·4 + 4 and 2·16 + 16 + 16·36 + 36.
      #expect(summary["parameters"] as? Int == 1320)
      let metrics = try #require(summary["metrics"] as? [String: Double])
      #expect(
        metrics.keys.sorted().filter { $0.hasPrefix("test/") } == [
          "test/elbo", "test/iw_log_likelihood", "test/kl", "test/log_likelihood",
        ])
      let figures = try #require(summary["figures"] as? [String])
      #expect(figures.contains("figures/manifold.png"))
      for figure in figures {
        #expect(try workspace.read("run/" + figure).starts(with: [0x89] + Array("PNG".utf8)))
      }
      #expect(
        workspace.names(in: "run") == [
          "checkpoints", "environment.json", "figures", "metrics.jsonl", "recipe.yaml", "summary.json",
        ])
      #expect(workspace.names(in: "run/checkpoints") == ["step-000006"])
      #expect(
        workspace.names(in: "run/checkpoints/step-000006") == [
          "model.safetensors", "optimizer.safetensors", "schema.json", "state.json",
        ])

      let lines = String(decoding: try workspace.read("run/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      let records = try lines.map {
        try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Double])
      }
      #expect(records.map { $0["step"] } == (1...6).map(Double.init))
      for key in ["epoch", "seconds", "examples_per_second", "train/elbo", "train/kl"] {
        #expect(records.allSatisfy { $0[key] != nil }, "\(key)")
      }
    }

    @Test("--no-figures draws nothing and changes nothing else") func noFigures() async throws {
      let workspace = try Workspace()
      let drawn = try await Elbo.run(workspace.training("gan", out: "drawn", "--steps", "3")).hash()
      let outcome = try await Elbo.run(workspace.training("gan", out: "run", "--steps", "3", "--no-figures"))
      #expect(try outcome.hash() == drawn)
      let figures = try #require(try outcome.json()["figures"] as? [String])
      #expect(figures.isEmpty)
      #expect(workspace.names(in: "run/figures").isEmpty && !workspace.names(in: "drawn/figures").isEmpty)
      let launched = try await Elbo.run(
        workspace.launch("gan", out: "launched", nodes: 2, ["--steps", "3", "--no-figures"]))
      #expect(try launched.hash() == drawn)
      #expect(workspace.names(in: "launched/figures").isEmpty)
    }

    /// safetensors: eight bytes of length, the header, then the numbers in layout order, which the hash is of.
    @Test func parametersHash() async throws {
      let workspace = try Workspace()
      let hash = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      let bytes = try workspace.read("run/checkpoints/step-000003/model.safetensors")
      let headerLength = bytes[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try #require(
        JSONSerialization.jsonObject(with: Data(bytes[8..<8 + headerLength])) as? [String: [String: any Sendable]])
      #expect(header.keys.contains("encoder.0.weight"))
      var sha = SHA256()
      sha.update(bytes[(8 + headerLength)...])
      #expect(sha.hexDigest() == hash)
    }

    @Test func progressGoesToStandardError() async throws {
      let workspace = try Workspace()
      let arguments = workspace.training("vae", out: "run", "--epochs", "2").filter {
        $0 != "--quiet" && $0 != "--json"
      }
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.error.contains("epoch 2/2"))
      #expect(outcome.output.contains("test/elbo"))
      #expect(outcome.output.contains("parameters_sha256"))
      #expect(!outcome.output.contains("epoch 2/2"))
    }

    @Test func whatConvergesShowsNoEndThatNobodyKnows() async throws {
      let workspace = try Workspace()
      try workspace.write("plane.csv", SmallTable.plane)
      let outcome = try await Elbo.run([
        "train", "kmeans", "--data", workspace["plane.csv"], "--out", workspace["run"],
      ])
      #expect(outcome.error.contains("step "))
      for word in ["epoch", "s left", "/10000"] { #expect(!outcome.error.contains(word), "\(outcome.error)") }
    }

    @Test func dryRun() async throws {
      let workspace = try Workspace()
      let before = workspace.listing
      let arguments = workspace.training("vae", out: "run", "--dry-run")
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.status == .exited(0))
      #expect(workspace.listing == before)
      // The resolved recipe says everything: run as a recipe of its own, it resolves to itself.
      try workspace.write("resolved.yaml", outcome.output)
      let again = try await Elbo.run("train", workspace["resolved.yaml"], "--dry-run")
      #expect(again.output == outcome.output)
    }

    @Test("Each listed recipe prints its text, and that text works as a recipe file") func recipes() async throws {
      let list = try await Elbo.run("recipes")
      #expect(list.status == .exited(0))
      let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
      #expect(names.contains("vae"))
      let workspace = try Workspace()
      for name in names {
        let recipe = try await Elbo.run("recipes", name)
        #expect(recipe.output.contains("\nmodel: \(name)\n") || recipe.output.hasPrefix("model: \(name)\n"))
      }
      // A recipe's text is a recipe file.
      try workspace.write("mine.yaml", try await Elbo.run("recipes", "vae").output)
      let options = ["--data", workspace.data, "--dry-run", "--set", "train.batch=20"]
      let byPath = try await Elbo.run(["train", workspace["mine.yaml"]] + options)
      let byName = try await Elbo.run(["train", "vae"] + options)
      #expect(byPath.status == .exited(0))
      #expect(byPath.output == byName.output)
    }

    @Test("`elbo evaluate` gives the test metrics that the training reported") func evaluation() async throws {
      let workspace = try Workspace()
      let trained = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3"))
      let evaluated = try await Elbo.run("evaluate", workspace["run"], "--json", "--lanes", "1")
      let metrics = try #require(try trained.json()["metrics"] as? [String: Double])
      let again = try evaluated.json()
      for key in ["test/elbo", "test/kl", "test/iw_log_likelihood"] {
        #expect(again[key] as? Double == metrics[key], "\(key)")
      }
    }

    @Test("`elbo sample` writes the same PNG for the same seed, and another for another seed")
    func samples() async throws {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      for (name, seed) in [("one.png", "0"), ("same.png", "0"), ("other.png", "1")] {
        let outcome = try await Elbo.run(
          "sample", workspace["run"], "--count", "9", "--output", workspace[name], "--seed", seed)
        #expect(outcome.status == .exited(0), "\(outcome.error)")
      }
      let one = try workspace.read("one.png")
      #expect(one.starts(with: [0x89] + Array("PNG".utf8)))
      #expect(try workspace.read("same.png") == one)
      #expect(try workspace.read("other.png") != one)
    }

    @Test(
      "Help goes to standard output alone and exits with 0",
      arguments: [
        ["--help"], ["train", "--help"], ["help", "train"], ["evaluate", "--help"], ["sample", "--help"],
      ])
    func help(_ arguments: [String]) async throws {
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.status == .exited(0))
      #expect(outcome.output.contains("elbo "))
      #expect(outcome.error.isEmpty)
    }

    @Test("`elbo doctor` reports oneDNN, and fails if the data folder does not exist") func doctor() async throws {
      let workspace = try Workspace()
      let healthy = try await Elbo.run("doctor", "--data", workspace.data)
      #expect(healthy.output.contains("oneDNN"))
      let missing = try await Elbo.run("doctor", "--data", workspace["nowhere"])
      #expect(missing.status == .exited(1))
      #expect(missing.output.contains("nowhere"))
    }

    @Test("`elbo doctor` recommends a font where none has Hangul, which is no failure", arguments: [true, false])
    func hangul(isThere: Bool) async throws {
      let workspace = try Workspace()
      try FileManager.default.createDirectory(atPath: workspace["bin"], withIntermediateDirectories: true)
      try workspace.write("bin/fc-list", "#!/bin/sh\n\(isThere ? "echo NanumGothic" : ":")\n")
      try workspace.write("bin/gnuplot", "#!/bin/sh\nexit 1\n")
      for name in ["bin/fc-list", "bin/gnuplot"] {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: workspace[name])
      }
      let outcome = try await Elbo.run(["doctor", "--data", workspace.data], programs: workspace["bin"])
      #expect(outcome.status == .exited(0), "\(outcome.output)")
      let lines = outcome.output.split(separator: "\n").filter { $0.contains("fonts-nanum") }
      #expect(lines.count == (isThere ? 0 : 1) && lines.allSatisfy { $0.contains("--figures svg") })
    }
  }
}
