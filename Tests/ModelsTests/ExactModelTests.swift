import Datasets
import Foundation
import Recipes
import ReferenceSupport
import Tensors
import Testing
import Training

private func train(_ learner: any Learner, steps: Int = 2000) async throws -> [String: Double] {
  let plan = TrainingPlan(seed: 0, shards: 4, steps: steps, reportEvery: 10_000)
  let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 2), observer: DeafObserver())
  _ = try await trainer.train(until: StopRequest())
  return try await trainer.evaluate()
}

private func predictions(_ learner: any Learner, _ rows: ExampleArray, lanes: Int = 2) throws -> [String: [Double]] {
  let predicting = try #require(learner.offers.closedFormPrediction)
  let columns = try predicting.predict(rows, with: Crew(lanes: lanes))
  return Dictionary(uniqueKeysWithValues: columns.map { ($0.name, $0.values) })
}

private func oldFaithful() throws -> Dataset {
  var request = DataRequest(source: RealData.folder!.appendingPathComponent("tables/faithful.csv").path)
  request.columns = ["eruptions", "waiting"]
  return try DataSource.open(request)
}

private let hasOldFaithful = RealData.exists("tables/faithful.csv")

@Suite struct ExactModelTests {
  @Test(.enabled(if: hasOldFaithful, "tables/faithful.csv is not beside the repository"))
  func principalComponentsOfOldFaithful() async throws {
    let learner = try learner("pca", try oldFaithful(), [])
    _ = try await train(learner, steps: 1)
    let variances = Array(learner.parameters.doubles(learner.parameters.layout["variances"]!))
    #expect(abs(variances[0] - 185.881824) < 1e-6 && abs(variances[1] - 0.2442167) < 1e-7)
  }

  @Test(
    .enabled(if: hasOldFaithful, "tables/faithful.csv is not beside the repository"),
    arguments: [
      "dirichlet", "dirichlet-process",
    ])
  func variationalMixtureKeepsTwoOfSixComponents(prior: String) async throws {
    let learner = try learner(
      "variational-gmm", try oldFaithful(), ["data.normalisation=standard", "objective.weight_prior=\(prior)"])
    _ = try await train(learner)
    // Rows of a component: what its degrees of freedom have grown by.
    let degrees = learner.parameters.doubles(learner.parameters.layout["degrees"]!)
    #expect(degrees.count { $0 - 2 >= 1 } == 2)
  }

