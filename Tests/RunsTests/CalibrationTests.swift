import Foundation
import Recipes
import Runs
import Testing
import Training

@Suite("Calibration of a run", .timeLimit(.minutes(5))) struct CalibrationTests {
  /// Six hundred rows of two overlapping classes by one number: columns `x` and `y`.
  private func classes(_ files: borrowing Files) throws -> String {
    let rows = (0..<600).map { index -> String in
      let x = Double(index * 7919 % 600) / 100
      let isUp = (index * 104_729 % 1000) < Int(1000 / (1 + exp(3 - x)))
      return "\(x),\(isUp ? "up" : "down")"
    }
    try files.write("classes.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    return files["classes.csv"]
  }

  private func classifier(_ files: borrowing Files, _ more: [String] = []) async throws -> String {
    let recipe = try Recipe.named("mlp")
    recipe.set("data.source", text: try classes(files))
    for setting in [
      "data.target=y", "data.test_fraction=0.2", "data.validation_fraction=0.4", "network.hidden=[8]", "train.batch=50",
      "train.steps=200",
    ] + more { try recipe.set(setting) }
    try await Run.train(recipe, out: files["run"])
    return files["run"]
  }

  @Test("Sets of classes hold the truth about as often as they say, and the file keeps them") func classSets()
    async throws
  {
    let files = Files()
    let run = try Run(opening: try await classifier(files))
    let calibration = try run.calibrate()
    #expect(calibration.scaled == 96 && calibration.scored == 96)
    #expect(calibration.temperature != nil && calibration.score == .threshold)
    #expect(try run.calibration() == calibration)
    let metrics = try run.calibrationMetrics(coverage: 0.8)
    // 120 test examples, 96 scores: four standard errors of both.
    let coverage = try #require(metrics["test/conformal/Coverage80"])
    #expect(coverage > 0.58, "\(metrics)")
    #expect(try #require(metrics["test/cls/NLL_calibrated"]) < #require(metrics["test/cls/NLL"]) + 0.05)
    let inputs = try run.inputs(from: files["classes.csv"])
    let predictions = try run.calibrated(run.predict(inputs, samples: 1), coverage: 0.8)
    let (set, size) = (predictions["set"]!, predictions["set_size"]!)
    #expect(set.shape == [600, 2] && size.values.allSatisfy { (0...2).contains($0) })
    #expect(predictions["calibrated"]!.values.allSatisfy { (0...1).contains($0) })
    // The model as one file says the same.
    try run.export(to: files["model.elbo"])
    let model = try Run(opening: files["model.elbo"])
    let others = try model.calibrated(model.predict(inputs, samples: 1), coverage: 0.8)
    #expect(others["set"]!.values == set.values && others["calibrated"]!.values == predictions["calibrated"]!.values)
    #expect(throws: TrainingError.self) { try model.calibrate() }
  }

  @Test("An evaluation scores the model's own probabilities and the scaled ones") func evaluated() async throws {
    let files = Files()
    let run = try Run(opening: try await classifier(files))
    let before = try run.evaluate()
    #expect(before["test/cls/NLL_calibrated"] == nil)
    #expect(try !run.hasForeignCalibration())
    try run.calibrate()
    let (after, calibrated) = (try run.evaluate(), try run.calibrationMetrics(coverage: 0.9))
    #expect(after["test/cls/NLL"] == before["test/cls/NLL"])
    for name in ["test/cls/NLL_calibrated", "test/cal/ECE_calibrated"] {
      #expect(after[name] != nil && after[name] == calibrated[name], "\(name)")
    }
    let file = files["run"] + "/calibration.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try text.replacing(run.parametersSHA256, with: "0").write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try run.evaluate() == before && run.hasForeignCalibration())
  }

  @Test(
    "Of few examples most are scored: sets at 95 % need 19",
    arguments: [(30, 10), (35, 11), (60, 20), (79, 39), (200, 100)])
  func few(count: Int, scaled: Int) async throws {
    let files = Files()
    let path = try await classifier(files)
    let rows = (0..<count).map { "\(Double($0 * 37 % 60) / 10),\($0 * 37 % 60 > 30 ? "up" : "down")" }
    try files.write("few.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let calibration = try Run(opening: path, data: files["few.csv"]).calibrate()
    #expect(calibration.scaled == scaled && calibration.scored == count - scaled)
  }

  @Test("A validation part that has selected the parameters does not calibrate them") func selected() async throws {
    let files = Files()
    let selecting = ["train.select=validation/cls/NLL", "train.evaluate_every=50"]
    let path = try await classifier(files, selecting)
    let error = #expect(throws: TrainingError.self) { try Run(opening: path).calibrate() }
    #expect(error?.description.contains("with --data") == true)
    #expect(try Run(opening: path, data: files["classes.csv"]).calibrate().scored > 0)
  }

  @Test("Every scaling and score of classes gives sets; larger coverage, larger sets") func waysOfClasses() async throws
  {
    let files = Files()
    let run = try Run(opening: try await classifier(files))
    let plain = try run.predict(run.inputs(from: files["classes.csv"]), samples: 1)
    for scaling in ScalingMethod.allCases {
      for score in [ConformalScore.threshold, .adaptive] {
        let calibration = try run.calibrate(scaling: scaling, score: score)
        #expect((calibration.scaled == 0) == (scaling == .none))
        let sizes = try [0.5, 0.9, 0.999].map { coverage in
          try run.calibrated(plain, coverage: coverage)["set_size"]!.values.reduce(0, +)
        }
        #expect(sizes[0] < sizes[1] && sizes[1] <= sizes[2], "\(scaling), \(score): \(sizes)")
        // Too few scores for 0.999: every class is in.
        #expect(sizes[2] == 1200)
      }
    }
    let error = #expect(throws: RecipeError.self) { try run.calibrate(score: .standardized) }
    #expect(error?.description.contains("threshold or adaptive") == true)
  }

  @Test("Intervals of numbers, by deviations and by quantiles") func intervals() async throws {
    let files = Files()
    try await Run.train(files.regression(steps: 200), out: files["run"])
    let run = try Run(opening: files["run"], data: files["line.csv"])
    let inputs = try run.inputs(from: files["line.csv"])
    let plain = try run.predict(inputs, samples: 20)
    for score in [ConformalScore.standardized, .quantiles] {
      let calibration = try run.calibrate(score: score, samples: 20)
      #expect(calibration.scored > 0 && calibration.scaling == nil)
      let result = try run.calibrated(plain, coverage: 0.5)
      #expect(
        zip(result["lower"]!.values, result["upper"]!.values).allSatisfy { $0 <= $1 && $0.isFinite && $1.isFinite })
    }
    let error = #expect(throws: RecipeError.self) { try run.calibrated(plain, coverage: 0.9) }
    #expect(error?.description.contains("0.5 and 0.95") == true)
    _ = try run.calibrate(score: .standardized, samples: 20)
    #expect(try run.calibrated(plain, coverage: 0.9)["upper"] != nil)
    #expect(throws: RecipeError.self) { try run.calibrated(plain, coverage: 1) }
    #expect(throws: RecipeError.self) { try run.calibrate(scaling: .temperature) }
  }

  @Test("What is missing, damaged or of other parameters is said, with what to do") func errors() async throws {
    let files = Files()
    try await Run.train(files.regression(steps: 5), out: files["run"])
    let run = try Run(opening: files["run"])
    let inputs = try run.inputs(from: files["line.csv"])
    let plain = try run.predict(inputs, samples: 2)
    #expect(try run.calibrated(plain).columns.count == plain.columns.count)
    let none = #expect(throws: TrainingError.self) { try run.calibrated(plain, coverage: 0.9) }
    #expect(none?.description.contains("run: elbo calibrate") == true)
    let missing = #expect(throws: TrainingError.self) { try run.calibrate() }
    #expect(missing?.description.contains("--data") == true)
    let file = files["run"] + "/calibration.json"
    try Run(opening: files["run"], data: files["line.csv"]).calibrate(samples: 2)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for (from, to) in [("\"format\" : 1", "\"format\" : 2"), (run.parametersSHA256, "0"), ("{", "[")] {
      try text.replacing(from, with: to).write(toFile: file, atomically: true, encoding: .utf8)
      #expect(throws: TrainingError.self, "\(from)") { try run.calibrated(plain) }
    }
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try run.calibration() != nil)
  }
}
