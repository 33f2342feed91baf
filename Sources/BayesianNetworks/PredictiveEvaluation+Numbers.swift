import Datasets
import Foundation
import Learners
import Metrics
import Networks
import Synchronization
import Tensors
import Training

/// The numbers of each held-out example that an evaluation is made of. An example's are the same whichever others are computed
/// with them, so shards share the examples.
extension PredictiveEvaluation {
  /// How many numbers an example has: of a classifier the probability of each class and the mutual information of class and
  /// parameters; of numbers the mean and the rank of each target, and the log density of all.
  static func width(_ learner: some Supervised) -> Int {
    learner.isClassifier ? learner.supervision.width + 1 : 2 * learner.supervision.width + 1
  }

  /// In the place of a rank, which is from 0 to 1, where the likelihood does not say how probable smaller numbers are.
  static let noRank = -1.0

  /// - Parameter examples: which; they begin at a multiple of `Evaluation.blockLength`, and end at one or with all.
  static func numbers(
    _ learner: some Supervised, _ supervision: Supervision, _ examples: Range<Int>, samples count: Int, key: RandomKey,
    with crew: Crew
  ) throws -> [Double] {
    let test = supervision.inputs.test!
    var numbers: [Double] = []
    numbers.reserveCapacity(examples.count * width(learner))
    if learner.isClassifier {
      try Prediction.run(learner, on: examples, of: test, samples: count, key: key, with: crew) { samples in
        for summary in try ClassificationSummary.of(samples, with: crew) {
          numbers += summary.mean
          numbers.append(summary.mutualInformation)
        }
      }
      return numbers
    }
    let isGaussian = learner.likelihood.isGaussian
    try Prediction.run(learner, on: examples, of: test, samples: count, key: key, with: crew) { samples in
      let first = samples.examples.lowerBound
      let rows = try crew.map(samples.examples.count, atATime: 64) { index in
        var (row, density) = ([Double](), 0.0)
        for (column, mixture) in GaussianMixturePrediction.all(of: samples, example: index).enumerated() {
          let target = supervision.testTarget(first + index, column)
          row += [mixture.mean, isGaussian ? mixture.distribution(at: target) : noRank]
          density += mixture.logDensity(at: target)
        }
        return row + [density]
      }
      numbers += rows.joined()
    }
    guard !isGaussian else { return numbers }
    let ranks = try ranks(learner, supervision, examples, samples: count, key: key, with: crew)
    let densities = try logDensities(learner, supervision, examples, samples: count, key: key, with: crew)
    let (stride, targets) = (width(learner), supervision.width)
    for example in 0..<examples.count {
      for target in 0..<targets { numbers[example * stride + 2 * target + 1] = ranks[example * targets + target] }
      numbers[example * stride + 2 * targets] = densities[example]
    }
    return numbers
  }

  /// log (1/S) Σₛ p(targets | wₛ) of some held-out examples, by the likelihood itself, in the units of the data.
  private static func logDensities(
    _ learner: some Supervised, _ supervision: Supervision, _ examples: Range<Int>, samples count: Int, key: RandomKey,
    with crew: Crew
  ) throws -> [Double] {
    var all: [Double] = []
    try logDensities(learner, supervision, examples, samples: count, key: key, with: crew) { densities in
      let greatest = densities.max()!
      // A density of 0 under every sample has no finite logarithm to scale by.
      let density =
        greatest.isFinite
        ? greatest + log(densities.reduce(0) { $0 + exp($1 - greatest) } / Double(count)) : greatest
      all.append(density)
    }
    return all
  }

  /// Has log p(answer | wₛ) of some held-out examples taken, of all samples one behind the other, in the units of the data.
  static func logDensities(
    _ learner: some Supervised, _ supervision: Supervision, _ examples: Range<Int>, samples count: Int, key: RandomKey,
    with crew: Crew, each: ([Double]) -> Void
  ) throws {
    let unit =
      learner.likelihood.standardizesTargets ? supervision.targetDeviations.reduce(0) { $0 + log($1) } : 0
    try measure(learner, supervision, examples, samples: count, key: key, with: crew, width: 1) {
      likelihood, outputs, answers, pass in
      // A row for each example.
      likelihood.checkedLogLikelihood(outputs, of: answers, pass).reshaped(to: [answers.count, 1])
    } each: {
      each($0.map { $0 - unit })
    }
  }

  /// (1/S) Σₛ P(Y ≤ target | wₛ) of the targets of some held-out examples, by the likelihood itself; `noRank` where it does not
  /// say.
  private static func ranks(
    _ learner: some Supervised, _ supervision: Supervision, _ examples: Range<Int>, samples count: Int, key: RandomKey,
    with crew: Crew
  ) throws -> [Double] {
    let width = supervision.width
    let isMeasured = Mutex(true)
    var ranks: [Double] = []
    try measure(learner, supervision, examples, samples: count, key: key, with: crew, width: width) {
      likelihood, outputs, answers, pass in
      if let ranks = likelihood.distribution(outputs, of: answers, pass) { return ranks }
      isMeasured.withLock { $0 = false }
      return Tensor([Float](repeating: 0, count: answers.count * width), [answers.count, width])
    } each: { values in
      for target in 0..<width {
        ranks.append(stride(from: target, to: values.count, by: width).reduce(0) { $0 + values[$1] } / Double(count))
      }
    }
    return isMeasured.withLock { $0 } ? ranks : ranks.map { _ in noRank }
  }

  /// Has some held-out examples measured under every sample.
  /// - Parameters:
  ///   - width: how many numbers a measurement of an example has.
  ///   - each: takes those of one example, of all samples one behind the other.
  private static func measure(
    _ learner: some Supervised, _ supervision: Supervision, _ examples: Range<Int>, samples count: Int, key: RandomKey,
    with crew: Crew, width: Int,
    by measure: @escaping @Sendable (any Likelihood, _ outputs: Tensor, Answers, Pass) -> Tensor,
    each: ([Double]) -> Void
  ) throws {
    let test = supervision.inputs.test!
    let storage = learner.makeSampleStorage()
    for piece in Prediction.pieces(of: examples, samples: count, width: width) {
      let values = try Prediction.samples(
        0..<count, of: piece, rows: test, from: 0, learner, storage: storage, key: key, with: crew, width: width
      ) { learner.measured($0, examples: $1, sample: $2, with: storage, key: key, by: measure) }
      for example in 0..<piece.count {
        each(values[example * count * width..<(example + 1) * count * width].map { Double($0) })
      }
      test.releaseResident(piece)
    }
  }
}
