import Tensors

/// y = γ (x − m) / √(v + ε) + β with mean and variance over everything that belongs to an example, and γ, β for each
/// channel, the last axis (Ba, Kiros and Hinton 2016). For rows [n, c] it is PyTorch's LayerNorm(c), for images
/// [n, h, w, c] its GroupNorm(1, c). No example sees another: it goes with a gradient penalty.
public struct LayerNormalization: Hashable, Layer {
  public let weight: Slot
  public let bias: Slot
  public let epsilon: Float

  public init(name: String, channels: Int, layout: inout Layout, epsilon: Float = 1e-5) {
    weight = layout.add("\(name).weight", [channels])
    bias = layout.add("\(name).bias", [channels])
    self.epsilon = epsilon
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.constant(1).fill(weight, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    Initialization.zeros.fill(bias, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
  }

  public var pointSlots: [Slot] { [weight, bias] }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let rows = x.reshaped(to: [x.shape[0], x.count / max(x.shape[0], 1)])
    let share = 1 / Float(rows.columns)
    let centred = rows.addingColumn(rows.sumOfRows() * -share)
    let variance = centred.squared().sumOfRows() * share
    let normal = centred.multiplyingColumn((variance + epsilon).reciprocalSquareRoot())
    return normal.reshaped(to: x.shape).multiplyingRow(pass.parameters[weight]).addingRow(pass.parameters[bias])
  }
}

/// y = (x − m) / √(v + ε) with mean and variance of each channel of each example, images [n, s, s, c] being square
/// (Ulyanov, Vedaldi and Lempitsky 2016); PyTorch's InstanceNorm2d without parameters.
public struct InstanceNormalization: Hashable, Layer {
  public let epsilon: Float

  public init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    precondition(x.shape.rank == 4 && x.shape[1] == x.shape[2], "square images, not of shape \(x.shape)")
    let side = x.shape[1]
    let centred = x - x.averagePooled(side).upsampled(side)
    let variance = centred.squared().averagePooled(side)
    return centred * (variance + epsilon).reciprocalSquareRoot().upsampled(side)
  }
}

/// y = x / √(mean x² + ε) over the channels of each pixel (Karras, Aila, Laine and Lehtinen 2018, section 4.2).
public struct PixelNormalization: Hashable, Layer {
  public let epsilon: Float

  public init(epsilon: Float = 1e-8) { self.epsilon = epsilon }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let columns = Shape(x.shape.dimensions.dropLast())
    let mean = x.squared().sumOfRows() * (1 / Float(x.columns))
    return x.multiplyingColumn((mean + epsilon).reciprocalSquareRoot().reshaped(to: columns))
  }
}

/// Appends a channel that is the same everywhere in an example: the standard deviation of each number over a group of
/// examples, averaged over all numbers. A discriminator so sees when a generator makes one thing only (Karras et al.
/// 2018, section 3). The examples are a shard's, so that what one is compared with does not depend on nodes.
public struct MinibatchDeviation: Hashable, Layer {
  /// Examples of a group; nil: all. Where groups of this size do not come out even, they are the next smaller ones that
  /// do. Of M groups, example i is in group i mod M.
  public let group: Int?

  public init(group: Int? = nil) { self.group = group }

  public var mixesExamples: Bool { true }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let rows = x.reshaped(to: [x.shape[0], x.count / max(x.shape[0], 1)])
    let size = group.map { group in
      stride(from: min(group, rows.rows), through: 1, by: -1).first(where: rows.rows.isMultiple(of:)) ?? 1
    }
    guard let size, size < rows.rows else {
      let deviation = deviations(rows).mean()
      return x.joiningColumns(deviation.repeated(to: Shape(x.shape.dimensions.dropLast() + [1])))
    }
    let groups = rows.rows / size
    let each = deviations(rows.reshaped(to: [size, groups * rows.columns])).reshaped(to: [groups, rows.columns])
    let means = (each.sumOfRows() * (1 / Float(rows.columns))).repeatedDown(to: [size, groups])
    let pixels = x.rows / rows.rows
    let channel = means.reshaped(to: [rows.rows]).repeatedAlong(to: [rows.rows, pixels])
    return x.joiningColumns(channel.reshaped(to: Shape(x.shape.dimensions.dropLast() + [1])))
  }

  /// Of each column: over all rows.
  private func deviations(_ rows: Tensor) -> Tensor {
    let share = 1 / Float(rows.rows)
    let centred = rows.addingRow(rows.sumOfColumns() * -share)
    return (centred.squared().sumOfColumns() * share + 1e-8).squareRoot()
  }
}

/// Divides a weight by its greatest singular value σ = uᵀ W v, W seen as [out, rest] (Miyato, Kataoka, Koyama and
/// Yoshida 2018, algorithm 1): a layer is then Lipschitz with constant 1.
///
/// u is kept from step to step and takes one step of power iteration in each pass of training; it travels as running
/// statistics do. u and v are constants to derivatives, σ is not. The slot is `weight_u`, as PyTorch names it.
public struct SpectralNormalization: Hashable, Sendable {
  public let direction: Slot

  init(name: String, outputs: Int, layout: inout Layout) {
    direction = layout.add("\(name).weight_u", [outputs])
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.normal(1).fill(direction, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    let u = parameters.tensor(direction)
    u.pointer.update(from: unit(u.reshaped(to: [1, u.count])).pointer, count: u.count)
  }

  var runningStatistics: [RunningStatistic] { [RunningStatistic(direction, momentum: 1)] }

  func callAsFunction(_ weight: Tensor, _ pass: Pass) -> Tensor {
    let rows = weight.reshaped(to: [weight.shape[0], weight.count / weight.shape[0]])
    let plain = rows.detached
    var u = unit(pass.parameters[direction].detached.reshaped(to: [1, weight.shape[0]]))
    let v = unit(u.product(with: plain))
    if let statistics = pass.statistics {
      u = unit(v.product(withTransposed: plain))
      statistics.observe(direction, u.reshaped(to: [u.count]))
    }
    let sigma = (u.product(with: rows) * v).sum()
    return weight * sigma.reciprocal().repeated(to: weight.shape)
  }

  /// A row of length 1.
  private func unit(_ x: Tensor) -> Tensor {
    x.multiplyingColumn((x.squared().sumOfRows().squareRoot() + 1e-12).reciprocal())
  }
}
