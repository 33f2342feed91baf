/// What a network computes, in operations that PyTorch and ONNX have too: from named inputs to named outputs, with the
/// numbers of its tensors. Both kinds of export are written from it, so that they say the same.
public struct Computation: Sendable {
  /// An input or an output.
  public struct Port: Sendable {
    public enum Element: Sendable { case float32, uint8, int64 }

    public let name: String
    public let value: Value
    public let element: Element

    public init(_ name: String, _ value: Value, _ element: Element = .float32) {
      (self.name, self.value, self.element) = (name, value, element)
    }
  }

  /// Numbers under a name.
  public struct Constant: Sendable {
    public let name: String
    public let shape: [Int]
    public let values: [Float]

    public init(_ name: String, shape: [Int], _ values: [Float]) {
      precondition(values.count == shape.reduce(1, *))
      (self.name, self.shape, self.values) = (name, shape, values)
    }
  }

  /// What it is, such as `generator`.
  public let name: String
  /// What goes in and what comes out, in one or more sentences.
  public let summary: String
  public let inputs: [Port]
  public let outputs: [Port]
  public let block: Block
  /// The tensors that the block names, in the order of the names' first use.
  public let constants: [Constant]

  /// - Parameter constants: the tensors that the block names and whose numbers it does not know; others may be among them.
  public init(
    name: String, summary: String, inputs: [Port], outputs: [Port], block: Block, constants: [Constant]
  ) {
    (self.name, self.summary, self.inputs, self.outputs, self.block) = (name, summary, inputs, outputs, block)
    let known = Dictionary(uniqueKeysWithValues: (constants + block.constants).map { ($0.name, $0) })
    self.constants = block.tensorNames().map { known[$0]! }
  }
}

/// A result of a step, or an input.
public struct Value: Hashable, Sendable {
  let number: Int
  /// The extents, the examples' axis as `examples`; the channels of images are the last axis wherever they lie in memory.
  public let shape: [Int]
  /// Whether images lie as [n, c, h, w].
  let isChannelsFirst: Bool

  /// The extent of the axis of examples, which is open.
  public static let examples = -1

  /// As it lies.
  var storedShape: [Int] { isChannelsFirst ? [shape[0], shape[3], shape[1], shape[2]] : shape }
}

/// What an operation works on.
public enum Operand: Hashable, Sendable {
  case value(Value)
  case tensor(Tensor)
  case number(Float)

  /// One of a computation's tensors.
  public struct Tensor: Hashable, Sendable {
    let name: String
    let shape: [Int]
    /// Whether networks that are computed several times have it in common.
    let isShared: Bool

    /// What it is called where names have a prefix.
    func name(prefix: String) -> String { isShared ? name : prefix + name }
  }

  /// As it lies.
  var storedShape: [Int] {
    switch self {
    case .value(let value): value.storedShape
    case .tensor(let tensor): tensor.shape
    case .number: []
    }
  }
}

extension Block {
  /// An operation on operands.
  public struct Step: Sendable {
    public let operation: Operation
    public let operands: [Operand]
    public let result: Value
  }
}

/// The operations. Axes are counted as the operands lie.
public enum Operation: Sendable {
  /// x Wᵀ + b: x [n, in], W [out, in], and b [out] if there is one.
  case linear
  /// The matrix product.
  case product
  /// Of images with the channels first, with a weight [out, in, k, k] and perhaps a bias.
  case convolution(Geometry)
  /// With a weight [in, out, k, k].
  case transposedConvolution(Geometry)
  case function(Function)
  case leakyReLU(slope: Float)
  case clamp(ClosedRange<Float>)
  case add, subtract, multiply, divide
  /// Bytes as floating-point numbers.
  case float
  case reshape([Int])
  case permute([Int])
  case slice(axis: Int, Range<Int>)
  case join(axis: Int)
  /// Over axes, which stay with the extent 1.
  case mean([Int])
  case sum([Int])
  /// Takes away the first axis, whose extent is 1.
  case squeeze
  /// Adds a first axis of extent 1.
  case unsqueeze
  /// Over the last axis.
  case softmax
  /// Where the least number of the last axis lies, the first of equals, as a whole number.
  case placeOfLeast
  /// The first operand's rows at the places that the second says.
  case rows
  case maximumPooling(Geometry)
  /// Where the maxima lie, as `unpooling` takes them.
  case poolingPlaces(Geometry)
  /// The first operand's numbers at the places that are the second, and 0 elsewhere, in images as large as the third.
  case unpooling(Geometry)
  /// Averages over windows; padding counts as 0.
  case averagePooling(Geometry)
  case upsampling(Int, isBilinear: Bool)
  /// x, γ, β, mean, variance; the channels are the second axis.
  case batchNormalization(epsilon: Float)
  /// The first operand, repeated to the shape of the second.
  case expand
  /// Several networks alike, on one operand; their results stand along a new first axis.
  case repeated(Repetition)

  /// Functions of each number.
  public enum Function: Sendable {
    case relu, tanh, sigmoid, softplus, elu, erf, exp, log, squareRoot
    /// 1 above 0, else 0.
    case isPositive
  }

  /// How windows move over images.
  public struct Geometry: Sendable {
    public var size: Int
    public var stride = 1
    public var dilation = 1
    /// Rows above, columns to the left, rows below, columns to the right.
    public var padding: [Int]
    /// Of a transposed convolution: rows and columns more of the result.
    public var outputPadding = [0, 0]

    public init(size: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, outputPadding: [Int] = [0, 0]) {
      (self.size, self.stride, self.dilation, self.outputPadding) = (size, stride, dilation, outputPadding)
      self.padding = [padding, padding, padding, padding]
    }
  }

  /// A network that is computed several times, each time with tensors of its own, whose names begin with
  /// `name.number.`.
  public struct Repetition: Sendable {
    public let block: Block
    public let input: Value
    public let result: Value
    public let name: String
    public let count: Int

    func prefix(_ number: Int) -> String { "\(name).\(number)." }
  }
}
