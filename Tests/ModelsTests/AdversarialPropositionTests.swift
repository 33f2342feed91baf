import Datasets
import Figures
import Foundation
import Models
import Tensors
import Testing
import Training

/// What theory says of the discriminator against a generator that stands still, q = N(centre, deviation²).
@Suite struct AdversarialPropositionTests {
  private static let networks = [
    "network.generator=[]", "network.latent=1", "network.discriminator=[32, 32]", "network.activation=tanh",
    "network.dropout=0", "data.normalisation=none", "objective.generator_average=0", "optimizer.learning_rate=0",
    "discriminator_optimizer.learning_rate=0.01", "discriminator_optimizer.schedule=linear",
    "discriminator_optimizer.beta1=0.9", "train.batch=1000",
  ]

  /// Trains the discriminator alone.
  /// - Returns: its mean loss at the end, and the probability that it gives places of being real.
  private func discriminator(
    of data: Dataset, centre: Float, deviation: Float
  ) async throws -> (loss: Double, places: [Double], beliefs: [Double]) {
    let learner = try learner("gan", data, AdversarialPropositionTests.networks)
    let layout = learner.parameters.layout
    learner.parameters.tensor(try #require(layout["generator.0.weight"])).pointer[0] = deviation
    learner.parameters.tensor(try #require(layout["generator.0.bias"])).pointer[0] = centre
    let observer = LossObserver()
    let plan = TrainingPlan(seed: 0, shards: 2, steps: 1500, reportEvery: 300)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 2), observer: observer)
    _ = try await trainer.train(until: StopRequest())
    let picture = try (learner as! any Picturing).progress(at: 0, key: RandomKey(seed: 1), with: Crew(lanes: 1))
    guard case .plot(let plot) = picture[0].content, case .line(let line) = plot.panels[0].marks[2] else {
      throw TrainingError(.unsuitable, "no picture of the discriminator", advice: "")
    }
    return (observer.loss.value, line.x, line.y)
  }

  private func normal(_ x: Double, _ mean: Double, _ deviation: Double) -> Double {
    exp(-0.5 * pow((x - mean) / deviation, 2)) / (deviation * (2 * .pi).squareRoot())
  }

  /// Goodfellow et al. 2014, proposition 1: D* = p / (p + q); theorem 1: V(D*) = −log 4 + 2 JSD(p ‖ q).
  @Test func theOptimalDiscriminatorOfAMixture() async throws {
    let data = try DataSource.open(DataRequest(source: "gaussian-pair"))
    let found = try await discriminator(of: data, centre: 0.5, deviation: 1)
    func p(_ x: Double) -> Double { normal(x, -1.5, 0.4) / 3 + 2 * normal(x, 1, 0.6) / 3 }
    func q(_ x: Double) -> Double { normal(x, 0.5, 1) }
    for (place, belief) in zip(found.places, found.beliefs) where p(place) + q(place) > 0.1 {
      #expect(abs(belief - p(place) / (p(place) + q(place))) < 0.06, "at \(place)")
    }
    var divergence = 0.0
    for index in 0..<20_000 {
      let x = -8 + 16 * (Double(index) + 0.5) / 20_000
      let (p, q) = (p(x), q(x))
      let mean = 0.5 * (p + q)
      divergence += 0.5 * (p * log(p / mean) + q * log(q / mean)) * 16 / 20_000
    }
    #expect(abs(-found.loss - (-log(4) + 2 * divergence)) < 0.015)
  }

  /// Where both densities are one, D* = ½ and V = −log 4: the generator's optimum.
  @Test func theValueAtTheOptimumIsMinusLogFour() async throws {
    let found = try await discriminator(of: try gaussianData(count: 20_000, width: 1), centre: 0, deviation: 1)
    #expect(abs(-found.loss + log(4)) < 0.01)
    for (place, belief) in zip(found.places, found.beliefs) where abs(place) < 2 {
      #expect(abs(belief - 0.5) < 0.06, "at \(place)")
    }
  }
}

/// Keeps the discriminator's loss of the last report.
private final class LossObserver: TrainingObserver {
  let loss = Latest()

  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) { loss.set(report.metrics["train/discriminator_loss"] ?? .nan) }
  func checkpoint(_ moment: Trainer.Moment) {}

  /// Guards its number by a lock.
  final class Latest: @unchecked Sendable {
    private let lock = NSLock()
    private var number = Double.nan
    func set(_ value: Double) { lock.withLock { number = value } }
    var value: Double { lock.withLock { number } }
  }
}
