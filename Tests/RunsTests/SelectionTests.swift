import Foundation
import Recipes
import Runs
import Testing
import Training

@Suite("A training that selects by its validation part", .timeLimit(.minutes(5))) struct SelectionTests {
  private static let selecting = ["train.select=validation/reg/NLL", "train.patience=4", "train.evaluate_every=3"]

  /// A network that overfits a noisy line of few rows. With `others` the test rows say something else.
  private static func recipe(
    _ files: borrowing Files, _ settings: [String] = selecting, otherTest: Bool = false
  ) throws -> Recipe {
    var rows = (0..<60).map { i in "\(Double(i * 37 % 60) / 10),\(Double(i * 37 % 60) / 7 + Double(i * i % 11))" }
    if otherTest { for index in 48..<60 { rows[index] = "\(index),\(-1000 * index)" } }
    try files.write("rows.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("mlp")
    recipe.set("data.source", text: files["rows.csv"])
    for setting in [
      "data.target=y", "data.target_kind=values", "data.split=position", "data.test_fraction=0.2",
      "data.validation_fraction=0.25", "network.hidden=[64]", "train.batch=9", "optimizer.learning_rate=0.05",
      "train.steps=400",
    ] + settings { try recipe.set(setting) }
    return recipe
  }

  private static func rows(_ folder: String) throws -> [[String: Any]] {
    try String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8).split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test("The result is the best of the evaluations, and the training stops when they get no better") func best()
    async throws
  {
    let files = Files()
    let summary = try await Run.train(Self.recipe(files), out: files["run"])
    let selection = try #require(summary.selection)
    #expect(selection.ended == .patience && summary.steps == selection.step + 12 && summary.steps < 400)
    #expect(selection.step > 0 && selection.evaluations == summary.steps / 3)
    let rows = try Self.rows(files["run"])
    let values = try rows.filter { $0["validation/reg/NLL"] != nil }.map { row in
      (try #require(row["step"] as? Int), try #require(row["validation/reg/NLL"] as? Double))
    }
    #expect(values.map(\.0) == Array(stride(from: 3, through: summary.steps, by: 3)))
    #expect(values.min { $0.1 < $1.1 }?.0 == selection.step)
    // What the summary says is measured once more, of the selected parameters, and is the same to the last bit.
    #expect(summary.metrics["validation/reg/NLL"] == selection.value)
    let row = try #require(rows.first { $0["step"] as? Int == selection.step })
    let measured = try #require(row["test/reg/RMSE"] as? Double)
    #expect(abs(measured / summary.metrics["test/reg/RMSE"]! - 1) < 1e-14)
    // What is opened is what was selected.
    let run = try Run(opening: files["run"])
    #expect(run.parametersSHA256 == summary.parameters_sha256)
    #expect(try run.evaluate()["test/reg/RMSE"] == summary.metrics["test/reg/RMSE"])
    #expect(
      FileManager.default.fileExists(atPath: files["run/figures/curves.png"])
        == summary.figures.contains("figures/curves.png"))
  }

  @Test("Nothing that is selected depends on the test part") func testPart() async throws {
    let files = Files()
    let others = Files()
    let one = try await Run.train(Self.recipe(files), out: files["run"])
    let other = try await Run.train(Self.recipe(others, otherTest: true), out: others["run"])
    #expect(one.parameters_sha256 == other.parameters_sha256 && one.selection == other.selection)
    #expect(one.metrics["test/reg/RMSE"] != other.metrics["test/reg/RMSE"])
  }

  @Test("A selection without patience changes the result and not the training") func withoutPatience() async throws {
    let files = Files()
    let settings = ["train.select=validation/reg/NLL", "train.evaluate_every=3", "train.steps=60"]
    let selected = try await Run.train(Self.recipe(files, settings), out: files["selected"])
    let selection = try #require(selected.selection)
    #expect(selection.ended == .steps && selected.steps == 60)
    // The training that ends where the best parameters were ends with these.
    let short = try await Run.train(Self.recipe(files, ["train.steps=\(selection.step)"]), out: files["short"])
    #expect(short.parameters_sha256 == selected.parameters_sha256)
  }

  @Test("A training that is stopped at each evaluation and goes on ends as an undisturbed one", arguments: [1, 2])
  func resuming(_ lanes: Int) async throws {
    let files = Files()
    let whole = try await Run.train(Self.recipe(files), out: files["whole"], lanes: 1)
    var summary = try await Run.train(
      Self.recipe(files, Self.selecting + ["train.steps=5"]), out: files["run"], lanes: lanes)
    for steps in [6, 7, whole.steps - 4, whole.steps - 1, 400] {
      summary = try await Run.resume(files["run"], setting: ["train.steps": "\(steps)"], lanes: lanes)
    }
    #expect(summary.parameters_sha256 == whole.parameters_sha256 && summary.selection == whole.selection)
    #expect(summary.steps == whole.steps)
    // A training that has stopped has stopped.
    let again = try await Run.resume(files["run"], setting: ["train.steps": "500"])
    #expect(again.parameters_sha256 == whole.parameters_sha256 && again.selection == whole.selection)
  }

  @Test("What decides the result may not change when a run goes on; when nothing selects, evaluations may")
  func changes() async throws {
    let files = Files()
    _ = try await Run.train(Self.recipe(files, Self.selecting + ["train.steps=6"]), out: files["run"])
    for change in ["train.evaluate_every", "train.patience"] {
      await #expect(throws: TrainingError.self) { try await Run.resume(files["run"], setting: [change: "2"]) }
    }
    await #expect(throws: TrainingError.self) {
      try await Run.resume(files["run"], setting: ["train.select": "validation/reg/RMSE"])
    }
    _ = try await Run.train(Self.recipe(files, ["train.steps=6"]), out: files["plain"])
    _ = try await Run.resume(files["plain"], setting: ["train.evaluate_every": "2", "train.steps": "8"])
  }

  static let mistakes: [(settings: [String], message: String)] = [
    (["data.validation_fraction=0"], "set data.validation_fraction"),
    (["train.select=test/reg/NLL"], "nothing is selected by the test part, such as validation/reg/NLL"),
    (["train.select=reg/RSME"], "such as validation/reg/RMSE"),
    (["train.select=validation/reg/TargetStd"], "it must be a metric of the validation part"),
    (["train.select=null"], "set train.select too"),
    (["train.evaluate_every=0"], "set it from 1 to 400"),
    (["train.evaluate_every=401"], "set it from 1 to 400"),
    (["train.patience=0"], "train.patience"),
    (["train.select=validation/cls/NLL"], "select on one of validation/reg/"),
  ]

  @Test("A selection that cannot be made is refused in one line", arguments: mistakes.indices)
  func mistake(_ index: Int) async throws {
    let files = Files()
    let (settings, message) = Self.mistakes[index]
    let recipe = try Self.recipe(files, Self.selecting + settings)
    let error = await #expect(throws: (any Error).self) { try await Run.train(recipe, out: files["run"]) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message) && !text.contains("\n"), "\(text)")
    #expect(!FileManager.default.fileExists(atPath: files["run/recipe.yaml"]))
  }
}
