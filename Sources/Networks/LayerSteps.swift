import Computations
import Recipes
import Tensors

/// A layer that says what it computes in prediction, in operations that PyTorch and ONNX have.
public protocol SteppedLayer: Layer {
  /// Adds the layer's steps to a block. Numbers of its slots are tensors of the slots' names.
  func steps(_ x: Value, in block: inout Block) throws(RecipeError) -> Value
}

extension LayerStack: SteppedLayer {
  /// - Throws: `RecipeError` when a layer has no counterpart.
  public func steps(_ x: Value, in block: inout Block) throws(RecipeError) -> Value {
    var x = x
    for layer in layers {
      guard let layer = layer as? any SteppedLayer else {
        throw RecipeError(
          "the network has a layer \(type(of: layer)), which PyTorch and ONNX do not know: export to a file NAME.elbo"
        )
      }
      x = try layer.steps(x, in: &block)
    }
    return x
  }
}

extension Block {
  public func tensor(_ slot: Slot) -> Operand { tensor(slot.name, shape: slot.shape.dimensions) }
}

extension FlatBuffer {
  /// The numbers of all slots in single precision.
  /// - Parameter prefix: what their names begin with.
  public func constants(prefix: String = "") -> [Computation.Constant] {
    layout.slots.map { slot in
      Computation.Constant(
        prefix + slot.name, shape: slot.shape.dimensions,
        precision == .float32 ? Array(float32[slot.range]) : float64[slot.range].map { Float($0) })
    }
  }
}

extension Nonlinearity {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    switch self {
    case .identity: return x
    case .relu: return block.apply(.relu, to: x)
    case .tanh: return block.apply(.tanh, to: x)
    case .sigmoid: return block.apply(.sigmoid, to: x)
    case .leakyReLU(let slope): return block.leakyReLU(x, slope: slope)
    case .softplus: return block.apply(.softplus, to: x)
    case .elu: return block.apply(.elu, to: x)
    case .gelu:
      let erf = block.apply(.erf, to: block.multiply(x, .number(Float(0.5.squareRoot()))))
      return block.multiply(block.multiply(x, .value(block.add(erf, .number(1)))), .number(0.5))
    case .silu: return block.multiply(x, .value(block.apply(.sigmoid, to: x)))
    }
  }
}

extension Dense: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    activation.steps(block.linear(x, block.tensor(weight), block.tensor(bias)), in: &block)
  }
}

extension SpectralDense: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    block.linear(x, .value(spectral.steps(dense.weight, in: &block)), block.tensor(dense.bias))
  }
}

extension SpectralNormalization {
  /// The weight over uᵀ W v with v = Wᵀ u, scaled to length 1.
  func steps(_ weight: Slot, in block: inout Block) -> Value {
    let (outputs, inputs) = (weight.shape[0], weight.shape.count / weight.shape[0])
    let matrix = Operand.value(block.reshape(block.tensor(weight), to: [outputs, inputs]))
    let u = Operand.value(block.reshape(block.tensor(direction), to: [1, outputs]))
    let product = block.product(u, matrix)
    let squares = block.sum(block.multiply(product, .value(product)), over: [1])
    let length = block.add(block.apply(.squareRoot, to: squares), .number(1e-12))
    // uᵀ W v = |Wᵀ u|² / |Wᵀ u|.
    let greatest = block.reshape(block.divide(squares, .value(length)), to: [1])
    return block.reshape(
      block.divide(block.reshape(matrix, to: [outputs * inputs]), .value(greatest)), to: weight.shape.dimensions)
  }
}

extension Elementwise: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { function.steps(x, in: &block) }
}

extension Scaled: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { block.multiply(x, .number(factor)) }
}

extension Reshaped: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { block.reshape(x, to: [Value.examples] + shape) }
}

extension ChannelParts: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let (axis, channels) = (x.shape.count - 1, x.shape.last! / parts)
    func part(_ index: Int) -> Value {
      let slice = block.slice(x, axis: axis, index * channels..<(index + 1) * channels)
      return block.reshape(slice, to: [Value.examples, slice.shape.dropFirst().reduce(1, *)])
    }
    return (1..<parts).reduce(part(0)) { block.join($0, part($1)) }
  }
}

/// Without noise.
extension Dropout: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { x }
}

/// Without noise.
extension ConcreteDropout: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { x }
}

