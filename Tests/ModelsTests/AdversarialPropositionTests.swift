import Datasets
import Figures
import Foundation
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

  /// What figure 1 of Goodfellow et al. (2014) shows: three curves over the same places.
  private struct Picture {
    let places, data, samples, beliefs: [Double]

    init(_ learner: any Learner) throws {
      let figures = try learner.offers.progress!(0, RandomKey(seed: 1), Crew(lanes: 1))
      guard case .plot(let plot) = figures[0].content else { throw NoPicture() }
      let lines = plot.panels[0].marks.compactMap { mark -> Line? in
        if case .line(let line) = mark { line } else { nil }
      }
      guard lines.map(\.label) == ["data", "samples", "discriminator: P(real)"] else { throw NoPicture() }
      places = lines[0].x
      (data, samples, beliefs) = (lines[0].y, lines[1].y, lines[2].y)
    }
  }
  private struct NoPicture: Error {}

  private func train(_ learner: any Learner, steps: Int) async throws -> (loss: Double, picture: Picture) {
    let observer = LossObserver()
    let plan = TrainingPlan(seed: 0, shards: 2, steps: steps, reportEvery: 300)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 2), observer: observer)
    _ = try await trainer.train(until: StopRequest())
    return (observer.loss.value, try Picture(learner))
  }

  /// Trains the discriminator alone.
  private func discriminator(
    of data: Dataset, centre: Float, deviation: Float
  ) async throws -> (loss: Double, picture: Picture) {
    let learner = try learner("gan", data, AdversarialPropositionTests.networks)
    let layout = learner.parameters.layout
    learner.parameters.tensor(try #require(layout["generator.0.weight"])).pointer[0] = deviation
    learner.parameters.tensor(try #require(layout["generator.0.bias"])).pointer[0] = centre
    return try await train(learner, steps: 1500)
  }

  private func normal(_ x: Double, _ mean: Double, _ deviation: Double) -> Double {
    exp(-0.5 * pow((x - mean) / deviation, 2)) / (deviation * (2 * .pi).squareRoot())
  }

  /// The density of `gaussian-pair`.
  private func pair(_ x: Double) -> Double { normal(x, -1.5, 0.4) / 3 + 2 * normal(x, 1, 0.6) / 3 }

  /// Goodfellow et al. 2014, proposition 1: D* = p / (p + q); theorem 1: V(D*) = −log 4 + 2 JSD(p ‖ q).
  @Test func theOptimalDiscriminatorOfAMixture() async throws {
    let data = try DataSource.open(DataRequest(source: "gaussian-pair"))
    let found = try await discriminator(of: data, centre: 0.5, deviation: 1)
    func q(_ x: Double) -> Double { normal(x, 0.5, 1) }
    let picture = found.picture
    for (index, x) in picture.places.enumerated() {
      let (p, q, belief) = (pair(x), q(x), picture.beliefs[index])
      // The densities are drawn from 2,000 points, whose errors have a standard deviation of 0.02 at the peaks.
      let (data, samples) = (picture.data[index], picture.samples[index])
      #expect(abs(data - p) < 0.08, "data at \(x)")
      #expect(abs(samples - q) < 0.08, "samples at \(x)")
      if p + q > 0.1 { #expect(abs(belief - p / (p + q)) < 0.06, "discriminator at \(x)") }
      if data + samples > 0.2 { #expect(abs(belief - data / (data + samples)) < 0.15, "as drawn, at \(x)") }
    }
    var divergence = 0.0
    for index in 0..<20_000 {
      let x = -8 + 16 * (Double(index) + 0.5) / 20_000
      let (p, q) = (pair(x), q(x))
      let mean = 0.5 * (p + q)
      divergence += 0.5 * (p * log(p / mean) + q * log(q / mean)) * 16 / 20_000
    }
    #expect(abs(-found.loss - (-log(4) + 2 * divergence)) < 0.015)
  }

  /// Both players: the generator finds the mixture, and the value of the game goes to −log 4.
  @Test func bothPlayersEndAtTheOptimum() async throws {
    let learner = try learner(
      "gan", try DataSource.open(DataRequest(source: "gaussian-pair")),
      [
        "network.generator=[32, 32]", "network.latent=1", "network.discriminator=[32, 32]", "network.activation=tanh",
        "network.dropout=0", "data.normalisation=none", "optimizer.learning_rate=0.001", "optimizer.schedule=cosine",
        "discriminator_optimizer.learning_rate=0.005", "discriminator_optimizer.schedule=cosine", "train.batch=500",
      ])
    let start = try Picture(learner)
    let found = try await train(learner, steps: 3000)
    /// Half the integral of |p − q|: 0 for equal densities, 1 where they do not meet.
    func distance(_ picture: Picture) -> Double {
      let step = picture.places[1] - picture.places[0]
      return zip(picture.places, picture.samples).reduce(0) { $0 + 0.5 * abs(pair($1.0) - $1.1) * step }
    }
    #expect(distance(start) > 0.4)
    #expect(distance(found.picture) < 0.1)
    #expect(abs(-found.loss + log(4)) < 0.03)
    for (x, belief) in zip(found.picture.places, found.picture.beliefs) where pair(x) > 0.1 {
      #expect(abs(belief - 0.5) < 0.15, "at \(x)")
    }
  }

  /// Where both densities are one, D* = ½ and V = −log 4: the generator's optimum.
  @Test func theValueAtTheOptimumIsMinusLogFour() async throws {
    let found = try await discriminator(of: try gaussianData(count: 20_000, width: 1), centre: 0, deviation: 1)
    #expect(abs(-found.loss + log(4)) < 0.01)
    for (place, belief) in zip(found.picture.places, found.picture.beliefs) where abs(place) < 2 {
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
