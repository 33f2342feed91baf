import BayesianNetworks
import Datasets
import Foundation
import Networks
import Tensors
import Testing
import Training

/// One step of a training, phase by phase, with a gradient that can be seen: the rate is 1, so that it is what a step
/// subtracts.
private struct OneStep {
  let learner: any Learner
  let exchange: LocalExchange
  let crew = Crew(lanes: 2)
  let step: Step

  init(_ settings: [String]) throws {
    learner = try ModelsTests.learner(
      "bayesian-rnn", textData(count: 200),
      [
        "network.units=3", "network.layers=1", "network.initial_bound=0.5", "train.batch=4", "train.unroll=3",
        "optimizer.name=sgd", "optimizer.learning_rate=1", "optimizer.clip_norm=0", "objective.prior_narrow=0.15",
      ] + settings)
    exchange = LocalExchange(learner, shards: 2)
    var cursor = Order.Cursor(Order(learner.order, exampleCount: learner.exampleCount, seed: 5), total: 100)
    step = cursor.step(0)
  }

  var last: Int { learner.phases.count - 1 }

  func total(of phase: Int) throws -> Total {
    try learner.prepare(phase: phase, of: step, with: crew)
    return try exchange.sum(of: phase, in: step, crew: crew)
  }

  /// All phases but the last.
  func begin() throws {
    for phase in 0..<last { _ = try learner.absorb(total(of: phase), phase: phase, of: step, with: crew) }
  }

  /// What the last phase minimizes: the mean over four streams of −log p of a window, and its shares of the KL and of what
  /// sharpening costs.
  func loss() throws -> Double {
    let total = try total(of: last)
    func mean(_ name: String) -> Double { total.metrics[name] / Double(total.examples) }
    return 3 * mean("nll") + mean("kl") / Double(4 * step.stepsPerEpoch) + (last > 0 ? mean("sharpening") / 4 : 0)
  }

  /// The gradient by every parameter.
  func gradient() throws -> [Float] {
    let before = Array(learner.parameters.float32)
    _ = try learner.absorb(total(of: last), phase: last, of: step, with: crew)
    let gradient = zip(before, learner.parameters.float32).map { $0 - $1 }
    _ = learner.parameters.float32.update(fromContentsOf: before)
    return gradient
  }
}

@Suite("Posteriors of recurrent networks: sharpening, and priors of rows") struct SharpeningTests {
  private static let sharpened = [
    "objective.sharpening=detached", "objective.sharpening_rate=0.05", "objective.sharpening_deviation=0.1",
  ]

