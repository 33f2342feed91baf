import Datasets
import Runs

/// A named tensor that a client sends.
struct InputTensor: Sendable {
  let name: String
  /// Nil: it is as its data is.
  let datatype: Datatype?
  /// Nil: it is as long as its data.
  let shape: [Int]?
  let content: Content

  enum Content: Sendable {
    case json(InputTable.Cells)
    /// As the type says.
    case binary(ArraySlice<UInt8>)
  }

  /// What JSON says of it.
  struct Form {
    private(set) var name = ""
    private(set) var shape: [Int]?
    private(set) var datatype: String?
    private(set) var data: InputTable.Cells?
    private(set) var binarySize: Int?

    init(_ reader: inout JSONReader) throws(Refusal) {
      var hasName = false
      let keys = ["name", "shape", "datatype", "data", "parameters"]
      try reader.object("An input", keys: keys) { reader, key throws(Refusal) in
        switch key {
        case "name": (name, hasName) = (try reader.string("The name of an input"), true)
        case "datatype": datatype = try reader.string("The datatype of an input")
        case "data": data = try InputTable.Cells(&reader)
        case "shape":
          var extents: [Int] = []
          try reader.list("The shape of an input") { reader throws(Refusal) in
            guard extents.count < 16 else { throw Refusal(400, "The shape of an input has more than 16 extents.") }
            extents.append(try reader.integer("An extent of a shape", in: 0...Int.max))
          }
          shape = extents
        default:
          // Clients of MLServer say how they coded their arrays, which the type says too.
          let keys = ["binary_data_size", "content_type"]
          try reader.object("An input's parameters", keys: keys) { reader, key throws(Refusal) in
            guard key == "content_type" else { return binarySize = try reader.integer(key, in: 0...Int.max) }
            _ = try reader.string(key)
          }
        }
      }
      guard hasName else { throw Refusal(400, "An input has no name.") }
    }
  }

  /// - Parameter binary: what follows the JSON; what is this tensor's is taken from it.
  init(_ form: Form, _ binary: inout ArraySlice<UInt8>) throws(Refusal) {
    (name, shape) = (form.name, form.shape)
    if let text = form.datatype {
      guard let known = Datatype(rawValue: text) else {
        throw Refusal(400, "input \(form.name): \(text.prefix(20)) is no datatype of the protocol")
      }
      datatype = known
    } else {
      datatype = nil
    }
    switch (form.data, form.binarySize) {
    case (let data?, nil): content = .json(data)
    case (nil, let size?):
      guard datatype != nil, shape != nil else {
        throw Refusal(400, "input \(form.name): binary data needs a datatype and a shape")
      }
      guard size <= binary.count else {
        throw Refusal(400, "input \(form.name): its binary_data_size is \(size), and \(binary.count) bytes are left")
      }
      content = .binary(binary.prefix(size))
      binary = binary.dropFirst(size)
    default: throw Refusal(400, "input \(form.name) must have either data or a binary_data_size")
    }
  }

  /// Its elements as the cells of a table's column; how many there are.
  func cells() throws(Refusal) -> InputTable.Cells {
    let cells: InputTable.Cells
    switch content {
    case .json(.numbers(let numbers)):
      guard datatype != .BYTES || numbers.allSatisfy(\.isNaN) else { throw refusal("its data are no texts") }
      cells = datatype == .BYTES ? .texts(numbers.map { _ in "" }) : .numbers(try narrowed(numbers))
    case .json(.texts(let texts)):
      guard datatype ?? .BYTES == .BYTES else { throw refusal("its data are texts, and its datatype \(datatype!)") }
      cells = .texts(texts)
    case .binary(let bytes):
      if datatype == .BYTES {
        guard let texts = Datatype.texts(of: bytes) else { throw refusal("its binary data are no texts") }
        cells = .texts(texts)
      } else {
        guard let scalar = datatype?.scalar, scalar != .float16, bytes.count % scalar.size == 0 else {
          throw refusal("its binary data are no whole numbers of \(datatype!)")
        }
        cells = .numbers(datatype!.numbers(of: bytes))
      }
    }
    if case .texts(let texts) = cells {
      guard texts.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } }) else {
        throw refusal("a text has a control character")
      }
    }
    guard shape.map({ !$0.isEmpty && $0[0] == cells.count && $0.dropFirst().allSatisfy { $0 == 1 } }) ?? true else {
      throw refusal("\(cells.count) cells do not have the shape \(shape!)")
    }
    return cells
  }

  /// Numbers of the datatype, so that JSON and binary data give the same; NaN stays.
  private func narrowed(_ numbers: [Double]) throws(Refusal) -> [Double] {
    switch datatype {
    case nil, .FP64: return numbers
    case .FP32: return numbers.map { Double(Float($0)) }
    default:
      guard !numbers.contains(where: \.isNaN) else { return numbers }
      return datatype!.numbers(of: try datatype!.bytes(of: numbers, in: name)[...])
    }
  }

  func refusal(_ what: String) -> Refusal { Refusal(400, "input \(name.prefix(40)): \(what)") }
}
