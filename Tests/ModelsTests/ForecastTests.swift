import Datasets
import LinearAlgebra
import Tensors
import Testing
import Training

@Suite("Forecasts of sequences") struct ForecastTests {
  /// A trained learner's forecasts of what follows its data, by name.
  private func forecasts(
    _ model: String, _ data: Dataset, _ settings: [String], steps: Int
  ) async throws -> (learner: any Learner, columns: [String: RowPrediction]) {
    let learner = try learner(model, data, settings + ["objective.restarts=1"], seed: 3)
    let plan = TrainingPlan(seed: 3, shards: 2, steps: 60, reportEvery: 1_000)
    _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: DeafObserver()).train(
      until: StopRequest())
    let offer = try #require(learner.offers.forecasting)
    #expect(offer.levels == [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
    let columns = try offer.predictions(data.train, steps)
    return (learner, Dictionary(uniqueKeysWithValues: columns.map { ($0.name, $0) }))
  }

  private func data(_ values: [Double], lengths: [Int]? = nil) throws -> Dataset {
    try Dataset(
      name: "values",
      train: ExampleSet(
        inputs: ExampleArray(values.map { Float($0) }, shape: [1]),
        sequences: lengths.map { try Sequences(lengths: $0) }))
  }

  @Test("One Gaussian state forecasts its own mean, deviation and quantiles, in the units of the data")
  func oneState() async throws {
    let values = (0..<40).map { 100 + 10 * Double(($0 * 7) % 11) }
    let mean = values.reduce(0, +) / 40
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40).squareRoot()
    for scaling in ["none", "standard"] {
      let columns = try await forecasts(
        "hmm", data(values, lengths: [15, 25]), ["network.states=1", "data.normalisation=\(scaling)"], steps: 3
      ).columns
      #expect(columns["sequence"]?.values == [0, 0, 0, 1, 1, 1] && columns["step"]?.values == [1, 2, 3, 1, 2, 3])
      for step in 0..<6 {
        #expect(abs(columns["mean"]!.values[step] - mean) < 1e-4)
        #expect(abs(columns["std"]!.values[step] - deviation) < 1e-4)
        let expected = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975].map { mean + deviation * normalQuantile($0) }
        for (index, quantile) in expected.enumerated() {
          #expect(abs(columns["quantiles"]!.values[7 * step + index] - quantile) < 1e-3)
        }
      }
    }
  }

  @Test("A mixture's quantiles are those of many samples, and far ahead forecasts are the stationary distribution")
  func mixture() async throws {
    let values = (0..<120).map { (t: Int) -> Double in Double(t / 10 % 2 * 8 + t * 5 % 7) }
    for emission in ["gaussian", "poisson"] {
      let (learner, columns) = try await forecasts(
        "hmm", data(values), ["objective.emission=\(emission)"], steps: 400)
      let rows = try #require(learner.offers.sampling?.rows)
      let made = try rows(20_000, RandomKey(seed: 4)).values.sorted()
      #expect(columns["states"]!.shape == [2])
      let quantiles = columns["quantiles"]!.values.suffix(7)
      for (level, quantile) in zip(ElementLevels.all, quantiles) {
        // Samples of a chain are not independent: a few percent of the samples lie between.
        let share = Double(made.count { Double($0) <= quantile }) / 20_000
        let least = Double(made.count { Double($0) < quantile }) / 20_000
        #expect(least <= level + 0.03 && share >= level - 0.03, "\(emission) \(level): \(least) to \(share)")
      }
      let mean = made.reduce(0) { $0 + Double($1) } / 20_000
      #expect(abs(columns["mean"]!.values.last! - mean) < 0.3)
    }
  }

  private enum ElementLevels { static let all = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975] }

  @Test("Symbols have probabilities that sum to one") func symbols() async throws {
    let columns = try await forecasts(
      "hmm", data((0..<90).map { Double($0 % 3) }), ["objective.emission=categorical", "network.states=3"], steps: 4
    ).columns
    let probabilities = columns["probabilities"]!
    #expect(probabilities.shape == [3] && columns["mean"] == nil)
    for step in 0..<4 { #expect(abs(probabilities.values[3 * step..<3 * step + 3].reduce(0, +) - 1) < 1e-12) }
  }

  @Test("A line goes on, with intervals that widen") func line() async throws {
    let values = (0..<60).map { (t: Int) -> Double in 2 * Double(t) + Double(t * 7 % 5) / 5 }
    let columns = try await forecasts("lds", data(values), ["network.form=local-trend"], steps: 8).columns
    let (means, deviations) = (columns["mean"]!.values, columns["std"]!.values)
    for step in 0..<8 {
      let expected: Double = 120.4 + 2 * Double(step)
      #expect(abs(means[step] - expected) < 1)
      let quantiles = columns["quantiles"]!.values[7 * step..<7 * step + 7]
      #expect(abs(quantiles.last! - means[step] - 1.959964 * deviations[step]) < 1e-4)
    }
    #expect(zip(deviations, deviations.dropFirst()).allSatisfy { $0 < $1 })
    #expect(columns["states"] == nil)
  }
}
