import Foundation
import Metrics
import Runs
import Testing
import Training

/// What a training ends with: metrics of the test part or, where there is none, of the training part; how many examples
/// were read, used and scored.
@Suite("What a training reports at its end", .timeLimit(.minutes(5))) struct ScoreTests {
  /// Thirty rows and three classes; three of the rows have an empty cell.
  private func table(_ files: borrowing Files) throws -> String {
    let rows = (0..<30).map { row in
      "\(row % 10 == 9 ? "" : "\(row * row % 13)"),\(row % 7),\(["x", "y", "z"][row % 3])"
    }
    try files.write("table.csv", "a,b,kind\n" + rows.joined(separator: "\n") + "\n")
    return files["table.csv"]
  }

  private func recipe(_ model: String, _ files: borrowing Files, _ settings: [String]) throws -> Recipe {
    let recipe = try Recipe.named(model)
    recipe.set("data.source", text: try table(files))
    for setting in ["data.missing=drop"] + settings { try recipe.set(setting) }
    return recipe
  }

  static let classifier = ["data.target=kind", "network.hidden=[8]", "train.batch=9", "train.steps=5"]

  @Test(
    "Every supervised model scores its training rows where none are held out",
    arguments: [
      ("mlp", classifier, "train/cls/Acc"), ("bbb", classifier, "train/cls/Recall/y"),
      ("bayesian-logistic-regression", ["data.target=kind"], "train/cls/NLL"),
      ("bayesian-ridge", ["data.target=a", "data.drop=kind"], "train/reg/Coverage90"),
      ("gaussian-process", ["data.target=a", "data.drop=kind"], "train/reg/Coverage50"),
      ("gaussian-process", ["data.target=a", "data.drop=kind", "network.inducing=5"], "train/reg/MAE"),
      (
        "bbb-regression", ["data.target=a", "data.drop=kind", "train.batch=9", "train.steps=5"], "train/reg/Coverage95"
      ),
      ("gmm", ["data.drop=kind", "network.components=2"], "train/log_likelihood"),
      ("ppca", ["data.drop=kind", "network.latent=1"], "train/log_likelihood"),
    ])
  func training(model: String, settings: [String], metric: String) async throws {
    let files = Files()
    let one = try await Run.train(recipe(model, files, settings), out: files["one"], lanes: 1)
    let two = try await Run.train(recipe(model, files, settings), out: files["two"], lanes: 3)
    #expect(one.metrics[metric]?.isFinite == true, "\(one.metrics.keys.sorted())")
    #expect(one.parameters_sha256 == two.parameters_sha256 && one.metrics == two.metrics)
    #expect(!one.metrics.keys.contains { $0.hasPrefix("test/") })
    let examples = try #require(one.examples)
    #expect((examples.read, examples.dropped, examples.train, examples.test) == (30, 3, 27, 0))
    #expect(examples.scored == 27 && examples.scored_part == .train)
    // It is what the finished model makes of these rows, as those who name them find.
    let found = try Run(opening: files["one"], data: files["table.csv"]).evaluate()
    if let value = found[metric.replacing("train/", with: "test/")] {
      // The sums of a training are added in another order.
      let scored = try #require(one.metrics[metric])
      #expect(abs(value - scored) <= 1e-12 * abs(value))
    }
    let kept = try #require(Summary(of: RunFolder(opening: files["one"])))
    #expect(kept.examples == examples && kept.metrics == one.metrics)
  }

  @Test("A number that is not finite is null in summary.json, and read as NaN; so is what earlier versions wrote")
  func notFinite() throws {
    let files = Files()
    try FileManager.default.createDirectory(atPath: files["run"], withIntermediateDirectories: true)
    try files.write("run/recipe.yaml", "model: linear-regression\n")
    let run = try RunFolder(opening: files["run"])
    let metrics = ["test/reg/NLL": -Double.nan, "test/reg/RMSE": .infinity, "test/reg/MAE": 0.5]
    let summary = Summary(
      status: .finished, model: "linear-regression", steps: 1, epochs: 1, seconds: 1, examplesPerSecond: 1,
      parameters: 2,
      parametersSHA256: "", metrics: metrics, figures: [])
    try summary.write(to: run)
    let text = try String(contentsOfFile: run.summary, encoding: .utf8)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let written = try #require(object?["metrics"] as? [String: Any])
    #expect(written["test/reg/NLL"] is NSNull && written["test/reg/RMSE"] is NSNull && written.count == 3)
    let read = try #require(Summary(of: run))
    #expect(read.metrics.count == 3 && read.metrics["test/reg/NLL"]?.isNaN == true)
    #expect(read.metrics["test/reg/RMSE"]?.isNaN == true && read.metrics["test/reg/MAE"] == 0.5)
    try text.replacing("null", with: "\"nan\"").write(toFile: run.summary, atomically: true, encoding: .utf8)
    #expect(Summary(of: run)?.metrics["test/reg/NLL"]?.isNaN == true)
  }

  @Test("A test part is scored, and the training part is not") func testPart() async throws {
    let files = Files()
    let settings = Self.classifier + ["data.test_fraction=0.2", "data.validation_fraction=0.2"]
    let summary = try await Run.train(recipe("mlp", files, settings), out: files["run"])
    #expect(summary.metrics["test/cls/Support/x"] != nil && summary.metrics["train/cls/Acc"] == nil)
    let examples = try #require(summary.examples)
    #expect((examples.read, examples.dropped, examples.train, examples.validation, examples.test) == (30, 3, 18, 4, 5))
    #expect(examples.scored == 5 && examples.scored_part == .test)
    #expect(try Run(opening: files["run"]).evaluatedExamples().scored == 5)
    // Of other data that has no test part all rows are scored; those with empty cells were read.
    let whole = try Run(opening: files["run"], data: files["table.csv"])
    #expect(try whole.evaluatedExamples() == (30, 5))
    try files.write("other.csv", "a,b,kind\n1,2,x\n,2,x\n3,4,y\n")
    #expect(try Run(opening: files["run"], data: files["other.csv"]).evaluatedExamples() == (3, 2))
  }

  @Test("What is said of one class is no curve") func curves() async throws {
    let files = Files()
    let settings = Self.classifier + ["data.test_fraction=0.2", "train.report_every=1", "train.evaluate_every=1"]
    try await Run.train(recipe("mlp", files, settings), out: files["run"])
    let lines = try String(contentsOfFile: files["run/metrics.jsonl"], encoding: .utf8)
    #expect(lines.contains("test/cls/Acc") && !lines.contains("test/cls/Recall"))
  }

  @Test("Many rows are scored in part, evenly") func manyRows() async throws {
    let files = Files()
    let rows = (0..<25_000).map { "\($0 % 100),\($0 < 12_500 ? "p" : "q")" }
    try files.write("many.csv", "a,kind\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("bayesian-logistic-regression")
    recipe.set("data.source", text: files["many.csv"])
    try recipe.set("data.target", to: "kind")
    let summary = try await Run.train(recipe, out: files["run"])
    #expect(summary.examples?.scored == 10_000 && summary.examples?.train == 25_000)
    #expect(summary.metrics["train/cls/Support/p"] == 5000)
  }

  @Test("Balanced weights are of all training rows: the same for all lanes") func balanced() async throws {
    let files = Files()
    for model in ["mlp", "bayesian-logistic-regression"] {
      var settings = model == "mlp" ? Self.classifier : ["data.target=kind"]
      let plain = try await Run.train(recipe(model, files, settings), out: files["plain-" + model])
      settings.append("objective.class_weights=[y=4]")
      let one = try await Run.train(recipe(model, files, settings), out: files["1-" + model], lanes: 1)
      let two = try await Run.train(recipe(model, files, settings), out: files["2-" + model], lanes: 2)
      #expect(one.parameters_sha256 == two.parameters_sha256 && one.parameters_sha256 != plain.parameters_sha256)
      let (recall, before) = (one.metrics["train/cls/Recall/y"], plain.metrics["train/cls/Recall/y"])
      #expect(try #require(recall) >= #require(before))
    }
  }

  @Test("The sums of a regression are stored once") func onceOnly() async throws {
    let files = Files()
    let columns = (0..<60).map { "c\($0)" }
    let rows = (0..<80).map { row in
      (columns.indices.map { "\((row * 31 + $0 * $0 * 7) % 97)" } + ["\(row % 11)"]).joined(separator: ",")
    }
    try files.write("wide.csv", (columns + ["y"]).joined(separator: ",") + "\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("linear-regression")
    recipe.set("data.source", text: files["wide.csv"])
    try recipe.set("data.target", to: "y")
    let summary = try await Run.train(recipe, out: files["run"])
    let folder = files["run/checkpoints/step-000001"]
    func size(_ name: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)).count }
    // 61 · 62 / 2 sums of eight bytes.
    #expect(try size("model.safetensors") > 8 * 1891 && size("optimizer.safetensors") < 2000)
    let resumed = try await Run.resume(files["run"])
    #expect(resumed.parameters_sha256 == summary.parameters_sha256)
  }
}
