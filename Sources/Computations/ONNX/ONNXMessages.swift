// The few messages of ONNX that a network needs, in the wire format of Protocol Buffers. Numbers of fields are those of
// onnx/onnx.proto (https://github.com/onnx/onnx, IR version 8).

/// Bytes of a message, in pieces: the numbers of tensors, which are nearly all of a file, are not copied from message to
/// message.
struct ProtobufMessage: Sendable {
  private(set) var pieces: [[UInt8]] = [[]]
  private(set) var count = 0
  /// Fewer bytes are copied.
  private static let leastPiece = 1 << 12

  private enum WireType: UInt64 { case variable = 0, delimited = 2, fixed32 = 5 }

  private mutating func append(_ value: UInt64) {
    var (value, bytes) = (value, [UInt8]())
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7F) | 0x80)
      value >>= 7
    }
    append(bytes + [UInt8(value)])
  }

  private mutating func append(_ bytes: [UInt8]) {
    count += bytes.count
    if bytes.count >= ProtobufMessage.leastPiece {
      pieces += [bytes, []]
    } else {
      pieces[pieces.count - 1] += bytes
    }
  }

  private mutating func tag(_ field: UInt64, _ type: WireType) { append(field << 3 | type.rawValue) }

  mutating func add(_ field: UInt64, _ value: Int) {
    tag(field, .variable)
    append(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    tag(field, .fixed32)
    append(withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) })
  }

  mutating func add(_ field: UInt64, _ value: [UInt8]) {
    tag(field, .delimited)
    append(UInt64(value.count))
    append(value)
  }

  mutating func add(_ field: UInt64, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: UInt64, _ message: ProtobufMessage) {
    tag(field, .delimited)
    append(UInt64(message.count))
    for piece in message.pieces { append(piece) }
  }
}

/// The messages; each message knows its fields.
enum ONNX {
  /// TensorProto.DataType.
  enum Element: Int, Sendable { case float32 = 1, uint8 = 2, int64 = 7 }

  struct Model {
    var producer: (name: String, version: String)
    var documentation: String
    var graph: Graph
    var operatorVersion: Int
    var metadata: [(key: String, value: String)]
    static let irVersion = 8

    /// ModelProto.
    var message: ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, Model.irVersion)
      message.add(2, producer.name)
      message.add(3, producer.version)
      message.add(6, documentation)
      message.add(7, graph.message)
      // OperatorSetIdProto: 1 domain, the standard one when it is left out; 2 version.
      var operators = ProtobufMessage()
      operators.add(2, operatorVersion)
      message.add(8, operators)
      for (key, value) in metadata {
        // StringStringEntryProto.
        var entry = ProtobufMessage()
        entry.add(1, key)
        entry.add(2, value)
        message.add(14, entry)
      }
      return message
    }
  }

  struct Graph {
    var name: String
    var nodes: [Node] = []
    var tensors: [Tensor] = []
    var inputs: [Port] = []
    var outputs: [Port] = []

    /// GraphProto.
    var message: ProtobufMessage {
      var message = ProtobufMessage()
      for node in nodes { message.add(1, node.message) }
      message.add(2, name)
      for tensor in tensors { message.add(5, tensor.message) }
      for input in inputs { message.add(11, input.message) }
      for output in outputs { message.add(12, output.message) }
      return message
    }
  }

  struct Node {
    var type: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [Attribute] = []

    /// NodeProto. A node is named as its last output.
    var message: ProtobufMessage {
      var message = ProtobufMessage()
      for input in inputs { message.add(1, input) }
      for output in outputs { message.add(2, output) }
      message.add(3, outputs[outputs.count - 1])
      message.add(4, type)
      for attribute in attributes { message.add(5, attribute.message) }
      return message
    }
  }

  struct Attribute {
    enum Value { case float(Float), integer(Int), text(String), integers([Int]) }

    var name: String
    var value: Value

    init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }

    /// AttributeProto; field 20 is the type: FLOAT 1, INT 2, STRING 3, INTS 7.
    var message: ProtobufMessage {
      var message = ProtobufMessage()
      message.add(1, name)
      switch value {
      case .float(let number):
        message.add(2, number)
        message.add(20, 1)
      case .integer(let number):
        message.add(3, number)
        message.add(20, 2)
      case .text(let text):
        message.add(4, text)
        message.add(20, 3)
      case .integers(let numbers):
        for number in numbers { message.add(8, number) }
        message.add(20, 7)
      }
      return message
    }
  }

  struct Tensor {
    var name: String
    var element: Element
    var shape: [Int]
    var bytes: [UInt8]

    init(_ name: String, shape: [Int], _ values: [Float]) {
      (self.name, element, self.shape) = (name, .float32, shape)
      bytes = [UInt8](unsafeUninitializedCapacity: 4 * values.count) { target, count in
        for (index, value) in values.enumerated() {
          withUnsafeBytes(of: value.bitPattern.littleEndian) {
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[(4 * index)...])
              .copyMemory(from: $0)
          }
        }
        count = 4 * values.count
      }
    }

    init(_ name: String, integers: [Int]) {
      (self.name, element, shape) = (name, .int64, [integers.count])
      bytes = integers.flatMap { withUnsafeBytes(of: Int64($0).littleEndian) { Array($0) } }
    }

    /// TensorProto: 1 dims, 2 data_type, 8 name, 9 raw_data.
    var message: ProtobufMessage {
      var message = ProtobufMessage()
      for extent in shape { message.add(1, extent) }
      message.add(2, element.rawValue)
      message.add(8, name)
      message.add(9, bytes)
      return message
    }
  }

  struct Port {
    enum Extent { case fixed(Int), named(String) }

    var name: String
    var element: Element
    var shape: [Extent]

    /// ValueInfoProto: 1 name, 2 TypeProto: 1 TypeProto.Tensor: 1 elem_type, 2 TensorShapeProto: 1 Dimension:
    /// 1 dim_value or 2 dim_param.
    var message: ProtobufMessage {
      var dimensions = ProtobufMessage()
      for extent in shape {
        var dimension = ProtobufMessage()
        switch extent {
        case .fixed(let count): dimension.add(1, count)
        case .named(let name): dimension.add(2, name)
        }
        dimensions.add(1, dimension)
      }
      var tensor = ProtobufMessage()
      tensor.add(1, element.rawValue)
      tensor.add(2, dimensions)
      var type = ProtobufMessage()
      type.add(1, tensor)
      var message = ProtobufMessage()
      message.add(1, name)
      message.add(2, type)
      return message
    }
  }
}
