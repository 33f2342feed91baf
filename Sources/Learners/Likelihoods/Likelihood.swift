import Computations
import Networks
import Recipes
import Tensors
import Training

/// What a network's outputs say of an answer: a log-likelihood to train by, and the numbers that a prediction reports.
///
/// Counts, for example, whose log rate is the output:
///
/// ```swift
/// struct PoissonLikelihood: Likelihood {
///   let outputs = 1
///   let support = Support.counts
///   func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
///     (answers.targets * outputs - outputs.exp()).sumOfRows()    // without log y!, which has no gradient
///   }
///   func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor { outputs.exp().joiningColumns(outputs.exp()) }
/// }
/// ```
public protocol Likelihood: Sendable {
  /// How many outputs the network has.
  var outputs: Int { get }
  /// The targets that have a probability; data with others is refused before anything is learned. By default every finite
  /// number has.
  var support: Support { get }
  /// log p(answer | outputs) of each example, in nats: [n, outputs] → [n].
  /// - Parameters:
  ///   - outputs: what the network makes of the examples.
  ///   - answers: what the data says of them.
  ///   - pass: the views of the slots that ``addSlots(to:prefix:)`` added, a key of noise, and the numbers of the
  ///     examples, which key their noise.
  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor
  /// What training minimizes for each example: [n, outputs] → [n]. By default −log p.
  /// - Parameters:
  ///   - outputs: what the network makes of the examples.
  ///   - answers: what the data says of them.
  ///   - epochs: how many have passed, with fractions.
  ///   - pass: as for ``logLikelihood(_:of:_:)``.
  func cost(_ outputs: Tensor, of answers: Answers, epochs: Double, _ pass: Pass) -> Tensor
  /// Whether ``prediction(_:_:)`` draws, so that samples of one network differ. By default it does not.
  var drawsPredictions: Bool { get }
  /// What one Monte Carlo sample of a prediction says: the probabilities of the classes, [n, classes], or the means and
  /// then the variances of the targets, [n, 2 · targets].
  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor
  /// The same as steps that PyTorch and ONNX have, of the outputs without noise. By default there are none, and the model
  /// is exported to a file NAME.elbo alone.
  /// - Throws: `RecipeError` where there are none.
  func predictionSteps(_ outputs: Value, in block: inout Block) throws(RecipeError) -> Value
  /// Whether the targets are standardized by the training data: ``Answers/targets`` then have mean 0 and variance 1,
  /// ``prediction(_:_:)`` is in the same units, and what is reported is in the units of the data nevertheless.
  /// By default they are not.
  var standardizesTargets: Bool { get }
  /// Whether targets are normal with the means and variances of ``prediction(_:_:)``. By default they are not: a test
  /// then measures `reg/NLL` by ``logLikelihood(_:of:_:)``, and coverage by ``distribution(_:of:_:)``.
  var isGaussian: Bool { get }
  /// P(Y ≤ target | outputs) of each target, by which a test measures how many targets lie inside their central intervals
  /// (`reg/Coverage90` and others): [n, outputs] → [n, targets]. Of counts the middle between P(Y < target) and that.
  /// By default nil: coverage is not measured.
  func distribution(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor?
  /// The Fisher information of an answer in the outputs, F = Σ L Lᵀ, as tensors L of a vector for each example,
  /// [n, outputs]: a Laplace approximation needs it. By default nil: it is not known.
  func information(_ outputs: Tensor, _ pass: Pass) -> [Tensor]?
  /// Adds parameters of the likelihood's own, such as a noise level, to a layout. Each name begins with the prefix.
  mutating func addSlots(to layout: inout Layout, prefix: String)
  /// The slots that were added; they never have a posterior.
  var slots: [Slot] { get }
  /// Sets the slots' first values, which are 0 otherwise.
  func initialize(_ parameters: FlatBuffer, seed: UInt64)
}

extension Likelihood {
  public var support: Support { .numbers }
  public func cost(_ outputs: Tensor, of answers: Answers, epochs: Double, _ pass: Pass) -> Tensor {
    -checkedLogLikelihood(outputs, of: answers, pass)
  }
  public var drawsPredictions: Bool { false }
  public func predictionSteps(_ outputs: Value, in block: inout Block) throws(RecipeError) -> Value {
    throw RecipeError("the likelihood \(type(of: self)) has no steps of PyTorch and ONNX: export to a file NAME.elbo")
  }
  public var standardizesTargets: Bool { false }
  public var isGaussian: Bool { false }
  public func distribution(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor? { nil }
  public func information(_ outputs: Tensor, _ pass: Pass) -> [Tensor]? { nil }
  public mutating func addSlots(to layout: inout Layout, prefix: String) {}
  public var slots: [Slot] { [] }
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {}
}

/// What the data says of some examples: their classes, or their targets.
public struct Answers {
  /// The number of each example's class; nothing where numbers are learned.
  public let labels: [UInt32]
  /// The targets, [n, targets]: in the units of the data, unless the likelihood standardizes them. Where classes are
  /// learned, [n, 0].
  public let targets: Tensor

