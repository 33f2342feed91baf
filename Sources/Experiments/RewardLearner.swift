import BayesianNetworks
import CKernels
import Figures
import Foundation
import Learners
import Networks
import Optimizers
import Tensors
import Training

/// Predicts the reward of an action in a context from the latest of what was tried: a network with a posterior over its
/// weights, or a plain one. Rewards have Gaussian noise of a given deviation.
///
/// `@unchecked Sendable`: one agent's thread reports rewards and decides, between steps alone.
final class RewardLearner: Learner, @unchecked Sendable {
  /// Actions are one-hot columns behind a context's.
  let actions: Int
  let parameters: FlatBuffer
  private let network: LayerStack
  private let weights: Layout
  private let posterior: VariationalPosterior?
  private let plainDescent: GradientDescent?
  private let posteriorDescent: PosteriorDescent?
  /// The draw of a step, or of a decision.
  private let draw: FlatBuffer
  private let rows: FlatBuffer
  private let rewards: FlatBuffer
  private let contextWidth: Int
  private let options: BanditOptions
  /// The number of rewards received so far.
  private(set) var told = 0

  init(_ task: any BanditTask, isBayesian: Bool, _ options: BanditOptions) {
    (contextWidth, actions) = (task.contextWidth, task.actions)
    self.options = options
    let width = task.contextWidth + task.actions
    var layout = Layout()
    let widths = [width, options.hidden, options.hidden, 1]
    // He's start: PyTorch's is a third of it, and leaves the agents blind for their first hundreds of mushrooms.
    network = LayerStack(
      (0..<3).map { index in
        Dense(
          name: "layers.\(index)", in: widths[index], out: widths[index + 1], activation: index < 2 ? .relu : .identity,
          layout: &layout, weight: .heNormal, bias: .zeros)
      })
    weights = layout
    draw = FlatBuffer("draw", layout)
    network.initialize(draw, seed: options.seed)
    let adam = Optimizer(.adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
    func descent(_ layout: Layout) -> GradientDescent {
      GradientDescent(
        adam, learningRate: isBayesian ? options.learningRate : options.plainLearningRate,
        schedule: Schedule(.constant), clipping: .none, parameters: layout)
    }
    if isBayesian {
      let posterior = VariationalPosterior(over: layout, prior: .gaussian(deviation: options.priorDeviation))
      parameters = FlatBuffer("parameters", posterior.parameters)
      posterior.initialize(parameters, from: draw, deviation: options.initialDeviation)
      posteriorDescent = PosteriorDescent(posterior: posterior, descent: descent(posterior.parameters))
      (self.posterior, plainDescent) = (posterior, nil)
    } else {
      parameters = FlatBuffer("parameters", layout)
      parameters.copy(from: draw)
      (posterior, plainDescent, posteriorDescent) = (nil, descent(layout), nil)
    }
    var memory = Layout()
    memory.add("rows", [options.memory, width])
    rows = FlatBuffer("rows", memory)
    var targets = Layout()
    targets.add("rewards", [options.memory])
    rewards = FlatBuffer("rewards", targets)
  }

  // MARK: Acting

  /// Keeps what an action brought; the oldest is forgotten.
  func tell(_ context: ArraySlice<Float>, action: Int, reward: Double) {
    let width = contextWidth + actions
    let place = told % options.memory
    fill(rows.float32.baseAddress! + place * width, context, action)
    rewards.float32[place] = Float(reward)
    told += 1
  }

  private func fill(_ row: UnsafeMutablePointer<Float>, _ context: ArraySlice<Float>, _ action: Int) {
    for (column, value) in context.enumerated() { row[column] = value }
    for other in 0..<actions { row[contextWidth + other] = other == action ? 1 : 0 }
  }

  /// The expected reward of each action: with one draw of the weights, if they have a posterior.
  func values(of context: ArraySlice<Float>, decision: Int, with crew: Crew) throws -> [Float] {
    let x = Tensor(uninitialized: [actions, contextWidth + actions])
    for action in 0..<actions { fill(x.pointer + action * x.columns, context, action) }
    if let posterior {
      let key = RandomKey(seed: options.seed).at(step: 0x8000_0000 | UInt32(decision)).at(tensor: NoiseStream.weights)
      posterior.draw(0..<weights.count, of: draw, from: parameters, key: key, withDensities: false)
    }
    return network(x, Pass(predictingWith: ParameterViews(posterior == nil ? parameters : draw))).values
  }

  /// What the last layer of a plain network sees of each action: [actions, hidden].
  func features(of context: ArraySlice<Float>) -> Tensor {
    let x = Tensor(uninitialized: [actions, contextWidth + actions])
    for action in 0..<actions { fill(x.pointer + action * x.columns, context, action) }
    return features(x)
  }

  private func features(_ x: Tensor) -> Tensor {
    LayerStack(network.layers.dropLast())(x, Pass(predictingWith: ParameterViews(parameters)))
  }

  /// The same of all that is remembered, with each action and what it brought.
  func remembered() -> (features: Tensor, actions: [Int], rewards: [Double]) {
    let width = contextWidth + actions
    let x = Tensor(viewing: rows.float32.baseAddress!, [exampleCount, width], keeping: rows)
    let taken = (0..<exampleCount).map { row in
      (0..<actions).first { x.pointer[row * width + contextWidth + $0] == 1 }!
    }
    return (features(x), taken, rewards.float32.prefix(exampleCount).map { Double($0) })
  }

  // MARK: Learning

  var auxiliary: [FlatBuffer] { plainDescent?.moments ?? posteriorDescent!.descent.moments }
  var exampleCount: Int { min(told, options.memory) }
  var order: Order.Kind { .shuffled(batch: min(options.batch, exampleCount)) }
  var phases: [Phase] { [Phase("gradient", layout: weights, metrics: ["nll"])] }
  let evaluationMetrics: [String] = []
  let evaluationCount = 0
  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}

  func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    guard let posterior else { return }
    posterior.draw(
      0..<weights.count, of: draw, from: parameters, key: step.key.at(tensor: NoiseStream.weights),
      withDensities: false)
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    lane.tape.reset()
    let indices = shard.examples.indices
    let width = contextWidth + actions
    let x = Tensor(uninitialized: [indices.count, width])
    elbo_gather_floats(rows.float32.baseAddress, indices, indices.count, width, x.pointer)
    let y = Tensor(indices.map { rewards.float32[Int($0)] }, [indices.count, 1])
    let views = ParameterViews(
      posterior == nil ? parameters : draw, on: lane.tape, gradient: contribution.values.float32.baseAddress!)
    let precision = Float(1 / (options.noiseDeviation * options.noiseDeviation))
    let loss = (network(x, Pass(.given(views))) - y).squared().sum() * (precision / 2)
    lane.tape.backward(from: loss)
    contribution.metrics["nll"] += Double(loss.value)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    if let posteriorDescent {
      // As `Complexity` with uniform weighting: of an epoch of M steps each takes a share 1 / M of the KL.
      let scale = Double(step.stepsPerEpoch) / Double(exampleCount)
      let sums = PosteriorDescent.Sums(
        hasPairs: false, draw: draw, scale: scale, cost: scale / Double(step.stepsPerEpoch), prior: .closedForm)
      try posteriorDescent.absorb(total, sums: sums, into: parameters, step: step, with: crew)
    } else {
      try plainDescent!.absorb(
        total, into: parameters, update: step.number, of: step.total, epoch: step.epoch, with: crew)
    }
    return .goOn
  }
}
