import Datasets
import Foundation
import Learners
import ReferenceSupport
import Synchronization
import Tensors
import Testing
import Training

/// What a training says of its data, and what it refuses before it begins.
@Suite struct SaidTests {
  /// The alarms, and the last metrics.
  private final class Listener: TrainingObserver {
    private let heard = Mutex<(alarms: [String], metrics: [String: Double])>(([], [:]))
    var alarms: [String] { heard.withLock { $0.alarms } }
    var metrics: [String: Double] { heard.withLock { $0.metrics } }

    func step(_ report: TrainingReport) {}
    func report(_ report: TrainingReport) { heard.withLock { $0.metrics = report.metrics } }
    func checkpoint(_ moment: Trainer.Moment) {}
    func alarm(_ cause: String, at step: Int) { heard.withLock { $0.alarms.append(cause) } }
  }

  private func train(
    _ model: String, _ values: [Double], targets: [Double]? = nil, width: Int, _ overrides: [String] = []
  ) async throws -> Listener {
    let set = try ExampleSet(
      inputs: ExampleArray(values, shape: [width]), targets: targets.map { ExampleArray($0, shape: [1]) })
    let learner = try learner(model, Dataset(name: "said", train: set), overrides)
    let listener = Listener()
    let plan = TrainingPlan(seed: 0, shards: 2, steps: 10_000, reportEvery: 10_000)
    _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: listener).train(until: StopRequest())
    return listener
  }

  /// Two clouds of rows in the plane.
  private func clouds(_ factor: Double = 1) -> [Double] {
    var generator = SplitMix64(seed: 5)
    func noise() -> Double { (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0...1, using: &generator) } }
    return (0..<60).flatMap { row in [factor * (noise() + (row % 2 == 0 ? 0 : 8)), factor * noise()] }
  }

  @Test func clustersWithoutRowsAreSaid() async throws {
    let three: [Double] = (0..<30).flatMap { [Double($0 % 3), 1] as [Double] }
    let listener = try await train("kmeans", three, width: 2, ["network.clusters=5"])
    #expect(listener.alarms.last?.contains("set network.clusters to 3") == true, "\(listener.alarms)")
    #expect(try await train("kmeans", clouds(), width: 2).alarms == [])
  }

  /// A floor of 1e-6 was absolute: of data at 1e-5 all components were floor.
  @Test(arguments: [1e-150, 1e-5, 1, 1e150])
  func mixturesInAnyUnits(unit: Double) async throws {
    let listener = try await train("gmm", clouds(unit), width: 2)
    let same = try await train("gmm", clouds(), width: 2)
    #expect(listener.alarms == [])
    let total = "train/total_log_likelihood"
    let difference = listener.metrics[total]! + 120 * log(unit) - same.metrics[total]!
    #expect(abs(difference) < 1e-5, "\(difference)")
  }

  @Test func aFloorThatActsIsSaid() async throws {
    // The second column is a function of the first.
    let plane = clouds().enumerated().map { $0 % 2 == 0 ? $1 : 0 }
    let dependent = plane.enumerated().map { $0 % 2 == 0 ? $1 : 2 * plane[$0 - 1] }
    let listener = try await train("gmm", dependent, width: 2)
    #expect(listener.alarms.last?.contains("covariance_floor") == true, "\(listener.alarms)")
    let line = (0..<20).map(Double.init)
    let exact = try await train("bayesian-ridge", line, targets: line.map { 3 * $0 + 1 }, width: 1)
    #expect(exact.alarms.last?.contains("noise variance") == true, "\(exact.alarms)")
  }

  @Test func restartsThatEndedAtTheBestAreCounted() async throws {
    let listener = try await train("gmm", clouds(), width: 2)
    let count = try #require(listener.metrics["train/restarts_at_best"])
    #expect(count >= 2 && count <= 12)
  }

  /// Bernoulli pixels over bytes from 0 to 255 had a bound of +156,225 nats.
  @Test func aLikelihoodLooksAtItsData() throws {
    let bytes = try imageData(count: 100, width: 6)
    #expect {
      try learner("vae", bytes, ["data.normalisation=none"])
    } throws: {
      "\($0)".contains("set data.normalisation to one of unit")
    }
    _ = try learner("vae", bytes, [])
    _ = try learner("vae", bytes, ["data.binarisation=threshold"])
    _ = try learner("vae", bytes, ["data.normalisation=none", "objective.likelihood=gaussian"])
    let floats = try Dataset(name: "floats", train: ExampleSet(inputs: ExampleArray([0.5, 1, 0, -0.25], shape: [2])))
    let small = ["train.batch=2"]
    #expect {
      try learner("vae", floats, small)
    } throws: {
      let error = $0 as? TrainingError
      return error!.message.contains("-0.25 in row 1") && error!.advice.contains("objective.likelihood=gaussian")
    }
    _ = try learner("vae", floats, small + ["objective.likelihood=gaussian"])
  }

  @Test("Each support contains its own numbers and refuses others") func supports() {
    #expect(Support.unitInterval.contains(0.5) && Support.unitInterval.contains(1))
    #expect(!Support.unitInterval.contains(1.5) && !Support.unitInterval.contains(.nan))
    #expect(Support.counts.contains(7) && !Support.counts.contains(0.5) && !Support.counts.contains(-1))
    #expect(Support.numbers.contains(-1e300) && !Support.numbers.contains(.infinity))
  }
}
