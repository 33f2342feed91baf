import Datasets
import Foundation
import Testing

/// Exported networks compute in PyTorch what they compute in Elbo.
extension CommandTests {
  @Suite("Export: the same samples and scores in PyTorch")
  struct ExportTests {
    struct Golden: Decodable {
      struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let recipe: String
        let settings: [String]
        let samples: [Float]
        let scores: [Float]
        var testDescription: String { name }
      }
      let cases: [Case]
    }

    static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let cases = try! JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: here.appendingPathComponent("Golden/export.json"))
    ).cases

    /// A Python that has PyTorch, if there is one: `python3`, or what the environment variable PYTHON names.
    static let python: String? = {
      let name = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
      return output([name, "-c", "import numpy, safetensors, torch"]) == nil ? nil : name
    }()

    /// What a command prints; nil when it fails.
    static func output(_ words: [String]) -> String? {
      let (process, pipe) = (Process(), Pipe())
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = words
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return nil }
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }

    private func train(_ workspace: Workspace, _ golden: Golden.Case, _ more: [String]) async throws {
      let words = (golden.settings + more).flatMap { ["--set", $0] }
      let images = Self.here.appendingPathComponent("Golden/export-images.npy").path
      _ = try await Elbo.run(
        ["train", golden.recipe, "--data", images, "--out", workspace["run"], "--steps", "40", "--quiet", "--json"]
          + words
      ).hash()
      let sampled = try await Elbo.run(
        "sample", workspace["run"], "--count", "3", "--output", workspace["samples.npz"])
      #expect(sampled.status == .exited(0), "\(sampled.error)")
    }

    /// Against what PyTorch made of an export of the same weights (scripts/reference/export.py).
    @Test(arguments: cases)
    func samplesAndScoresAreThoseOfPyTorch(_ golden: Golden.Case) async throws {
      let workspace = try Workspace()
      try await train(workspace, golden, [])
      let archive = try NPZ(workspace["samples.npz"])
      for (name, wanted) in [("samples", golden.samples), ("scores", golden.scores)] {
        let found = try archive.examples(name)
        let values = found.withUnsafeBufferPointer(as: Float.self) { Array($0) }
        #expect(values.count == wanted.count)
        let greatest = zip(values, wanted).map { abs($0 - $1) }.max() ?? 0
        #expect(greatest <= 1e-5, "\(name) differ by \(greatest)")
      }
    }

    /// The same with an export of trained networks, by the PyTorch that is here.
    @Test(.enabled(if: python != nil, "there is no Python with PyTorch"), arguments: cases)
    func theModuleComputesTheSame(_ golden: Golden.Case) async throws {
      let workspace = try Workspace()
      try await train(
        workspace, golden, ["optimizer.learning_rate=0.01", "discriminator_optimizer.learning_rate=0.01"])
      let exported = try await Elbo.run("export", workspace["run"], "--output", workspace["torch"])
      #expect(exported.status == .exited(0), "\(exported.error)")
      let script = Self.here.appendingPathComponent("../../scripts/reference/export.py").path
      let printed = try #require(
        Self.output([Self.python!, script, "check", workspace["torch"], workspace["samples.npz"]]))
      let distances = try JSONDecoder().decode([String: Double].self, from: Data(printed.utf8))
      #expect(distances.count == 2)
      for (name, distance) in distances { #expect(distance <= 1e-5, "\(name) differ by \(distance)") }
    }
  }
}
