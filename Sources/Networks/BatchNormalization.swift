import Tensors

/// y = γ (x − m) / √(v + ε) + β for each channel, the last axis (Ioffe and Szegedy 2015, algorithm 1).
///
/// x [n, …, channels]. In training m and v are mean and variance over all other axes of the rows at hand, those of one
/// shard: so a shard's contribution does not depend on what else is computed, which is what the promise needs. V
/// shards of a batch normalise by V statistics. In prediction they are running averages, kept as in PyTorch:
/// r ← (1 − momentum) r + momentum · batch, the variance unbiased. Slots: `weight` γ, `bias` β, `running_mean`,
/// `running_var`.
public struct BatchNormalization: Hashable, Layer {
  public let weight: Slot
  public let bias: Slot
  public let runningMean: Slot
  public let runningVariance: Slot
  public let epsilon: Float
  public let momentum: Float
  private let weightInitialization: Initialization

  public init(
    name: String, channels: Int, layout: inout Layout, weight weightInitialization: Initialization = .constant(1),
    epsilon: Float = 1e-5, momentum: Float = 0.1
  ) {
    weight = layout.add("\(name).weight", [channels])
    bias = layout.add("\(name).bias", [channels])
    runningMean = layout.add("\(name).running_mean", [channels])
    runningVariance = layout.add("\(name).running_var", [channels])
    self.epsilon = epsilon
    self.momentum = momentum
    self.weightInitialization = weightInitialization
  }

  public var channels: Int { weight.shape[0] }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    weightInitialization.fill(weight, of: parameters, seed: seed, fanIn: channels, fanOut: channels)
    for (slot, value) in [(bias, 0), (runningMean, 0), (runningVariance, 1)] as [(Slot, Float)] {
      Initialization.constant(value).fill(slot, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    }
  }

  public var runningStatistics: [RunningStatistic] {
    [RunningStatistic(runningMean, momentum: momentum), RunningStatistic(runningVariance, momentum: momentum)]
  }

  public var pointSlots: [Slot] { [weight, bias, runningMean, runningVariance] }

  public var mixesExamples: Bool { true }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { self(x, pass, slope: 1) }
}

extension BatchNormalization: Rectifying {
  func callAsFunction(_ x: Tensor, _ pass: Pass, slope: Float) -> Tensor {
    let (weight, bias) = (pass.parameters[weight], pass.parameters[bias])
    guard let statistics = pass.statistics else {
      let scale = (pass.parameters[runningVariance] + epsilon).reciprocalSquareRoot() * weight
      let y = x.multiplyingRow(scale).addingRow(bias - pass.parameters[runningMean] * scale)
      return slope == 1 ? y : y.leakyReLU(slope: slope)
    }
    let (y, mean, variance) = x.batchNormalized(weight: weight, bias: bias, epsilon: epsilon, slope: slope)
    statistics.observe(runningMean, mean)
    statistics.observe(runningVariance, variance * (Float(x.rows) / Float(max(x.rows - 1, 1))))
    return y
  }
}
