import Datasets
import Foundation
import Runs
import Synchronization
import Testing
import Training

/// What a Swift program does with a recipe and a run.
@Suite struct RunTests {
  /// The program of the documentation's page on the library, on small data.
  @Test func tenLines() async throws {
    let files = Files()
    let recipe = try Recipe.named("bbb-regression")
    recipe.set("data.source", text: try files.line())
    try recipe.set("data.target", to: "y")
    try recipe.set("train.steps", to: "20")
    let summary = try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    let predictions = try run.predict(run.inputs(from: files["line.csv"]), samples: 100)
    let (mean, deviation) = (predictions["mean"]!.values, predictions["std"]!.values)

    #expect(summary.status == .finished && summary.steps == 20 && run.step == 20)
    #expect(summary.parameters_sha256 == run.parametersSHA256)
    #expect(mean.count == 50 && deviation.allSatisfy { $0 > 0 })
    #expect(predictions.samples == 100 && predictions.missing.isEmpty)
  }

  @Test func everyNumberOfLanesGivesTheSame() async throws {
    let files = Files()
    let one = try await Run.train(files.regression(), out: files["one"], lanes: 1)
    let three = try await Run.train(files.regression(), out: files["three"], lanes: 3)
    #expect(one.parameters_sha256 == three.parameters_sha256)
    #expect(one.metrics.filter { $0.key.hasPrefix("test/") } == three.metrics.filter { $0.key.hasPrefix("test/") })
    let (first, second) = (
      try Run(opening: files["one"], lanes: 1).evaluate(), try Run(opening: files["three"], lanes: 2).evaluate()
    )
    #expect(first == second && first["test/reg/RMSE"] == one.metrics["test/reg/RMSE"])
  }

  @Test("A batch above the data is all of it, with a note") func wholeBatch() async throws {
    let files = Files()
    let large = try files.regression()
    try large.set("train.batch=1000")
    let job = try TrainingJob(large)
    #expect(job.notes == ["train.batch is 1000, more than the 40 training examples: each step takes all of them"])
    #expect(job.examplesPerStep == 40)
    let whole = try files.regression()
    try whole.set("train.batch=40")
    #expect(try TrainingJob(whole).notes == [])
    let (one, two) = (try await Run.train(large, out: files["1"]), try await Run.train(whole, out: files["2"]))
    #expect(one.parameters_sha256 == two.parameters_sha256)
    // The validation part, which may be smaller than a batch, is no matter.
    let validated = try files.regression()
    try validated.set("data.validation_fraction=0.2")
    #expect(try TrainingJob(validated).notes == [])
  }

  @Test(
    "Fewer rows than shards are learned from, as the rows that they are",
    arguments: ["bayesian-linear-regression", "gaussian-process", "gmm", "kmeans", "pca"])
  func fewerRowsThanShards(model: String) async throws {
    let files = Files()
    try files.write("three.csv", "x,y\n1,2\n2,3.5\n4,5\n")
    func train(_ shards: Int) async throws -> Summary {
      let recipe = try Recipe.named(model)
      var settings = ["data.source=\(files["three.csv"])", "train.shards=\(shards)", "train.steps=10"]
      if ["bayesian-linear-regression", "gaussian-process"].contains(model) { settings.append("data.target=y") }
      for setting in settings { try recipe.set(setting) }
      return try await Run.train(recipe, out: files["\(shards)"])
    }
    let (fitting, more) = (try await train(3), try await train(7))
    #expect(more.status == .finished && more.steps == fitting.steps)
    for (name, value) in fitting.metrics where value.isFinite {
      let other = try #require(more.metrics[name])
      #expect(abs(other - value) <= 1e-6 * max(1, abs(value)), "\(name)")
    }
  }

