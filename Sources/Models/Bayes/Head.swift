import Distributions
import Foundation
import Networks
import Recipes
import Tensors
import Training

/// What the last layer's outputs say: a likelihood for training, and numbers for each Monte Carlo sample of a
/// prediction.
struct Head: Sendable {
  enum Kind: Sendable {
    /// Outputs are logits.
    case softmax
    /// Outputs are logits and log variances of Gaussian noise on them; the likelihood is a mean over noise samples
    /// (Kendall and Gal 2017, equation 12).
    case noisySoftmax(samples: Int)
    /// Outputs are means; one learnt log variance for each target.
    case learntNoise(Slot)
    /// Outputs are means; the precision is given, in the units of the data.
    case fixedNoise(precision: Double)
    /// Outputs are means and log variances (Kendall and Gal 2017, equation 8).
    case heteroscedastic
  }

  let kind: Kind
  let supervision: Supervision

  private enum Noise: String, CaseIterable { case learnt, fixed, heteroscedastic }
  private enum ClassNoise: String, CaseIterable { case none, logits }

  /// Reads what belongs to it from the `objective` section; a learnt noise level is added to the layout as
  /// `noise.log_variance`, behind a prefix where a layout has several heads.
  init(_ section: RecipeSection, _ supervision: Supervision, layout: inout Layout, prefix: String = "") throws {
    self.supervision = supervision
    switch supervision.kind {
    case .classes:
      let samples = try section.integer("noise_samples", default: 10, in: 1...10_000)
      let noise = try section.choice("class_noise", default: ClassNoise.none)
      kind = noise == .none ? .softmax : .noisySoftmax(samples: samples)
    case .values(let count):
      let precision = try section.number("precision", default: 1, in: 1e-12...1e12)
      switch try section.choice("noise", default: Noise.learnt) {
      case .learnt: kind = .learntNoise(layout.add(prefix + Head.noiseName, [count]))
      case .fixed: kind = .fixedNoise(precision: precision)
      case .heteroscedastic: kind = .heteroscedastic
      }
    }
  }

  /// The log variance of each standardised target where the noise has a given precision in the units of the data.
  private func logVariances(precision: Double) -> Tensor {
    Tensor(supervision.targetDeviations.map { Float(-log(precision * $0 * $0)) }, [supervision.width])
  }

  static let noiseName = "noise.log_variance"

  /// How many outputs the network is to have.
  static func outputs(_ section: RecipeSection, _ supervision: Supervision) throws -> Int {
    switch supervision.kind {
    case .classes(let count, _):
      try section.choice("class_noise", default: ClassNoise.none) == .logits ? 2 * count : count
    case .values(let count):
      try section.choice("noise", default: Noise.learnt) == .heteroscedastic ? 2 * count : count
    }
  }

  /// Log variances are held to this: an exact fit would take them to −∞.
  private static let logVarianceBounds: ClosedRange<Float> = -14...20

  /// −log p(answer), in nats, of standardised targets: outputs [n, o] → [n].
  func loss(_ outputs: Tensor, examples: [UInt32], views: ParameterViews, key: RandomKey) -> Tensor {
    let width = supervision.width
    switch kind {
    case .softmax: return Loss.crossEntropy(logits: outputs, labels: supervision.labels(examples))
    case .noisySoftmax(let samples):
      let labels = supervision.labels(examples)
      let logits = noisyLogits(outputs, samples: samples, examples: examples, key: key)
      let likelihoods = Categorical.logLikelihood(
        logits: logits, labels: (0..<samples).flatMap { _ in labels })
      let mean = likelihoods.reshaped(to: [samples, examples.count]).transposed().logSumExpOfRows()
      return Float(log(Double(samples))) - mean
    case .learntNoise(let slot):
      let logVariance = views[slot].clamped(to: Head.logVarianceBounds).repeatedDown(to: outputs.shape)
      return -Gaussian.logLikelihood(of: supervision.targets(examples), mean: outputs, logVariance: logVariance)
    case .fixedNoise(let precision):
      let logVariance = logVariances(precision: precision).repeatedDown(to: outputs.shape)
      return -Gaussian.logLikelihood(of: supervision.targets(examples), mean: outputs, logVariance: logVariance)
    case .heteroscedastic:
      return -Gaussian.logLikelihood(
        of: supervision.targets(examples), mean: outputs.columns(0..<width),
        logVariance: outputs.columns(width..<2 * width).clamped(to: Head.logVarianceBounds))
    }
  }

  /// z + √exp(s) ε for logits z and log variances s: [n, 2 c] → [samples · n, c].
  private func noisyLogits(_ outputs: Tensor, samples: Int, examples: [UInt32], key: RandomKey) -> Tensor {
    let width = supervision.width
    let logits = outputs.columns(0..<width).repeatingRows(samples)
    let logVariance = outputs.columns(width..<2 * width).clamped(to: Head.logVarianceBounds).repeatingRows(samples)
    let noise = Tensor(uninitialized: logits.shape)
    for sample in 0..<samples {
      let part = Tensor.normal(
        key.at(tensor: key.tensor + UInt32(sample)), rows: examples, columns: width)
      (noise.pointer + sample * part.count).update(from: part.pointer, count: part.count)
    }
    return Gaussian.sample(mean: logits, logVariance: logVariance, noise: noise)
  }

  // MARK: Prediction

  /// Class probabilities, or means and then variances in the units of the data: outputs [n, o] → [n, predictionWidth].
  func prediction(_ outputs: Tensor, examples: [UInt32], views: ParameterViews, key: RandomKey) -> Tensor {
    let width = supervision.width
    let logVariance: Tensor
    switch kind {
    case .softmax: return outputs.softmax()
    case .noisySoftmax(let samples):
      let probabilities = noisyLogits(outputs, samples: samples, examples: examples, key: key).softmax()
      return probabilities.reshaped(to: [samples, examples.count * width]).sumOfColumns()
        .reshaped(to: [examples.count, width]) * (1 / Float(samples))
    case .learntNoise(let slot):
      logVariance = views[slot].clamped(to: Head.logVarianceBounds).repeatedDown(to: [examples.count, width])
    case .fixedNoise(let precision):
      logVariance = logVariances(precision: precision).repeatedDown(to: [examples.count, width])
    case .heteroscedastic: logVariance = outputs.columns(width..<2 * width).clamped(to: Head.logVarianceBounds)
    }
    let deviations = supervision.targetDeviations
    let scale = Tensor(deviations.map { Float($0) }, [width])
    let shift = Tensor(supervision.targetMeans.map { Float($0) }, [width])
    let mean = outputs.columns(0..<width).multiplyingRow(scale).addingRow(shift)
    let variance = logVariance.exp().multiplyingRow(Tensor(deviations.map { Float($0 * $0) }, [width]))
    return mean.joiningColumns(variance)
  }
}
