import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Runs of 0.1, one of every family, opened as their users open them. `scripts/reference/runs-0.1` made them, and says
/// what 0.1 itself made of each.
extension CommandTests {
  @Suite("Runs of 0.1")
  struct OldRunsTests {
    /// What 0.1 said, on which processor.
    private struct Golden: Decodable {
      struct Made: Decodable {
        let processor, kernels, oneDNN: String
      }
      struct Prediction: Decodable {
        let input: String
        let sha256: String
      }
      struct Sample: Decodable {
        let form: String
        /// Of the numbers; nil for a picture, whose bytes depend on the library that packs it.
        let sha256: String?
      }
      /// A summary, and how many steps were asked for.
      struct Resumed: Decodable {
        let to: Int?
        let steps: Int
        let parameters_sha256: String
        let metrics: [String: Double]
      }
      struct Run: Decodable {
        /// nil where there are no test examples.
        let evaluate: [String: Double]?
        let predict: Prediction?
        let sample: Sample?
        let resume: Resumed
      }
      let made: Made
      let runs: [String: Run]
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/runs-0.1")
    private static let golden = try! JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))

    /// A copy of one run and of the data that all of them name, by a path relative to where both lie.
    private final class Copy: Sendable {
      private let folder = TemporaryFolder()

      init(_ run: String) throws {
        for name in ["data", run] {
          try FileManager.default.copyItem(
            atPath: OldRunsTests.folder.appendingPathComponent(name).path, toPath: folder.path + "/" + name)
        }
      }

      @discardableResult func elbo(_ arguments: [String]) async throws -> Elbo.Outcome {
        let outcome = try await Elbo.run(arguments, in: FilePath(folder.path))
        try #require(outcome.status == .exited(0), "\(arguments): \(outcome.error)")
        return outcome
      }

      func json<Result: Decodable>(_ arguments: String...) async throws -> Result {
        try await JSONDecoder().decode(Result.self, from: Data(elbo(arguments).output.utf8))
      }

      func read(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)) }
    }

    /// The kind of this processor, as the script writes it; the promise is bit for bit on one kind.
    private static let processor: String = {
      let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      var fields: [Substring: String] = [:]
      for line in text.split(separator: "\n", omittingEmptySubsequences: false).prefix(while: { !$0.isEmpty }) {
        let parts = line.split(separator: ":", maxSplits: 1)
        if parts.count == 2 {
          fields[parts[0].prefix { $0 != "\t" }] = parts[1].trimmingCharacters(in: .whitespaces)
        }
      }
      return ["vendor_id", "cpu family", "model"].map { fields[$0] ?? "?" }.joined(separator: " ")
    }()

    /// Whether numbers are to be the same bit for bit, by what the environment file of a new or resumed run says.
    private static func isSamePlace(_ environment: Data) throws -> Bool {
      struct Environment: Decodable { let kernels, oneDNN: String }
      let here = try JSONDecoder().decode(Environment.self, from: environment)
      return processor == golden.made.processor && here.kernels == golden.made.kernels
        && here.oneDNN == golden.made.oneDNN
    }

    /// Models whose numbers changed on purpose since, by no more than metrics are compared to; see CHANGELOG.md.
    private static let changed: Set = [
      "bayesian-linear-regression", "bayesian-ridge", "gmm", "kmeans", "variational-gmm",
    ]

    private static func digest(_ bytes: Data) -> String {
      var hash = SHA256()
      hash.update(bytes)
      return hash.hexDigest()
    }

    private static func expect(_ found: [String: Double], _ expected: [String: Double], exactly: Bool) {
      for (name, value) in expected {
        guard let number = found[name] else {
          Issue.record("there is no \(name)")
          continue
        }
        let tolerance = exactly ? 0 : 1e-3 * max(1, abs(value))
        #expect(abs(number - value) <= tolerance, "\(name)")
      }
    }

    @Test("Resumed, evaluated, asked for predictions and samples", arguments: golden.runs.keys.sorted())
    func opens(_ run: String) async throws {
      let expected = try #require(Self.golden.runs[run])
      let other = try Copy(run)
      let summary: Golden.Resumed = try await other.json(
        "train", "--resume", run, "--steps", "\(expected.resume.to!)", "--quiet", "--json")
      let isSame = try Self.isSamePlace(other.read("\(run)/environment.json")) && !Self.changed.contains(run)
      #expect(summary.steps == expected.resume.steps)
      Self.expect(summary.metrics, expected.resume.metrics, exactly: isSame)
      if isSame { #expect(summary.parameters_sha256 == expected.resume.parameters_sha256) }

      let copy = try Copy(run)
      if let metrics = expected.evaluate {
        Self.expect(try await copy.json("evaluate", run, "--json"), metrics, exactly: isSame)
      }
      if let prediction = expected.predict {
        try await copy.elbo(["predict", run, "--input", prediction.input, "--samples", "5", "--output", "P.npz"])
        // The archive also names targets and classes; without these members it has the bytes that 0.1 wrote.
        let digest = try Self.digest(copy.read("P.npz"))
        if isSame { #expect(digest == prediction.sha256) }
      }
      if let sample = expected.sample {
        try await copy.elbo(["sample", run, "--count", "4", "--output", "samples.\(sample.form)"])
        let digest = try Self.digest(copy.read("samples.\(sample.form)"))
        if isSame, let wanted = sample.sha256 { #expect(digest == wanted) }
      }
    }
  }
}
