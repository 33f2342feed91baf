import Datasets
import Foundation
import Learners
import Models
import Recipes
import ReferenceSupport
import Synchronization
import Training

/// A learner of a model with keys set, `path: value`.
func predictor(_ model: String, _ data: Dataset, seed: UInt64 = 0, _ keys: [String: String]) throws -> any Predicting {
  let recipe = try Recipe(yaml: "model: \(model)", source: "test")
  for (path, value) in keys { try recipe.set(path, to: value) }
  return try Models.named(model).learner(recipe, data: data, seed: seed).offers.prediction!
}

/// Trains from a step on.
@discardableResult
func train(
  _ learner: any Learner, steps: Int, from first: Int = 0, shards: Int = 4, lanes: Int = 1
) async throws -> Trainer.Moment {
  let plan = TrainingPlan(seed: 3, shards: shards, steps: steps, reportEvery: 1 << 30)
  let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: DeafObserver())
  return try await trainer.train(from: first, until: StopRequest()).moment
}

/// The metrics of a training's last report, and all its alarms.
final class KeptReports: TrainingObserver {
  private let kept = Mutex((metrics: [String: Double](), alarms: [String]()))
  var metrics: [String: Double] { kept.withLock { $0.metrics } }
  var alarms: [String] { kept.withLock { $0.alarms } }

  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) { kept.withLock { $0.metrics = report.metrics } }
  func checkpoint(_ moment: Trainer.Moment) {}
  func alarm(_ cause: String, at step: Int) { kept.withLock { $0.alarms.append(cause) } }
}

/// Two noisy classes of points in the plane, or a noisy line.
enum Toy {
  static func classes(_ count: Int = 90) throws -> Dataset {
    var generator = SplitMix64(seed: 11)
    var (x, y) = ([Float](), [UInt32]())
    for index in 0..<count {
      let label = UInt32(index % 3)
      y.append(label)
      for axis in 0..<2 {
        x.append(Float.random(in: -1...1, using: &generator) + (Int(label) == axis ? 1.5 : 0))
      }
    }
    let set = try ExampleSet(inputs: ExampleArray(x, shape: [2]), labels: ClassLabels(indices: y, count: 3))
    return try Dataset(name: "toy", train: set, test: set)
  }

  static func line(_ count: Int = 64, unit: Double = 1) throws -> Dataset {
    var generator = SplitMix64(seed: 12)
    let x = (0..<count).map { _ in Double.random(in: -2...2, using: &generator) }
    let y = x.map { value in
      let noise = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0...1, using: &generator) }
      return unit * (0.7 * value + 0.3 * noise + 2)
    }
    let set = try ExampleSet(inputs: ExampleArray(x, shape: [1]), targets: ExampleArray(y, shape: [1]))
    return try Dataset(name: "line", train: set, test: set)
  }
}
