import Datasets
import Foundation
import Recipes
import Runs
import TestSupport
import Testing
import Training

@Suite("The validation part")
struct ValidationTests {
  /// A table of 60 rows, y = 2 x.
  private static func table(_ folder: borrowing TemporaryFolder) throws -> String {
    let path = folder.path + "/line.csv"
    let rows = (0..<60).map { "\(Double($0) / 10),\(Double($0) / 5)" }
    try Data(("x,y\n" + rows.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static func recipe(_ source: String, _ settings: [String]) throws -> Recipe {
    let recipe = try Recipe.named("mlp")
    recipe.set("data.source", text: source)
    for setting in ["data.target=y", "data.target_kind=values", "network.hidden=[4]", "train.batch=10"] + settings {
      try recipe.set(setting)
    }
    return recipe
  }

  @Test(arguments: ["random", "position"]) func isMeasuredApartFromTheTestPart(_ split: String) async throws {
    let folder = TemporaryFolder()
    let settings = [
      "data.test_fraction=0.2", "data.validation_fraction=0.25", "data.split=\(split)", "train.evaluate_every=5",
      "train.report_every=5", "train.steps=20",
    ]
    let recipe = try Self.recipe(Self.table(folder), settings)
    let summary = try await Run.train(recipe, out: folder.path + "/run")
    let test = try #require(summary.metrics["test/reg/RMSE"])
    let validation = try #require(summary.metrics["validation/reg/RMSE"])
    #expect(test != validation)
    // Both have a curve.
    let lines = try String(contentsOfFile: folder.path + "/run/metrics.jsonl", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines.allSatisfy { $0.contains("validation/reg/RMSE") && $0.contains("test/reg/RMSE") })
    let schema = try Run(opening: folder.path + "/run").schema
    #expect((schema.train, schema.test) == (36, 12))
  }

  private static let sweeping: [(model: String, metric: String, settings: [String])] = [
    ("gaussian-process", "reg/NLL", ["data.target=y"]), ("gmm", "log_likelihood", ["network.components=2"]),
    ("kmeans", "distortion", ["network.clusters=3"]),
    ("ppca", "log_likelihood", ["network.latent=1", "objective.method=em"]),
    ("bayesian-logistic-regression", "cls/NLL", ["data.target=y", "data.target_kind=classes"]),
  ]

  @Test(
    "A model of statistics is measured with the parameters of each evaluation, not of the first", arguments: sweeping)
  func isMeasuredAnew(_ model: String, _ metric: String, _ settings: [String]) async throws {
    let folder = TemporaryFolder()
    let rows = (0..<120).map { index -> String in
      let x = Double(index * 37 % 120) / 20
      let y = sin(x) + Double(index * index * 7 % 29) / 58
      return model.hasSuffix("logistic-regression") ? "\(x),\(y > 0.5 ? 1 : 0)" : "\(x),\(y)"
    }
    let path = folder.path + "/table.csv"
    try Data(("x,y\n" + rows.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    func train(_ name: String, every period: Int) async throws -> Summary {
      let recipe = try Recipe.named(model)
      recipe.set("data.source", text: path)
      for setting in settings + [
        "data.validation_fraction=0.25", "train.evaluate_every=\(period)", "train.report_every=1", "train.steps=6",
        "train.shards=2",
      ] { try recipe.set(setting) }
      return try await Run.train(recipe, out: folder.path + "/" + name)
    }
    let often = try await train("often", every: 1)
    let once = try await train("once", every: try #require(often.steps))
    let key = "validation/" + metric
    let last = try #require(often.metrics[key], "\(often.metrics)")
    #expect(once.metrics[key] == last)
    let first = try String(contentsOfFile: folder.path + "/often/metrics.jsonl", encoding: .utf8).split(
      separator: "\n")[0]
    let values = try #require(JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
    #expect(try #require(values[key] as? Double) != last)
  }

  @Test func noExampleIsInTwoParts() throws {
    let inputs = ExampleArray((0..<100).map { Float($0) }, shape: [1])
    let data = try Dataset(name: "numbers", train: ExampleSet(inputs: inputs))
    for rule in SplitRule.allCases {
      let parts = try data.validating(0.3, rule, seed: 5)
      func numbers(_ set: ExampleSet?) -> [Float] {
        set!.inputs.withUnsafeBufferPointer(as: Float.self) { Array($0) }
      }
      let (train, validation) = (numbers(parts.data.train), numbers(parts.validation.test))
      #expect((train.count, validation.count) == (70, 30))
      #expect(Set(train + validation).count == 100)
      #expect(numbers(parts.validation.train) == train)
    }
  }

  @Test func nothingLeftIsAnErrorThatNamesTheKey() async throws {
    let folder = TemporaryFolder()
    let recipe = try Self.recipe(Self.table(folder), ["data.validation_fraction=0.001", "train.steps=1"])
    let error = await #expect(throws: DataError.self) { try await Run.train(recipe, out: folder.path + "/run") }
    #expect(error.map { "\($0)".contains("data.validation_fraction") } == true)
  }
}
