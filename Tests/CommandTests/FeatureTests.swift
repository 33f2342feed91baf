import Datasets
import Foundation
import Testing

extension CommandTests {
  /// Scores in features that another program took: the file's arrays against what SciPy and scikit-learn made of them
  /// (scripts/reference/generative.py).
  @Suite("elbo evaluate --features")
  struct FeatureTests {
    private struct Golden: Decodable {
      struct Case: Decodable {
        let width: Int
        let real: [Double]
        let generated: [Double]
        let frechet: Double
        let kernel: Double
        let precision: Double
        let recall: Double
      }
      let cases: [Case]
    }

    private static let golden: Golden.Case = {
      let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../MetricsTests/Golden/generative.json")
      return try! JSONDecoder().decode(Golden.self, from: Data(contentsOf: url)).cases[0]
    }()

    private func evaluate(
      _ workspace: Workspace, real: [Double], generated: [Double], width: Int, named names: [String]
    ) async throws -> Elbo.Outcome {
      var writer = try NPZWriter(workspace["features.npz"])
      for (name, values) in zip(names, [real, generated]) {
        try writer.add(name, values, shape: [values.count / width, width])
      }
      try writer.finish()
      return try await Elbo.run("evaluate", "no-run", "--features", workspace["features.npz"], "--json")
    }

    @Test func scoresAreThoseOfSciPy() async throws {
      let golden = Self.golden
      let outcome = try await evaluate(
        Workspace(), real: golden.real, generated: golden.generated, width: golden.width, named: ["real", "generated"])
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      let printed = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      let object = try #require(printed as? [String: Any])
      let metrics = object["metrics"] as? [String: Any] ?? object
      for (name, wanted) in [
        ("FID", golden.frechet), ("KID", golden.kernel), ("Precision", golden.precision), ("Recall", golden.recall),
      ] {
        let found = try #require(metrics["test/gen/\(name)"] as? Double, "\(name) is not in \(outcome.output)")
        #expect(abs(found - wanted) < 1e-9 * max(abs(wanted), 1), "\(name)")
      }
    }

    @Test func filesThatDoNotHoldFeaturesAreRefused() async throws {
      let workspace = try Workspace()
      let numbers = Self.golden.real.prefix(12)
      let missing = try await evaluate(
        workspace, real: Array(numbers), generated: Array(numbers), width: 3, named: ["real", "other"])
      expectMistake(missing, says: ["generated"])
      let infinite = try await evaluate(
        workspace, real: Array(numbers), generated: Array(numbers.dropLast()) + [.nan], width: 3,
        named: ["real", "generated"])
      expectMistake(infinite, says: ["generated", "finite"])
      let single = try await evaluate(
        workspace, real: Array(numbers), generated: Array(numbers.prefix(3)), width: 3, named: ["real", "generated"])
      expectMistake(single, says: ["generated", "1 row"])
      try workspace.write("features.npz", "text")
      expectMistake(
        try await Elbo.run("evaluate", "no-run", "--features", workspace["features.npz"]), says: ["features.npz"])
    }
  }
}
