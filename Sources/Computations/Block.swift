/// Steps; each step uses inputs and results of earlier steps. Layers add theirs:
///
///     var block = Block()
///     let x = block.input([Value.examples, 784])
///     let y = block.apply(.relu, to: block.linear(x, weight, bias))
public struct Block: Sendable {
  public private(set) var steps: [Step] = []
  /// Tensors whose numbers the steps know.
  public private(set) var constants: [Computation.Constant] = []
  private var count = 0
  private let stripped: String

  /// - Parameter stripped: what the names of tensors lose where they begin with it.
  public init(stripping stripped: String = "") { self.stripped = stripped }

  /// The names of the tensors, in the order of their first use.
  func tensorNames(prefix: String = "") -> [String] {
    var (names, seen) = ([String](), Set<String>())
    for step in steps {
      var found: [String] = []
      if case .repeated(let repetition) = step.operation {
        found = (0..<repetition.count).flatMap { repetition.block.tensorNames(prefix: repetition.prefix($0)) }
      }
      for case .tensor(let tensor) in step.operands { found.append(tensor.name(prefix: prefix)) }
      for name in found where seen.insert(name).inserted { names.append(name) }
    }
    return names
  }

  // MARK: Operands

  public mutating func input(_ shape: [Int]) -> Value { next(shape) }

  /// A tensor of the computation.
  /// - Parameter isShared: whether networks that are computed several times have it in common.
  public func tensor(_ name: String, shape: [Int], isShared: Bool = false) -> Operand {
    let own = name.hasPrefix(stripped) ? String(name.dropFirst(stripped.count)) : name
    return .tensor(.init(name: own, shape: shape, isShared: isShared))
  }

  /// A tensor with these numbers. Where its name is known, it is the one of before.
  public mutating func constant(_ name: String, shape: [Int], _ values: @autoclosure () -> [Float]) -> Operand {
    if !constants.contains(where: { $0.name == name }) {
      constants.append(Computation.Constant(name, shape: shape, values()))
    }
    return .tensor(.init(name: name, shape: shape, isShared: true))
  }

  private mutating func next(_ shape: [Int], isChannelsFirst: Bool = false) -> Value {
    defer { count += 1 }
    return Value(number: count, shape: shape, isChannelsFirst: isChannelsFirst)
  }

  private mutating func add(
    _ operation: Operation, _ operands: [Operand], _ shape: [Int], isChannelsFirst: Bool = false
  ) -> Value {
    let result = next(shape, isChannelsFirst: isChannelsFirst)
    steps.append(Step(operation: operation, operands: operands, result: result))
    return result
  }

  // MARK: How images lie

  private mutating func channelsFirst(_ x: Value) -> Value {
    guard !x.isChannelsFirst, x.shape.count == 4 else { return x }
    return add(.permute([0, 3, 1, 2]), [.value(x)], x.shape, isChannelsFirst: true)
  }

  public mutating func channelsLast(_ x: Value) -> Value {
    guard x.isChannelsFirst else { return x }
    return add(.permute([0, 2, 3, 1]), [.value(x)], x.shape)
  }

  // MARK: Functions of each number

  public mutating func apply(_ function: Operation.Function, to x: Value) -> Value {
    add(.function(function), [.value(x)], x.shape, isChannelsFirst: x.isChannelsFirst)
  }

  public mutating func leakyReLU(_ x: Value, slope: Float) -> Value {
    add(.leakyReLU(slope: slope), [.value(x)], x.shape, isChannelsFirst: x.isChannelsFirst)
  }

  public mutating func clamp(_ x: Value, to range: ClosedRange<Float>) -> Value {
    add(.clamp(range), [.value(x)], x.shape, isChannelsFirst: x.isChannelsFirst)
  }

  public mutating func float(_ x: Value) -> Value { add(.float, [.value(x)], x.shape) }

  // MARK: Arithmetic, with the broadcasting of NumPy

  public mutating func add(_ x: Value, _ y: Operand) -> Value { binary(.add, x, y) }
  public mutating func subtract(_ x: Value, _ y: Operand) -> Value { binary(.subtract, x, y) }
  public mutating func multiply(_ x: Value, _ y: Operand) -> Value { binary(.multiply, x, y) }
  public mutating func divide(_ x: Value, _ y: Operand) -> Value { binary(.divide, x, y) }

  private mutating func binary(_ operation: Operation, _ x: Value, _ y: Operand) -> Value {
    switch y {
    case .number: return add(operation, [.value(x), y], x.shape, isChannelsFirst: x.isChannelsFirst)
    case .value(let other) where other.isChannelsFirst && x.isChannelsFirst:
      return add(operation, [.value(x), y], Block.broadcast(x.shape, other.shape), isChannelsFirst: true)
    case .value(let other):
      let (first, second) = (channelsLast(x), channelsLast(other))
      return add(operation, [.value(first), .value(second)], Block.broadcast(first.shape, second.shape))
    case .tensor(let tensor):
      let first = channelsLast(x)
      return add(operation, [.value(first), y], Block.broadcast(first.shape, tensor.shape))
    }
  }

