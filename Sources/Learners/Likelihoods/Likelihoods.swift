import Computations
import Distributions
import Foundation
import Networks
import Recipes
import Tensors

/// Log variances are held to this: an exact fit would take them to −∞.
private let logVarianceBounds: ClosedRange<Float> = -14...20

/// Classes. The outputs are logits, and with `class_noise: logits` log variances of Gaussian noise on them as well: the
/// likelihood is then a mean over noise samples (Kendall and Gal 2017, equation 12).
package struct CategoricalLikelihood: Likelihood {
  private enum Noise: String, CaseIterable { case none, logits }

  private let classes: Int
  /// How many samples of the noise on logits; nil: there is none.
  private let samples: Int?

  /// Reads `class_noise` and `noise_samples`.
  package init(_ section: RecipeSection, classes: Int) throws {
    self.classes = classes
    let noise = try section.choice("class_noise", default: Noise.none)
    let samples = try section.integer("noise_samples", default: 10, in: 1...10_000)
    self.samples = noise == .none ? nil : samples
  }

  package var outputs: Int { samples == nil ? classes : 2 * classes }

  package func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    let labels = answers.labels
    guard let samples else { return Categorical.logLikelihood(logits: outputs, labels: labels) }
    let likelihoods = Categorical.logLikelihood(
      logits: noisyLogits(outputs, samples: samples, pass), labels: (0..<samples).flatMap { _ in labels })
    return likelihoods.reshaped(to: [samples, labels.count]).transposed().logSumExpOfRows()
      - Float(log(Double(samples)))
  }

  package func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor {
    guard let samples else { return outputs.softmax() }
    let count = pass.examples.count
    let probabilities = noisyLogits(outputs, samples: samples, pass).softmax()
    return probabilities.reshaped(to: [samples, count * classes]).sumOfColumns().reshaped(to: [count, classes])
      * (1 / Float(samples))
  }

  /// diag p − p pᵀ = Σₖ pₖ (eₖ − p)(eₖ − p)ᵀ.
  package func information(_ outputs: Tensor, _ pass: Pass) -> [Tensor]? {
    guard samples == nil else { return nil }
    let probabilities = outputs.softmax()
    return (0..<classes).map { label in
      let factor = Tensor(uninitialized: outputs.shape)
      for row in 0..<outputs.rows {
        let p = probabilities.pointer + row * classes
        for k in 0..<classes {
          factor.pointer[row * classes + k] = p[label].squareRoot() * ((k == label ? 1 : 0) - p[k])
        }
      }
      return factor
    }
  }

  package func predictionSteps(_ outputs: Value, in block: inout Block) throws(RecipeError) -> Value {
    guard samples == nil else {
      throw RecipeError(
        "objective.class_noise is logits, whose noise PyTorch and ONNX draw otherwise: export to a file NAME.elbo")
    }
    return block.softmax(outputs)
  }

  /// z + √exp(s) ε for logits z and log variances s: [n, 2 c] → [samples · n, c].
  private func noisyLogits(_ outputs: Tensor, samples: Int, _ pass: Pass) -> Tensor {
    let logits = outputs.columns(0..<classes).repeatingRows(samples)
    let logVariance = outputs.columns(classes..<2 * classes).clamped(to: logVarianceBounds).repeatingRows(samples)
    let noise = Tensor(uninitialized: logits.shape)
    let key = pass.key!
    for sample in 0..<samples {
      let part = Tensor.normal(key.at(tensor: key.tensor + UInt32(sample)), rows: pass.examples, columns: classes)
      (noise.pointer + sample * part.count).update(from: part.pointer, count: part.count)
    }
    return Gaussian.sample(mean: logits, logVariance: logVariance, noise: noise)
  }
}

/// Standardized targets with Gaussian noise.
package struct GaussianLikelihood: Likelihood {
  private enum Noise: String, CaseIterable {
    /// Outputs are means; one learnt log variance for each target.
    case learnt
    /// Outputs are means; the precision is given, in the units of the data.
    case fixed
    /// Outputs are means and log variances (Kendall and Gal 2017, equation 8).
    case heteroscedastic
  }

  private let supervision: Supervision
  private let noise: Noise
  private let precision: Double
  private var logVariance: Slot?

  /// Reads `noise` and `precision`.
  package init(_ section: RecipeSection, _ supervision: Supervision) throws {
    self.supervision = supervision
    noise = try section.choice("noise", default: .learnt)
    precision = try section.number("precision", default: 1, in: 1e-12...1e12)
  }

  private var width: Int { supervision.width }
  package var outputs: Int { noise == .heteroscedastic ? 2 * width : width }
  package var standardizesTargets: Bool { true }
  package var isGaussian: Bool { true }
  package var slots: [Slot] { logVariance.map { [$0] } ?? [] }

  package mutating func addSlots(to layout: inout Layout, prefix: String) {
    if noise == .learnt { logVariance = layout.add(prefix + "noise.log_variance", [width]) }
  }

  package func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    let (mean, logVariance) = parts(outputs, pass)
    return Gaussian.logLikelihood(of: answers.targets, mean: mean, logVariance: logVariance)
  }

  package func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor {
    let (mean, logVariance) = parts(outputs, pass)
    return mean.joiningColumns(logVariance.exp())
  }

  /// 1 / σ² of a mean, and ½ of a log variance that is an output.
  package func information(_ outputs: Tensor, _ pass: Pass) -> [Tensor]? {
    let logVariance = parts(outputs.detached, pass).logVariance
    return (0..<self.outputs).map { output in
      let factor = Tensor.zeros(outputs.shape)
      for row in 0..<outputs.rows {
        factor.pointer[row * self.outputs + output] =
          output < width ? exp(-0.5 * logVariance.pointer[row * width + output]) : Float(0.5).squareRoot()
      }
      return factor
    }
  }

  package func predictionSteps(_ outputs: Value, in block: inout Block) -> Value {
    let mean = block.slice(outputs, axis: 1, 0..<width)
    switch noise {
    case .learnt:
      let level = block.reshape(block.tensor(logVariance!), to: [1, width])
      let variance = block.apply(.exp, to: block.clamp(level, to: logVarianceBounds))
      return block.join(mean, block.expand(.value(variance), like: mean))
    case .fixed:
      let deviation = block.reshape(
        block.tensor("targets/deviation", shape: [width], isShared: true), to: [1, width])
      let squares = block.multiply(block.multiply(deviation, .value(deviation)), .number(Float(precision)))
      let variance = block.apply(.exp, to: block.multiply(block.apply(.log, to: squares), .number(-1)))
      return block.join(mean, block.expand(.value(variance), like: mean))
    case .heteroscedastic:
      let logVariance = block.slice(outputs, axis: 1, width..<2 * width)
      return block.join(mean, block.apply(.exp, to: block.clamp(logVariance, to: logVarianceBounds)))
    }
  }

  /// Means and log variances, [n, targets].
  private func parts(_ outputs: Tensor, _ pass: Pass) -> (mean: Tensor, logVariance: Tensor) {
    switch noise {
    case .learnt:
      let logVariance = pass.parameters[logVariance!].clamped(to: logVarianceBounds)
      return (outputs, logVariance.repeatedDown(to: outputs.shape))
    case .fixed:
      let logVariances = supervision.targetDeviations.map { Float(-log(precision * $0 * $0)) }
      return (outputs, Tensor(logVariances, [width]).repeatedDown(to: outputs.shape))
    case .heteroscedastic:
      return (
        outputs.columns(0..<width), outputs.columns(width..<2 * width).clamped(to: logVarianceBounds)
      )
    }
  }
}