  public init(labels: [UInt32]) { (self.labels, targets) = (labels, Tensor([], [labels.count, 0])) }

  /// - Parameter targets: [n, targets].
  public init(targets: Tensor) { (labels, self.targets) = ([], targets) }

  public var count: Int { targets.shape[0] }
}

extension Likelihood {
  /// What the likelihood learns of some examples.
  package func answers(_ examples: [UInt32], of part: Supervision.Part, _ supervision: Supervision) -> Answers {
    switch supervision.kind {
    case .classes: Answers(labels: supervision.labels(examples, of: part))
    case .values:
      Answers(targets: supervision.targets(examples, of: part, isStandardized: standardizesTargets))
    }
  }

  /// What training minimizes for some training examples, times what an example of its class counts: [n, outputs] → [n].
  package func loss(_ outputs: Tensor, _ supervision: Supervision, epochs: Double, _ pass: Pass) -> Tensor {
    let answers = answers(pass.examples, of: .train, supervision)
    let loss = cost(outputs, of: answers, epochs: epochs, pass)
    guard let weights = supervision.labelWeights else { return loss }
    return loss * Tensor(answers.labels.map { weights[Int($0)] }, [answers.count])
  }

  /// The log-likelihood, with the shapes that the protocol speaks of.
  package func checkedLogLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    precondition(
      outputs.shape == [answers.count, self.outputs],
      "the network makes \(outputs.shape) of \(answers.count) examples, the likelihood needs \(self.outputs) outputs")
    let density = logLikelihood(outputs, of: answers, pass)
    precondition(
      density.shape == [answers.count],
      "logLikelihood makes \(density.shape) of \(answers.count) examples: it must give a number for each")
    return density
  }

  /// The prediction, with as many numbers for each example as it is to have.
  package func checkedPrediction(_ outputs: Tensor, width: Int, _ pass: Pass) -> Tensor {
    let prediction = prediction(outputs, pass)
    precondition(
      prediction.shape == [outputs.shape[0], width],
      "prediction makes \(prediction.shape) of \(outputs.shape[0]) examples: it must give \(width) numbers for each")
    return prediction
  }

  /// A prediction in the units of the data.
  package func prediction(_ outputs: Tensor, _ supervision: Supervision, _ pass: Pass) -> Tensor {
    let isRegression = if case .values = supervision.kind { true } else { false }
    let prediction = checkedPrediction(outputs, width: (isRegression ? 2 : 1) * supervision.width, pass)
    guard standardizesTargets, case .values(let width) = supervision.kind else { return prediction }
    let deviations = supervision.targetDeviations
    let scale = Tensor(deviations.map { Float($0) }, [width])
    let shift = Tensor(supervision.targetMeans.map { Float($0) }, [width])
    let mean = prediction.columns(0..<width).multiplyingRow(scale).addingRow(shift)
    let variance = prediction.columns(width..<2 * width)
      .multiplyingRow(Tensor(deviations.map { Float($0 * $0) }, [width]))
    return mean.joiningColumns(variance)
  }

  /// The same as steps.
  package func predictionSteps(
    _ outputs: Value, _ supervision: Supervision, in block: inout Block
  ) throws(RecipeError) -> Value {
    let prediction = try predictionSteps(outputs, in: &block)
    guard standardizesTargets, case .values(let width) = supervision.kind else { return prediction }
    let deviation = block.tensor("targets/deviation", shape: [width], isShared: true)
    let mean = block.slice(prediction, axis: 1, 0..<width)
    let variance = block.slice(prediction, axis: 1, width..<2 * width)
    return block.join(
      block.add(
        block.multiply(mean, deviation), block.tensor("targets/mean", shape: [width], isShared: true)),
      block.multiply(block.multiply(variance, deviation), deviation))
  }
}