  @Test("Classes that no training example has are said: of a sorted table that is split by position")
  func untrainedClasses() throws {
    let files = Files()
    let rows = (0..<12).map { "\(Double($0 * 7 % 5)),\(["cat", "dog", "owl"][$0 / 4])\n" }
    try files.write("sorted.csv", "a,kind\n" + rows.joined())
    func notes(_ split: String) throws -> [String] {
      let recipe = try Recipe.named("bayesian-logistic-regression")
      for setting in [
        "data.source=\(files["sorted.csv"])", "data.target=kind", "data.test_fraction=0.34", "data.split=\(split)",
      ] { try recipe.set(setting) }
      return try TrainingJob(recipe).notes
    }
    #expect(try notes("random") == [])
    #expect(
      try notes("position") == [
        "no training example has the class 'owl'; data.split=random mixes the rows before they are split"
      ])
  }

  @Test func aTrainingThatWasStoppedGoesOn() async throws {
    let files = Files()
    let whole = try await Run.train(files.regression(steps: 30), out: files["whole"])
    let observer = Stopping(after: 11)
    let part = try await Run.train(
      files.regression(steps: 30), out: files["run"], observer: observer, until: observer.stop)
    #expect(part.status == .interrupted && part.steps == 11 && observer.steps == 11)
    let rest = try await Run.resume(files["run"])
    #expect(rest.status == .finished && rest.parameters_sha256 == whole.parameters_sha256)
    let more = try await Run.resume(files["run"], setting: ["train.steps": "40"])
    #expect(more.steps == 40)
    await #expect(throws: TrainingError.self) {
      try await Run.resume(files["run"], setting: ["train.batch": "5"])
    }
  }

  @Test func predictionsAreWritten() async throws {
    let files = Files()
    try await Run.train(files.regression(), out: files["run"])
    let run = try Run(opening: files["run"])
    let inputs = ExampleArray([0.5, 1.5, 2.5], shape: [1])
    let predictions = try run.predict(inputs, samples: .automatic(tolerance: 1e-9, limit: 80), seed: 4)
    #expect(predictions.samples == 80 && predictions.shortfall?.contains("80 samples") == true)
    try predictions.write(to: files["P.npz"])
    let archive = try NPZ(files["P.npz"])
    let mean = try archive.examples("mean").withUnsafeBufferPointer(as: Double.self) { Array($0) }
    #expect(mean == predictions["mean"]?.values && archive.keys.contains("quantile_levels"))
    #expect(throws: TrainingError.self) { try run.predict(ExampleArray([0.5, 1.5], shape: [2])) }
    #expect(throws: RecipeError.self) { try run.predict(inputs, samples: 0) }
    #expect(throws: RecipeError.self) { try Run(opening: files["run"], lanes: 0).evaluate() }
  }

  @Test func aModelInClosedFormPredictsWithoutSamples() async throws {
    let files = Files()
    let recipe = try Recipe.named("gaussian-process")
    recipe.set("data.source", text: try files.line())
    try recipe.set("data.target", to: "y")
    try recipe.set("train.steps", to: "3")
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    let predictions = try run.predict(ExampleArray([0.5, 9], shape: [1]))
    #expect(predictions.samples == nil && predictions["std"]!.values[0] < predictions["std"]!.values[1])
  }

  @Test func aGenerativeModelMakesExamples() async throws {
    let files = Files()
    let recipe = try Recipe.named("vae")
    recipe.set("data.source", text: try files.pictures())
    for (key, value) in [
      ("network.hidden", "[8]"), ("network.latent", "2"), ("train.batch", "20"), ("train.steps", "5"),
    ] { try recipe.set(key, to: value) }
    try await Run.train(recipe, out: files["run"])
    let run = try Run(opening: files["run"])
    #expect(try run.sample(count: 9, seed: 1) == run.sample(count: 9, seed: 1))
    #expect(try run.sample(count: 9, seed: 1) != run.sample(count: 9, seed: 2))
    try await run.writeSamples(SampleOptions(count: 9), to: files["samples.png"])
    #expect(FileManager.default.fileExists(atPath: files["samples.png"]))
    await #expect(throws: TrainingError.self) { try await run.writeSamples(SampleOptions(), to: files["samples.npy"]) }
    #expect(throws: TrainingError.self) { try run.sample(SampleOptions(truncation: 1)) }
    #expect(throws: RecipeError.self) { try run.sample(count: 0) }
    #expect(throws: TrainingError.self) { try run.predict(run.data().train.inputs) }
  }

  @Test func whatIsLeftOfPrunedWeightsIsEvaluated() async throws {
    let files = Files()
    try await Run.train(files.regression(), out: files["run"])
    let pruned = try Run(opening: files["run"]).prune(keeping: 0.25, to: files["pruned.npz"])
    #expect(pruned["prune/kept"]! < pruned["prune/weights"]!)
    let run = try Run(opening: files["run"])
    try run.usePruned(files["pruned.npz"])
    #expect(try run.evaluate()["test/reg/NLL"] == pruned["test/reg/NLL"])
  }
}

/// Stops a training after some steps.
private final class Stopping: TrainingObserver {
  let stop = StopRequest()
  private let last: Int
  private let seen = Mutex(0)

  init(after last: Int) { self.last = last }

  var steps: Int { seen.withLock { $0 } }

  func step(_ report: TrainingReport) {
    seen.withLock { $0 += 1 }
    if report.step == last { stop.request() }
  }
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}