  @Test(arguments: ["gmm", "kmeans", "variational-gmm"])
  func clustersOfRowsAddUp(model: String) async throws {
    let data = try gaussianData(count: 200, width: 3, test: 40)
    let learner = try learner(model, data, [])
    let metrics = try await train(learner)
    #expect(metrics.values.allSatisfy { $0.isFinite } && !metrics.isEmpty)
    let one = try predictions(learner, data.test!.inputs, lanes: 1)
    #expect(one == (try predictions(learner, data.test!.inputs, lanes: 4)))
    if let weights = one["responsibilities"] {
      let width = weights.count / 40
      for row in 0..<40 { #expect(abs(weights[row * width..<(row + 1) * width].reduce(0, +) - 1) < 1e-12) }
      #expect(abs(one["log_density"]!.reduce(0, +) / 40 - metrics.first { $0.key.contains("log_") }!.value) < 1e-12)
    } else {
      #expect(one["cluster"]!.allSatisfy { $0 == $0.rounded() && $0 >= 0 })
    }
  }

  @Test(arguments: [
    ("linear-regression", []), ("bayesian-linear-regression", ["network.basis=gaussian"]), ("bayesian-ridge", []),
    ("bayesian-ridge", ["objective.relevance=true"]), ("gaussian-process", []),
    ("gaussian-process", ["network.inducing=20"]),
  ])
  func regressionsPredictWithTheirUncertainty(model: String, overrides: [String]) async throws {
    let data = try supervisedData(count: 120, test: 50)
    let learner = try learner(model, data, overrides)
    let metrics = try await train(learner)
    let found = try predictions(learner, data.test!.inputs)
    let (mean, deviation) = (found["mean"]!, found["std"]!)
    let targets = data.test!.targets!.withUnsafeBufferPointer(as: Double.self) { Array($0) }
    var (squares, density) = (0.0, 0.0)
    for row in 0..<50 {
      let variance = found["aleatoric_variance"]![row] + found["epistemic_variance"]![row]
      #expect(abs(deviation[row] * deviation[row] - variance) < 1e-9 * variance)
      #expect(found["epistemic_variance"]![row] >= 0 && found["aleatoric_variance"]![row] > 0)
      let z = targets[row] - mean[row]
      squares += z * z
      density += 0.5 * (log(2 * .pi * variance) + z * z / variance)
      #expect(abs(found["quantiles"]![5 * row + 2] - mean[row]) < 1e-9)
    }
    // What is evaluated is what is predicted, in the units of the data.
    #expect(abs(metrics["test/reg/RMSE"]! - (squares / 50).squareRoot()) < 1e-9)
    #expect(abs(metrics["test/reg/NLL"]! - density / 50) < 1e-9)
    #expect(metrics["test/reg/RMSE"]! < 0.75)
  }

  /// Targets in other units: the same model, with its answers in those units.
  @Test(arguments: [0, 20]) func aGaussianProcessDoesNotCareForUnits(inducing: Int) async throws {
    let data = try supervisedData(count: 60, test: 20)
    func scaled(_ set: ExampleSet) throws -> ExampleSet {
      let targets = set.targets!.withUnsafeBufferPointer(as: Double.self) { $0.map { 1024 * $0 } }
      return try ExampleSet(inputs: set.inputs, targets: ExampleArray(targets, shape: [1]))
    }
    let other = try Dataset(name: "scaled", train: scaled(data.train), test: scaled(data.test!))
    let overrides = ["network.inducing=\(inducing)", "objective.search_iterations=20"]
    let one = try await train(learner("gaussian-process", data, overrides))
    let two = try await train(learner("gaussian-process", other, overrides))
    #expect(abs(two["test/reg/RMSE"]! / one["test/reg/RMSE"]! - 1024) < 1e-6)
    #expect(abs(two["test/reg/NLL"]! - one["test/reg/NLL"]! - log(1024)) < 1e-8)
  }

  @Test(arguments: [(2, "laplace"), (2, "variational"), (3, "laplace")])
  func classifiersGiveProbabilities(classes: Int, method: String) async throws {
    let data = try supervisedData(count: 200, classes: classes, test: 60)
    let learner = try learner("bayesian-logistic-regression", data, ["objective.method=\(method)"])
    let metrics = try await train(learner)
    #expect(metrics["test/cls/Acc"]! > 0.6 && metrics["test/cls/NLL"]! < 0.9)
    let found = try predictions(learner, data.test!.inputs)
    for row in 0..<60 {
      let p = found["mean"]![row * classes..<(row + 1) * classes]
      #expect(abs(p.reduce(0, +) - 1) < 1e-12 && p.allSatisfy { $0 > 0 })
      let parts = found["expected_entropy"]![row] + found["mutual_information"]![row]
      #expect(abs(found["entropy"]![row] - parts) < 1e-9 && found["mutual_information"]![row] > -1e-9)
    }
  }

  @Test func theEvidenceChoosesACubic() async throws {
    // A cubic on −1 … 1 with little noise.
    var stream = RandomStream(RandomKey(seed: 3))
    let x = (0..<60).map { Double($0) / 29.5 - 1 }
    let noise = x.map { _ in Double(stream.next(below: 1 << 20)) / Double(1 << 20) - 0.5 }
    let y = zip(x, noise).map { 2 * $0 * $0 * $0 - $0 + 0.1 * $1 }
    let data = try Dataset(
      name: "cubic", train: ExampleSet(inputs: ExampleArray(x, shape: [1]), targets: ExampleArray(y, shape: [1])))
    let chosen = try learner(
      "bayesian-linear-regression", data,
      ["network.basis=polynomial", "network.degree=9", "objective.choose_degree=true"])
    _ = try await train(chosen, steps: 1)
    let weights = chosen.parameters.doubles(chosen.parameters.layout["weights"]!)
    #expect(weights[2] > 1.5 && weights[3...].allSatisfy { $0 == 0 })
    #expect(!(try chosen.figures(with: Crew(lanes: 1), key: RandomKey(seed: 0))).isEmpty)
  }

  /// Figures of all models can be made, of little data too.
  @Test(arguments: [
    "kmeans", "gmm", "variational-gmm", "pca", "ppca", "linear-regression", "bayesian-linear-regression",
    "bayesian-ridge", "bayesian-logistic-regression", "gaussian-process",
  ])
  func figuresCanBeMade(model: String) async throws {
    let isSupervised = !["kmeans", "gmm", "variational-gmm", "pca", "ppca"].contains(model)
    let data =
      isSupervised
      ? try supervisedData(count: 30, classes: model.contains("logistic") ? 2 : nil, test: 9)
      : try gaussianData(count: 30, width: 3, test: 9)
    let learner = try learner(model, data, [])
    _ = try await train(learner)
    #expect(!(try learner.figures(with: Crew(lanes: 1), key: RandomKey(seed: 0))).isEmpty)
  }
}

@Suite struct ExactMistakeTests {
  private func message(_ model: String, _ data: Dataset, _ overrides: [String]) async -> String {
    do {
      _ = try await train(learner(model, data, overrides), steps: 50)
      return ""
    } catch { return "\(error)" }
  }

