import Foundation
import Metrics
import Runs
import Testing

/// Runs compared on the same held-out examples.
@Suite("Differences with intervals", .timeLimit(.minutes(5))) struct ScoreComparisonTests {
  private func trained(_ files: borrowing Files, _ name: String, _ settings: String...) async throws -> Run {
    let recipe = try files.regression(steps: 40)
    for setting in settings { try recipe.set(setting) }
    try await Run.train(recipe, out: files["runs/" + name])
    return try Run(opening: files["runs/" + name])
  }

  @Test("Scores of single examples make the metrics of the evaluation") func scores() async throws {
    let files = Files()
    let run = try await trained(files, "a")
    let (scores, metrics) = (try run.scores().scores, try run.evaluate())
    let found = scores.metrics(of: 0..<scores.count)
    #expect(scores.names.contains("reg/NLL") && scores.names.contains("reg/Coverage90"))
    for (name, value) in zip(scores.names, found) {
      #expect(abs(value - metrics["test/\(name)"]!) < 1e-9 * max(1, abs(value)), "\(name)")
    }
  }

  @Test(
    "Scores of exact regressions too", arguments: ["bayesian-linear-regression", "bayesian-ridge", "gaussian-process"])
  func exact(_ name: String) async throws {
    let files = Files()
    let recipe = try Recipe.named(name)
    recipe.set("data.source", text: try files.line())
    for setting in ["data.target=y", "data.test_fraction=0.2"] { try recipe.set(setting) }
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    let (scores, metrics) = (try run.scores().scores, try run.evaluate())
    #expect(scores.names.contains("reg/NLL") && scores.names.contains("reg/RMSE"))
    for (name, value) in zip(scores.names, scores.metrics(of: 0..<scores.count)) {
      #expect(abs(value - metrics["test/\(name)"]!) < 1e-9 * max(1, abs(value)), "\(name)")
    }
  }

  @Test("Sums of models without answers are scored too") func sums() async throws {
    let files = Files()
    let recipe = try Recipe.named("vae")
    recipe.set("data.source", text: try files.pictures())
    for setting in [
      "data.test_fraction=0.5", "network.hidden=[8]", "network.latent=2", "train.steps=4", "train.batch=10",
      "evaluate.importance_samples=0",
    ] { try recipe.set(setting) }
    try await Run.train(recipe, out: files["vae"])
    let run = try Run(opening: files["vae"])
    let (scores, metrics) = (try run.scores().scores, try run.evaluate())
    for (name, value) in zip(scores.names, scores.metrics(of: 0..<scores.count)) {
      #expect(abs(value - metrics["test/\(name)"]!) < 1e-4 * max(1, abs(value)), "\(name)")
    }
    #expect(scores.names.contains("elbo"))
  }

  @Test("Classes: accuracy, −log p, Brier score and calibration error of a choice of examples") func classes() {
    let values = [0.9, 0.1, 0.4, 0.6, 0.2, 0.8]
    let scores = HeldOutScores(ClassProbabilities(values, classes: 2), labels: [0, 0, 1])
    for rows in [[0, 1, 2], [2, 2, 1], [0]] {
      let some = ClassProbabilities(values, classes: 2).rows(rows)
      let labels = rows.map { [0, 0, 1][$0] }
      let expected = [
        "cls/Acc": some.accuracy(labels), "cls/NLL": some.negativeLogLikelihood(labels),
        "cls/Brier": some.brierScore(labels), "cal/ECE": Reliability(some, labels: labels).expectedError,
      ]
      for (name, value) in zip(scores.names, scores.metrics(of: rows)) {
        #expect(abs(value - expected[name]!) < 1e-12, "\(name)")
      }
      #expect(scores.names.count == expected.count)
    }
  }

  /// For a mean the bootstrap's interval tends to the normal one (Efron and Tibshirani 1993, chapter 13).
  @Test("The interval of a mean is that of its standard error; the first run differs in nothing") func interval()
    async throws
  {
    let files = Files()
    let runs = [
      try await trained(files, "a", "data.test_fraction=0.6"),
      try await trained(files, "b", "data.test_fraction=0.6", "optimizer.learning_rate=0.05"),
    ]
    let comparison = try ScoreComparison(runs, resamples: 4000, seed: 3)
    let place = try #require(comparison.names.firstIndex(of: "reg/MAE"))
    let (first, second) = (comparison.differences[place][0], comparison.differences[place][1])
    #expect(first.difference == 0 && first.lower == 0 && first.upper == 0 && !first.isClear)
    let scores = try runs.map { try $0.scores().scores }
    let each = (0..<scores[0].count).map { row in
      scores[1].metrics(of: [row])[place] - scores[0].metrics(of: [row])[place]
    }
    let error = standardError(each)
    #expect(abs(second.difference - each.reduce(0, +) / Double(each.count)) < 1e-12)
    #expect(abs((second.upper - second.lower) / (2 * 1.96 * error) - 1) < 0.1)
    let again = try ScoreComparison(runs, resamples: 4000, seed: 3)
    #expect(again.differences[place][1].lower == second.lower)
    #expect(try ScoreComparison(runs, resamples: 4000, seed: 4).differences[place][1].lower != second.lower)
  }

  @Test("Runs with other held-out examples are refused") func others() async throws {
    let files = Files()
    let runs = [try await trained(files, "a"), try await trained(files, "b", "train.seed=5")]
    let error = #expect(throws: TrainingError.self) { try ScoreComparison(runs, resamples: 10, seed: 0) }
    #expect(error?.code == .otherData)
    // On examples that are named they can be compared.
    try files.write("held.csv", "x,y\n" + (0..<12).map { "\(Double($0) + 0.05),\($0)" }.joined(separator: "\n") + "\n")
    let named = try ["a", "b"].map { try Run(opening: files["runs/" + $0], data: files["held.csv"]) }
    #expect(try ScoreComparison(named, resamples: 10, seed: 0).examples == 12)
  }
}
