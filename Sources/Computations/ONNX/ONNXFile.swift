/// A computation as an ONNX file: opset 17, float32, the number of examples open.
public struct ONNXFile: Sendable {
  /// The version of the operators.
  public static let operatorVersion = 17
  /// Protocol Buffers know no longer message.
  public static let longest = 1 << 31 - 1
  /// The bytes of the file, one piece behind the other.
  public let pieces: [[UInt8]]

  /// How many bytes the tensors of a computation take, which is nearly all of the file.
  public static func tensorBytes(_ computation: Computation) -> Int {
    computation.constants.reduce(0) { $0 + 4 * $1.values.count }
  }

  /// - Parameters:
  ///   - producer: the program and its version.
  ///   - metadata: what the file says of itself, in order.
  public init(
    _ computation: Computation, producer: (name: String, version: String), metadata: [(key: String, value: String)]
  ) {
    pieces =
      ONNX.Model(
        producer: producer, documentation: computation.summary, graph: GraphWriter(computation).graph,
        operatorVersion: ONNXFile.operatorVersion, metadata: metadata
      ).message.pieces
  }
}

/// Makes nodes of steps. Every name is given once: those of inputs, outputs and tensors are kept, and those of values,
/// `#3`, are none that they can have.
private struct GraphWriter {
  private(set) var graph: ONNX.Graph
  private var names: [Value: String] = [:]
  private var prefix = ""
  private var numbers: Set<String> = []

  init(_ computation: Computation) {
    graph = ONNX.Graph(name: computation.name)
    graph.tensors = computation.constants.map { ONNX.Tensor($0.name, shape: $0.shape, $0.values) }
    for port in computation.inputs { names[port.value] = port.name }
    graph.inputs = computation.inputs.map(GraphWriter.port)
    graph.outputs = computation.outputs.map(GraphWriter.port)
    write(computation.block)
    for port in computation.outputs { add("Identity", [names[port.value]!], port.name) }
  }

  private static func port(_ port: Computation.Port) -> ONNX.Port {
    ONNX.Port(
      name: port.name, element: port.element.onnx,
      shape: port.value.storedShape.map { $0 == Value.examples ? .named("examples") : .fixed($0) })
  }

  private mutating func write(_ block: Block) {
    for step in block.steps {
      let name = "\(prefix)#\(step.result.number)"
      names[step.result] = name
      write(step, name)
    }
  }

  private mutating func add(
    _ type: String, _ inputs: [String], _ output: String, _ attributes: [ONNX.Attribute] = []
  ) {
    graph.nodes.append(ONNX.Node(type: type, inputs: inputs, outputs: [output], attributes: attributes))
  }

  // MARK: Operands

  private mutating func name(_ operand: Operand) -> String {
    switch operand {
    case .value(let value): names[value]!
    case .tensor(let tensor): tensor.name(prefix: prefix)
    case .number(let value): number(value)
    }
  }

  private mutating func number(_ value: Float) -> String {
    let name = "#\(value)"
    if numbers.insert(name).inserted { graph.tensors.append(ONNX.Tensor(name, shape: [], [value])) }
    return name
  }

  private mutating func integers(_ values: [Int]) -> String {
    let name = "#\(values)"
    if numbers.insert(name).inserted { graph.tensors.append(ONNX.Tensor(name, integers: values)) }
    return name
  }

  // MARK: Steps