  /// One row, rows that are all one, a constant column, more clusters than distinct rows: an answer, or a clear error.
  @Test(arguments: [
    ("kmeans", ["network.clusters=5"]), ("gmm", ["network.components=3"]), ("variational-gmm", []), ("pca", []),
    ("ppca", []), ("ppca", ["objective.method=em"]), ("ppca", ["objective.method=em", "objective.relevance=true"]),
  ])
  func degenerateRows(model: String, overrides: [String]) async throws {
    let same = [Double](repeating: 3, count: 8 * 3)
    let constant = (0..<24).map { $0 % 3 == 1 ? 7.0 : Double(($0 * 37) % 11) }
    let few = (0..<24).map { Double($0 / 3 % 2) }
    for (values, rows) in [(same, 8), (constant, 8), (few, 8), (Array(constant.prefix(3)), 1)] {
      let data = try Dataset(
        name: "rows", train: ExampleSet(inputs: ExampleArray(values, shape: [3])))
      #expect(data.train.count == rows)
      let text = await message(model, data, overrides)
      #expect(text.isEmpty || text.contains(";") || text.contains(":"), "\(text)")
    }
  }

  @Test(arguments: ["kmeans", "gmm", "variational-gmm", "pca", "ppca"])
  func infinitiesAreNamedByTheirRow(model: String) async throws {
    var values = (0..<300).map { Double($0 % 17) }
    values[3 * 70 + 1] = .infinity
    let data = try Dataset(name: "rows", train: ExampleSet(inputs: ExampleArray(values, shape: [3])))
    let text = await message(model, data, [])
    #expect(text.contains("70") && text.contains("not finite"), "\(text)")
  }

  @Test func wrongNumbersAreRefused() async throws {
    let rows = try gaussianData(count: 30, width: 3)
    for (model, override) in [
      ("kmeans", "network.clusters=0"), ("gmm", "network.components=0"), ("pca", "network.components=0"),
      ("pca", "network.components=4"), ("ppca", "network.latent=3"), ("variational-gmm", "objective.concentration=0"),
      ("ppca", "objective.relevance=true"), ("variational-gmm", "objective.degrees=1"),
    ] {
      #expect(!(await message(model, rows, [override])).isEmpty, "\(model) \(override)")
    }
    let supervised = try supervisedData(count: 30)
    for (model, override) in [
      ("linear-regression", "network.basis=wavelet"), ("bayesian-linear-regression", "objective.noise_precision=1"),
      ("gaussian-process", "network.kernel=rbf("), ("gaussian-process", "network.kernel=cosine"),
      ("gaussian-process", "network.kernel=rbf(variance=-1)"), ("gaussian-process", "network.kernel=periodic"),
      ("gaussian-process", "network.inducing=31"), ("bayesian-logistic-regression", "objective.method=laplace"),
    ] {
      #expect(!(await message(model, supervised, [override])).isEmpty, "\(model) \(override)")
    }
    #expect(!(await message("linear-regression", rows, [])).isEmpty)
  }

  /// A polynomial of order 100: powers that overflow are an error that says what to do; scaled ones have an answer.
  @Test func orderOneHundred() async throws {
    let x = (0..<40).map { 1e5 * Double($0) }
    let data = try Dataset(
      name: "line",
      train: ExampleSet(inputs: ExampleArray(x, shape: [1]), targets: ExampleArray(x.map { sin($0 / 1e6) }, shape: [1]))
    )
    let overrides = ["network.basis=polynomial", "network.degree=100"]
    let text = await message("bayesian-linear-regression", data, overrides)
    #expect(text.contains("scale"), "\(text)")
    for model in ["linear-regression", "bayesian-linear-regression", "bayesian-ridge"] {
      let learner = try learner(model, data, overrides + ["data.normalisation=range"])
      _ = try await train(learner, steps: 1)
      let found = try predictions(learner, data.train.inputs)
      #expect(zip(found["mean"]!, x).allSatisfy { abs($0 - sin($1 / 1e6)) < 0.2 })
    }
  }
}