extension BatchNormalization: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    block.batchNormalization(
      x, [weight, bias, runningMean, runningVariance].map { block.tensor($0) }, epsilon: epsilon)
  }
}

extension LayerNormalization: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let normal = block.normalized(x, over: Array(1..<x.shape.count), epsilon: epsilon)
    return block.add(block.multiply(normal, block.tensor(weight)), block.tensor(bias))
  }
}

extension InstanceNormalization: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value { block.normalized(x, over: [1, 2], epsilon: epsilon) }
}

extension Block {
  /// (x − m) / √(v + ε) with mean and variance over axes.
  fileprivate mutating func normalized(_ x: Value, over axes: [Int], epsilon: Float) -> Value {
    let x = channelsLast(x)
    let centered = subtract(x, .value(mean(x, over: axes)))
    let variance = mean(multiply(centered, .value(centered)), over: axes)
    return divide(centered, .value(apply(.squareRoot, to: add(variance, .number(epsilon)))))
  }
}

extension PixelNormalization: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let x = block.channelsLast(x)
    let square = block.mean(block.multiply(x, .value(x)), over: [x.shape.count - 1])
    return block.divide(x, .value(block.apply(.squareRoot, to: block.add(square, .number(epsilon)))))
  }
}

/// In groups it needs as many examples as come out even.
extension MinibatchDeviation: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let x = block.channelsLast(x)
    // [size, M, …] in M groups of a size, [n, …] in one.
    let grouped = group.map { block.reshape(x, to: [$0, Value.examples, x.shape.dropFirst().reduce(1, *)]) } ?? x
    let centered = block.subtract(grouped, .value(block.mean(grouped, over: [0])))
    let variance = block.mean(block.multiply(centered, .value(centered)), over: [0])
    let deviations = block.apply(.squareRoot, to: block.add(variance, .number(1e-8)))
    var deviation = block.mean(deviations, over: Array((group == nil ? 0 : 2)..<grouped.shape.count))
    if group != nil {
      let each = block.expand(.value(deviation), like: block.slice(grouped, axis: 2, 0..<1))
      deviation = block.reshape(each, to: [Value.examples] + x.shape.dropFirst().map { _ in 1 })
    }
    let column = block.slice(x, axis: x.shape.count - 1, 0..<1)
    return block.join(x, block.expand(.value(deviation), like: column))
  }
}

extension Convolution2D: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let divided = spectral.map { Operand.value($0.steps(weight, in: &block)) }
    return block.convolution(
      x, divided ?? block.tensor(weight), bias.map { block.tensor($0) },
      .init(size: weight.shape[2], stride: stride, padding: padding, dilation: dilation))
  }
}

extension TransposedConvolution2D: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    block.transposedConvolution(
      x, block.tensor(weight), bias.map { block.tensor($0) },
      .init(
        size: weight.shape[2], stride: stride, padding: padding, dilation: dilation,
        outputPadding: [outputPadding.height, outputPadding.width]))
  }
}

extension Upsampling: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    block.upsampling(x, by: factor, isBilinear: kind == .bilinear)
  }
}

extension PoolingSection: SteppedLayer {
  /// - Throws: `RecipeError` where windows overlap: a pixel that is the maximum of two gets the sum of what is put back,
  ///   and elsewhere one of them.
  public func steps(_ x: Value, in block: inout Block) throws(RecipeError) -> Value {
    guard pooling.size <= pooling.stride else {
      throw RecipeError(
        "the network undoes a pooling whose windows overlap, which PyTorch and ONNX do otherwise: export to a file "
          + "NAME.elbo")
    }
    return try block.unpooled(x, pooling.geometry(of: x)) { (block, x) throws(RecipeError) in
      try inner.steps(x, in: &block)
    }
  }
}

extension Pooling: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    block.pooling(x, isMaximum: kind == .maximum, geometry(of: x))
  }

  /// With as much padding as windows stand out over the edge.
  func geometry(of x: Value) -> Operation.Geometry {
    var geometry = Operation.Geometry(size: size, stride: stride, padding: padding)
    if roundsUp {
      for axis in 0..<2 {
        let extent = x.shape[1 + axis]
        let count = PoolingPlaces.windows(
          along: extent, size: size, stride: stride, padding: padding, roundsUp: true)
        geometry.padding[2 + axis] = max((count - 1) * stride + size - padding - extent, 0)
      }
    }
    return geometry
  }
}