  private mutating func write(_ step: Block.Step, _ result: String) {
    if case .repeated(let repetition) = step.operation { return write(repetition, of: step.operands[0], result) }
    let operands = step.operands.map { name($0) }
    func add(_ type: String, _ attributes: ONNX.Attribute...) { self.add(type, operands, result, attributes) }
    switch step.operation {
    case .repeated: break
    case .linear: add("Gemm", .init("transB", .integer(1)))
    case .product: add("MatMul")
    case .convolution(let geometry): self.add("Conv", operands, result, attributes(geometry))
    case .transposedConvolution(let geometry):
      self.add(
        "ConvTranspose", operands, result,
        attributes(geometry) + [.init("output_padding", .integers(geometry.outputPadding))])
    case .function(.isPositive):
      self.add("Greater", [operands[0], number(0)], result + ".greater")
      self.add("Cast", [result + ".greater"], result, [.init("to", .integer(ONNX.Element.float32.rawValue))])
    case .function(let function): add(function.onnx)
    case .leakyReLU(let slope): add("LeakyRelu", .init("alpha", .float(slope)))
    case .clamp(let range):
      self.add("Clip", operands + [number(range.lowerBound), number(range.upperBound)], result)
    case .add: add("Add")
    case .subtract: add("Sub")
    case .multiply: add("Mul")
    case .divide: add("Div")
    case .float: add("Cast", .init("to", .integer(ONNX.Element.float32.rawValue)))
    case .reshape(let shape):
      // 0 keeps the extent, so that no examples are no puzzle.
      let before = step.operands[0].storedShape
      let keeps =
        before.first == Value.examples && shape.first == Value.examples
        && before.dropFirst().reduce(1, *) == shape.dropFirst().reduce(1, *)
      self.add("Reshape", operands + [integers(keeps ? [0] + shape.dropFirst() : shape)], result)
    case .permute(let axes): add("Transpose", .init("perm", .integers(axes)))
    case .slice(let axis, let range):
      self.add(
        "Slice", operands + [integers([range.lowerBound]), integers([range.upperBound]), integers([axis])], result)
    case .join(let axis): add("Concat", .init("axis", .integer(axis)))
    case .mean(let axes): add("ReduceMean", .init("axes", .integers(axes)))
    case .sum(let axes): self.add("ReduceSum", operands + [integers(axes)], result)
    case .squeeze: self.add("Squeeze", operands + [integers([0])], result)
    case .unsqueeze: self.add("Unsqueeze", operands + [integers([0])], result)
    case .softmax: add("Softmax", .init("axis", .integer(-1)))
    case .placeOfLeast: add("ArgMin", .init("axis", .integer(-1)), .init("keepdims", .integer(0)))
    case .rows: add("Gather")
    case .maximumPooling(let geometry): self.add("MaxPool", operands, result, attributes(geometry))
    case .poolingPlaces(let geometry):
      graph.nodes.append(
        ONNX.Node(
          type: "MaxPool", inputs: operands, outputs: [result + ".maxima", result], attributes: attributes(geometry)))
    case .unpooling(let geometry):
      self.add("Shape", [operands[2]], result + ".shape")
      self.add(
        "MaxUnpool", operands.dropLast() + [result + ".shape"], result,
        attributes(geometry).filter { $0.name != "dilations" })
    case .averagePooling(let geometry):
      self.add(
        "AveragePool", operands, result,
        attributes(geometry).filter { $0.name != "dilations" } + [.init("count_include_pad", .integer(1))])
    case .upsampling(let factor, let isBilinear):
      let scales = "\(result).scales"
      graph.tensors.append(ONNX.Tensor(scales, shape: [4], [1, 1, Float(factor), Float(factor)]))
      self.add(
        "Resize", operands + ["", scales], result,
        isBilinear
          ? [.init("mode", .text("linear")), .init("coordinate_transformation_mode", .text("half_pixel"))]
          : [
            .init("mode", .text("nearest")), .init("coordinate_transformation_mode", .text("asymmetric")),
            .init("nearest_mode", .text("floor")),
          ])
    case .batchNormalization(let epsilon): add("BatchNormalization", .init("epsilon", .float(epsilon)))
    case .expand:
      self.add("Shape", [operands[1]], result + ".shape")
      self.add("Expand", [operands[0], result + ".shape"], result)
    }
  }

  private func attributes(_ geometry: Operation.Geometry) -> [ONNX.Attribute] {
    [
      .init("kernel_shape", .integers([geometry.size, geometry.size])),
      .init("strides", .integers([geometry.stride, geometry.stride])), .init("pads", .integers(geometry.padding)),
      .init("dilations", .integers([geometry.dilation, geometry.dilation])),
    ]
  }

  /// Each network's steps, and its result as a row of the stack.
  private mutating func write(_ repetition: Operation.Repetition, of operand: Operand, _ result: String) {
    let input = name(operand)
    let outer = (names, prefix)
    var rows: [String] = []
    for number in 0..<repetition.count {
      prefix = repetition.prefix(number)
      names = [repetition.input: input]
      write(repetition.block)
      rows.append(prefix + "#row")
      add("Unsqueeze", [names[repetition.result]!, integers([0])], rows[number])
    }
    (names, prefix) = outer
    add("Concat", rows, result, [.init("axis", .integer(0))])
  }
}

extension Computation.Port.Element {
  fileprivate var onnx: ONNX.Element {
    switch self {
    case .float32: .float32
    case .uint8: .uint8
    case .int64: .int64
    }
  }
}

extension Operation.Function {
  fileprivate var onnx: String {
    switch self {
    case .relu: "Relu"
    case .tanh: "Tanh"
    case .sigmoid: "Sigmoid"
    case .softplus: "Softplus"
    case .elu: "Elu"
    case .erf: "Erf"
    case .exp: "Exp"
    case .log: "Log"
    case .squareRoot: "Sqrt"
    case .isPositive: "Greater"
    }
  }
}
