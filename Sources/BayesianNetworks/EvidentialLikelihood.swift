import Computations
import Distributions
import Learners
import Networks
import Recipes
import Tensors

/// Classes whose probabilities have a Dirichlet distribution, and the network's outputs are its evidence (Sensoy, Kaplan and
/// Kandemir, Evidential Deep Learning to Quantify Classification Uncertainty, 2018).
///
///     α = e + 1,  S = Σ α,  p̂ = α / S,  u = c / S
///
/// The evidence e ≥ 0 is a function of the outputs. Where there is none, all classes are equally likely and u is 1. A sample
/// of a prediction draws the probabilities, so that the mean over samples is p̂, and what its entropy has more than the
/// samples' is the distribution's own width. That part is no posterior's: it follows from the loss, not from Bayes' rule.
struct EvidentialLikelihood: Likelihood {
  private enum Evidence: String, CaseIterable {
    /// It has a gradient everywhere.
    case softplus
    /// As the paper has it. An example whose outputs are all below zero teaches nothing.
    case relu
    case exp
  }

  private let classes: Int
  private let evidence: Evidence
  private let warmupEpochs: Double

  /// Reads `evidence` and `evidence_warmup_epochs`.
  init(_ section: RecipeSection, classes: Int) throws {
    self.classes = classes
    section.passOver(["class_noise", "noise_samples"])
    evidence = try section.choice("evidence", default: .softplus)
    warmupEpochs = try section.number("evidence_warmup_epochs", default: 10, in: 0...1e6)
  }

  var outputs: Int { classes }
  var drawsPredictions: Bool { true }

  /// α: [n, c] → [n, c].
  func concentrations(_ outputs: Tensor) -> Tensor {
    switch evidence {
    case .softplus: outputs.softplus() + 1
    case .relu: outputs.relu() + 1
    case .exp: outputs.clamped(to: -10...10).exp() + 1
    }
  }

  /// log p̂ of the answer.
  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    let concentrations = concentrations(outputs)
    return (oneHot(answers.labels) * concentrations).sumOfRows().log() - concentrations.sumOfRows().log()
  }

  /// Σ (yₖ − p̂ₖ)² + p̂ₖ (1 − p̂ₖ) / (S + 1), and, more and more, KL(Dir(α̃) ‖ Dir(1)) of the evidence for other classes (equation
  /// 5 and the end of section 3).
  func cost(_ outputs: Tensor, of answers: Answers, epochs: Double, _ pass: Pass) -> Tensor {
    let (concentrations, labels) = (concentrations(outputs), oneHot(answers.labels))
    let total = concentrations.sumOfRows()
    let means = concentrations.multiplyingColumn(total.reciprocal())
    let variances = (means * (1 - means)).multiplyingColumn((total + 1).reciprocal())
    let risk = ((labels - means).squared() + variances).sumOfRows()
    let weight = warmupEpochs > 0 ? min(epochs / warmupEpochs, 1) : 1
    guard weight > 0 else { return risk }
    let misleading = labels + (1 - labels) * concentrations
    return risk + DirichletRows.divergenceFromUniform(misleading) * Float(weight)
  }

  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor {
    DirichletRows.sample(concentrations(outputs), key: pass.key!, examples: pass.examples)
  }

  /// p̂.
  func predictionSteps(_ outputs: Value, in block: inout Block) -> Value {
    let evidence =
      switch evidence {
      case .softplus: block.apply(.softplus, to: outputs)
      case .relu: block.apply(.relu, to: outputs)
      case .exp: block.apply(.exp, to: block.clamp(outputs, to: -10...10))
      }
    let concentrations = block.add(evidence, .number(1))
    return block.divide(concentrations, .value(block.sum(concentrations, over: [1])))
  }

  private func oneHot(_ labels: [UInt32]) -> Tensor {
    let result = Tensor.zeros([labels.count, classes])
    for (row, label) in labels.enumerated() { result.pointer[row * classes + Int(label)] = 1 }
    return result
  }
}
