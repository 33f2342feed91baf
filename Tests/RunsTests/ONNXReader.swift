import Foundation

/// The graph of an ONNX file, read for tests: fields by their numbers in onnx.proto.
struct ONNXReader {
  struct Node {
    var type = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: Attribute] = [:]
  }

  struct Attribute {
    var float: Float = 0
    var integer = 0
    var text = ""
    var integers: [Int] = []
  }

  private(set) var nodes: [Node] = []
  private(set) var tensors: [String: Numbers] = [:]
  private(set) var inputs: [String] = []
  private(set) var outputs: [String] = []
  private(set) var metadata: [String: String] = [:]
  private(set) var version = 0

  init(_ bytes: [UInt8]) {
    for field in Field.all(bytes[...]) {
      switch field.number {
      case 7: readGraph(field.bytes)
      case 8: version = Field.all(field.bytes).first { $0.number == 2 }!.value
      case 14:
        let pair = Field.all(field.bytes)
        metadata[pair[0].text] = pair[1].text
      default: break
      }
    }
  }

  private mutating func readGraph(_ bytes: ArraySlice<UInt8>) {
    for field in Field.all(bytes) {
      switch field.number {
      case 1: nodes.append(ONNXReader.node(field.bytes))
      case 5:
        let (name, numbers) = ONNXReader.tensor(field.bytes)
        precondition(tensors[name] == nil, "two tensors are named \(name)")
        tensors[name] = numbers
      case 11: inputs.append(Field.all(field.bytes)[0].text)
      case 12: outputs.append(Field.all(field.bytes)[0].text)
      default: break
      }
    }
  }

  private static func node(_ bytes: ArraySlice<UInt8>) -> Node {
    var node = Node()
    for field in Field.all(bytes) {
      switch field.number {
      case 1: node.inputs.append(field.text)
      case 2: node.outputs.append(field.text)
      case 4: node.type = field.text
      case 5:
        let fields = Field.all(field.bytes)
        var attribute = Attribute()
        for field in fields.dropFirst() {
          switch field.number {
          case 2: attribute.float = Float(bitPattern: UInt32(field.value))
          case 3: attribute.integer = field.value
          case 4: attribute.text = field.text
          case 8: attribute.integers.append(field.value)
          default: break
          }
        }
        node.attributes[fields[0].text] = attribute
      default: break
      }
    }
    return node
  }

  private static func tensor(_ bytes: ArraySlice<UInt8>) -> (String, Numbers) {
    var (name, shape, isFloat, raw) = ("", [Int](), true, ArraySlice<UInt8>())
    for field in Field.all(bytes) {
      switch field.number {
      case 1: shape.append(field.value)
      case 2: isFloat = field.value == 1
      case 8: name = field.text
      default: raw = field.bytes
      }
    }
    let values = Array(raw).withUnsafeBytes { bytes in
      isFloat
        ? (0..<bytes.count / 4).map { Double(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
        : (0..<bytes.count / 8).map { Double(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
    }
    return (name, Numbers(shape, values))
  }

  private struct Field {
    let number: Int
    var value = 0
    var bytes: ArraySlice<UInt8> = []
    var text: String { String(decoding: bytes, as: UTF8.self) }

    static func all(_ bytes: ArraySlice<UInt8>) -> [Field] {
      var (rest, fields) = (bytes, [Field]())
      func variable() -> Int {
        var (value, shift) = (UInt64(0), UInt64(0))
        while let byte = rest.popFirst() {
          value |= UInt64(byte & 0x7F) << shift
          shift += 7
          if byte < 0x80 { break }
        }
        return Int(Int64(bitPattern: value))
      }
      while !rest.isEmpty {
        let tag = variable()
        var field = Field(number: tag >> 3)
        switch tag & 7 {
        case 0: field.value = variable()
        case 5:
          field.value = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
          rest = rest.dropFirst(4)
        default:
          let count = variable()
          field.bytes = rest.prefix(count)
          rest = rest.dropFirst(count)
        }
        fields.append(field)
      }
      return fields
    }
  }
}

/// A tensor in double precision, row by row.
struct Numbers {
  var shape: [Int]
  var values: [Double]

  init(_ shape: [Int], _ values: [Double]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) numbers are not of the shape \(shape)")
    (self.shape, self.values) = (shape, values)
  }

  /// The places of all numbers, as indices of the axes.
  static func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
  }

  private func offset(_ place: [Int]) -> Int { zip(shape, place).reduce(0) { $0 * $1.0 + $1.1 } }

  subscript(place: [Int]) -> Double { values[offset(place)] }

  init(_ shape: [Int], by value: ([Int]) -> Double) { self.init(shape, Numbers.places(shape).map(value)) }

  func map(_ function: (Double) -> Double) -> Numbers { Numbers(shape, values.map(function)) }

  /// The number that stands at a place of a larger shape, as NumPy repeats them.
  func broadcast(_ place: [Int]) -> Double {
    self[zip(shape, place.suffix(shape.count)).map { $0 == 1 ? 0 : $1 }]
  }

  func combined(_ other: Numbers, _ function: (Double, Double) -> Double) -> Numbers {
    let rank = max(shape.count, other.shape.count)
    func extent(_ shape: [Int], _ axis: Int) -> Int {
      axis < rank - shape.count ? 1 : shape[axis - rank + shape.count]
    }
    let whole = (0..<rank).map { axis in
      let (one, two) = (extent(shape, axis), extent(other.shape, axis))
      return one == 1 ? two : one
    }
    return Numbers(whole) { function(broadcast($0), other.broadcast($0)) }
  }
}