  /// Of the posterior's means and deviations, and of the sharpening's rates, while the window's gradient is held.
  @Test(arguments: [[], ["objective.prior_scope=row"], sharpened, sharpened + ["objective.prior_scope=row"]])
  func theStepFollowsTheLoss(_ settings: [String]) throws {
    let one = try OneStep(settings)
    try one.begin()
    let gradient = try one.gradient()
    let numbers = one.learner.parameters.float32
    for slot in one.learner.parameters.layout.slots {
      // Where the derivative is greatest: elsewhere rounding is all that differences see.
      let places = slot.range.sorted { abs(gradient[$0]) > abs(gradient[$1]) }.prefix(3)
      for place in places {
        let (value, distance) = (numbers[place], Float(0.01))
        numbers[place] = value + distance
        let above = try one.loss()
        numbers[place] = value - distance
        let below = try one.loss()
        numbers[place] = value
        let difference = (above - below) / Double(2 * distance)
        #expect(
          abs(difference - Double(gradient[place])) < 2e-4 + 0.02 * abs(difference),
          "\(slot.name)[\(place - slot.offset)]: \(gradient[place]), by differences \(difference)")
      }
    }
  }

  /// Without a way along the gradient, and next to it, the draw stays: what is learned is what Bayes by Backprop learns.
  @Test func withoutARateItIsBayesByBackprop() async throws {
    let plain = try OneStep([]).learner
    let still = try OneStep([
      "objective.sharpening=detached", "objective.sharpening_rate=0", "objective.sharpening_deviation=1e-6",
    ]).learner
    try await train(plain, steps: 1)
    try await train(still, steps: 1)
    for slot in plain.parameters.layout.slots {
      let same = still.parameters.tensor(try #require(still.parameters.layout[slot.name])).values
      #expect(zip(plain.parameters.tensor(slot).values, same).allSatisfy { abs($0 - $1) < 1e-4 }, "\(slot.name)")
    }
  }

  /// What a node needs that joins behind the first phase.
  @Test func theStateBetweenThePhasesIsWhole() throws {
    let (one, other) = (try OneStep(Self.sharpened), try OneStep(Self.sharpened))
    try one.begin()
    other.learner.parameters.copy(from: one.learner.parameters)
    for (copy, original) in zip(other.learner.auxiliary, one.learner.auxiliary) { copy.copy(from: original) }
    for each in [one, other] {
      _ = try each.learner.absorb(each.total(of: each.last), phase: each.last, of: each.step, with: each.crew)
    }
    #expect(one.learner.parameters.sha256 == other.learner.parameters.sha256)
  }

  /// What a window's weights know of the window is paid for: no rate brings the bound below the perplexity.
  @Test(arguments: [0, 0.002, 0.01, 0.05])
  func theBoundIsAbove(_ rate: Double) async throws {
    let learner = try learner(
      "bayesian-rnn", textData(count: 1000),
      [
        "network.units=8", "network.layers=1", "train.batch=5", "train.unroll=20", "evaluate.samples=1",
        "objective.sharpening=detached", "objective.sharpening_rate=\(rate)", "objective.sharpening_deviation=0.02",
        "optimizer.name=sgd", "optimizer.learning_rate=0",
      ])
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    let (bound, perplexity) = (metrics["test/lm/perplexity_bound"]!, metrics["test/lm/perplexity_of_means"]!)
    #expect(log(bound) > log(perplexity) - 2e-3, "\(bound), \(perplexity)")
    if rate == 0 { #expect(abs(log(bound / perplexity)) < 5e-3, "\(bound), \(perplexity)") }
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 3)) == metrics)
  }

  @Test func onlyAMixtureHasRows() throws {
    #expect(throws: (any Error).self) { try OneStep(["objective.prior_scope=row", "objective.prior=gaussian"]) }
  }

  /// The log density of six weights, as rows of a table and as columns of a matrix.
  @Test(arguments: [true, false]) func rowsShareTheirComponent(_ isTable: Bool) throws {
    var layout = Layout()
    let slot = layout.add("w", [2, 3])
    let weights = FlatBuffer("w", layout)
    let w: [Float] = [0.02, -0.01, 0.03, 0.4, -0.02, 0.01]
    _ = weights.float32.update(fromContentsOf: w)
    let (share, wide, narrow) = (0.25, 0.4, 0.02)
    let rows = try #require(
      RowPrior(.scaleMixture(share: share, wide: wide, narrow: narrow), of: [slot], tables: isTable ? [slot] : []))
    func log1(_ x: Double, _ deviation: Double) -> Double {
      -0.5 * log(2 * .pi) - log(deviation) - 0.5 * x * x / (deviation * deviation)
    }
    func density(_ w: [Double]) -> Double {
      let groups = isTable ? [[0, 1, 2], [3, 4, 5]] : [[0, 3], [1, 4], [2, 5]]
      return groups.reduce(0) { sum, group in
        func product(_ deviation: Double) -> Double { exp(group.reduce(0) { $0 + log1(w[$1], deviation) }) }
        return sum + log(share * product(wide) + (1 - share) * product(narrow))
      }
    }
    let equivalents = FlatBuffer("e", layout)
    let excess = try rows.excess(at: weights, equivalents: equivalents, with: Crew(lanes: 1))
    let doubles = w.map(Double.init)
    #expect(abs(excess + doubles.reduce(0) { $0 + log1($1, wide) } - density(doubles)) < 1e-5)
    for place in w.indices {
      func moved(_ sign: Double) -> Double {
        var moved = doubles
        moved[place] += sign * 1e-5
        return density(moved)
      }
      let slope = (moved(1) - moved(-1)) / 2e-5
      let derivative = -Double(equivalents.float32[place]) / (wide * wide)
      #expect(abs(slope - derivative) < 1e-4 * max(abs(slope), 1), "\(place): \(derivative), \(slope)")
    }
    #expect(RowPrior(.gaussian(deviation: 1), of: [slot], tables: []) == nil)
  }
}