  private static func broadcast(_ first: [Int], _ second: [Int]) -> [Int] {
    let rank = max(first.count, second.count)
    return (0..<rank).map { axis in
      let extents = [first, second].map { axis < rank - $0.count ? 1 : $0[axis - rank + $0.count] }
      return extents[0] == 1 ? extents[1] : extents[0]
    }
  }

  // MARK: Weights

  /// - Parameters:
  ///   - weight: [out, in].
  ///   - bias: [out].
  public mutating func linear(_ x: Value, _ weight: Operand, _ bias: Operand?) -> Value {
    let rows = reshape(x, to: [Value.examples, weight.storedShape[1]])
    return add(.linear, [.value(rows), weight] + (bias.map { [$0] } ?? []), [rows.shape[0], weight.storedShape[0]])
  }

  /// Of a matrix or a row and a matrix.
  public mutating func product(_ x: Operand, _ y: Operand) -> Value {
    let (first, second) = (x.storedShape, y.storedShape)
    return add(.product, [x, y], first.dropLast() + second.dropFirst())
  }

  public mutating func convolution(
    _ x: Value, _ weight: Operand, _ bias: Operand?, _ geometry: Operation.Geometry
  ) -> Value {
    let x = channelsFirst(x)
    let size = geometry.dilation * (geometry.size - 1) + 1
    return add(
      .convolution(geometry), [.value(x), weight] + (bias.map { [$0] } ?? []),
      Block.windows(x.shape, size, geometry) + [weight.storedShape[0]], isChannelsFirst: true)
  }

  public mutating func transposedConvolution(
    _ x: Value, _ weight: Operand, _ bias: Operand?, _ geometry: Operation.Geometry
  ) -> Value {
    let x = channelsFirst(x)
    let extents = (0..<2).map { axis in
      (x.shape[1 + axis] - 1) * geometry.stride - 2 * geometry.padding[axis] + geometry.dilation * (geometry.size - 1)
        + geometry.outputPadding[axis] + 1
    }
    return add(
      .transposedConvolution(geometry), [.value(x), weight] + (bias.map { [$0] } ?? []),
      [x.shape[0]] + extents + [weight.storedShape[1]], isChannelsFirst: true)
  }

  /// The extents of the windows over images, without the channels.
  private static func windows(_ shape: [Int], _ size: Int, _ geometry: Operation.Geometry) -> [Int] {
    [shape[0]]
      + (0..<2).map { axis in
        (shape[1 + axis] + geometry.padding[axis] + geometry.padding[2 + axis] - size) / geometry.stride + 1
      }
  }

  // MARK: Images

  /// - Parameter isMaximum: else the mean.
  public mutating func pooling(_ x: Value, isMaximum: Bool, _ geometry: Operation.Geometry) -> Value {
    let x = channelsFirst(x)
    return add(
      isMaximum ? .maximumPooling(geometry) : .averagePooling(geometry), [.value(x)],
      Block.windows(x.shape, geometry.size, geometry) + [x.shape[3]], isChannelsFirst: true)
  }

  /// What is made of an image's maxima, put back where they lie.
  /// - Parameter body: keeps the shape.
  public mutating func unpooled<Failure: Error>(
    _ x: Value, _ geometry: Operation.Geometry, _ body: (inout Block, Value) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let x = channelsFirst(x)
    let maxima = pooling(x, isMaximum: true, geometry)
    let places = add(.poolingPlaces(geometry), [.value(x)], maxima.shape, isChannelsFirst: true)
    let inner = channelsFirst(try body(&self, maxima))
    return add(
      .unpooling(geometry), [.value(inner), .value(places), .value(x)], x.shape, isChannelsFirst: true)
  }

  public mutating func upsampling(_ x: Value, by factor: Int, isBilinear: Bool) -> Value {
    let x = channelsFirst(x)
    return add(
      .upsampling(factor, isBilinear: isBilinear), [.value(x)],
      [x.shape[0], x.shape[1] * factor, x.shape[2] * factor, x.shape[3]], isChannelsFirst: true)
  }

  /// - Parameter tensors: γ, β, mean, variance.
  public mutating func batchNormalization(_ x: Value, _ tensors: [Operand], epsilon: Float) -> Value {
    let x = channelsFirst(x)
    return add(
      .batchNormalization(epsilon: epsilon), [.value(x)] + tensors, x.shape, isChannelsFirst: x.isChannelsFirst)
  }

  /// One number for each channel, as an image of one pixel: [n, c] → [n, 1, 1, c], or a tensor [c] → [1, 1, 1, c].
  public mutating func pixel(_ numbers: Operand) -> Value {
    let shape = numbers.storedShape
    let (n, channels) = (shape.count > 1 ? shape[0] : 1, shape.last!)
    return add(.reshape([n, channels, 1, 1]), [numbers], [n, 1, 1, channels], isChannelsFirst: true)
  }

  /// A tensor [1, c, h, w] as an image [1, h, w, c].
  public mutating func image(_ tensor: Operand) -> Value {
    let shape = tensor.storedShape
    return add(.reshape(shape), [tensor], [shape[0], shape[2], shape[3], shape[1]], isChannelsFirst: true)
  }

  /// Does the same with every channel: `body` is given images [n · c, h, w, 1].
  public mutating func eachChannel(_ x: Value, _ body: (inout Block, Value) -> Value) -> Value {
    let x = channelsFirst(x)
    let (n, channels) = (x.shape[0], x.shape[3])
    func reshaped(_ x: Value, _ n: Int, _ channels: Int) -> Value {
      add(
        .reshape([n, channels, x.shape[1], x.shape[2]]), [.value(x)], [n, x.shape[1], x.shape[2], channels],
        isChannelsFirst: true)
    }
    let planes = reshaped(x, n == Value.examples ? Value.examples : n * channels, 1)
    return reshaped(channelsFirst(body(&self, planes)), n, channels)
  }

  // MARK: Shapes

  public mutating func reshape(_ x: Value, to shape: [Int]) -> Value {
    guard x.shape != shape else { return x }
    let x = channelsLast(x)
    return add(.reshape(shape), [.value(x)], shape)
  }

  /// The same of a tensor.
  public mutating func reshape(_ x: Operand, to shape: [Int]) -> Value { add(.reshape(shape), [x], shape) }

  /// Part of an axis.
  public mutating func slice(_ x: Value, axis: Int, _ range: Range<Int>) -> Value {
    let x = channelsLast(x)
    guard range != 0..<x.shape[axis] else { return x }
    var shape = x.shape
    shape[axis] = range.count
    return add(.slice(axis: axis, range), [.value(x)], shape)
  }

  /// Side by side, along the last axis.
  public mutating func join(_ x: Value, _ y: Value) -> Value {
    let (x, y) = (channelsLast(x), channelsLast(y))
    let axis = x.shape.count - 1
    return add(.join(axis: axis), [.value(x), .value(y)], x.shape.dropLast() + [x.shape[axis] + y.shape[axis]])
  }

  public mutating func mean(_ x: Value, over axes: [Int]) -> Value { reduce(.mean(axes), x, axes) }
  public mutating func sum(_ x: Value, over axes: [Int]) -> Value { reduce(.sum(axes), x, axes) }

  private mutating func reduce(_ operation: Operation, _ x: Value, _ axes: [Int]) -> Value {
    let x = channelsLast(x)
    return add(operation, [.value(x)], x.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
  }

  public mutating func squeeze(_ x: Value) -> Value {
    precondition(x.shape[0] == 1)
    return add(.squeeze, [.value(x)], Array(x.shape.dropFirst()))
  }

  /// A new first axis of extent 1.
  public mutating func unsqueeze(_ x: Value) -> Value {
    let x = channelsLast(x)
    return add(.unsqueeze, [.value(x)], [1] + x.shape)
  }

  public mutating func softmax(_ x: Value) -> Value { add(.softmax, [.value(x)], x.shape) }

  /// Where the least number of the last axis lies, the first of equals: [n, k] → [n], whole numbers.
  public mutating func placeOfLeast(_ x: Value) -> Value {
    let x = channelsLast(x)
    return add(.placeOfLeast, [.value(x)], x.shape.dropLast())
  }

  /// Rows of a table at some places: a table [k, c] and places [n, …] → [n, …, c].
  public mutating func rows(of table: Operand, at places: Value) -> Value {
    add(.rows, [table, .value(places)], places.shape + table.storedShape.dropFirst())
  }

  public mutating func expand(_ x: Operand, like y: Value) -> Value {
    let y = channelsLast(y)
    return add(.expand, [x, .value(y)], y.shape)
  }

  // MARK: Networks

  /// Several networks alike on one value: [n, …] → [count, n, …].
  /// - Parameters:
  ///   - name: the tensors of network i are named `name.i.…`.
  ///   - body: adds the steps of one of them.
  public mutating func repeated<Failure: Error>(
    _ x: Value, name: String, count: Int, stripping stripped: String = "",
    _ body: (inout Block, Value) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let x = channelsLast(x)
    var block = Block(stripping: stripped)
    let input = block.input(x.shape)
    let result = block.channelsLast(try body(&block, input))
    for constant in block.constants where !constants.contains(where: { $0.name == constant.name }) {
      constants.append(constant)
    }
    let repetition = Operation.Repetition(block: block, input: input, result: result, name: name, count: count)
    return add(.repeated(repetition), [.value(x)], [count] + result.shape)
  }
}
