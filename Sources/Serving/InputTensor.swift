import Datasets

/// A named tensor that a client sends.
struct InputTensor: Sendable {
  let name: String
  /// Nil: it is as its data is.
  let datatype: Datatype?
  /// Nil: it is as long as its data.
  let shape: [Int]?
  let content: Content

  enum Content: Sendable {
    case json(TensorData)
    /// As the type says.
    case binary(ArraySlice<UInt8>)
  }

  /// What JSON says of it.
  struct Form: Decodable {
    let name: String
    let shape: [Int]?
    let datatype: String?
    let data: TensorData?
    let binarySize: Int?

    init(from decoder: any Decoder) throws {
      let members = try decoder.members(["name", "shape", "datatype", "data", "parameters"], of: "an input")
      name = try members.decode(String.self, forKey: "name")
      shape = try members.decodeIfPresent([Int].self, forKey: "shape")
      datatype = try members.decodeIfPresent(String.self, forKey: "datatype")
      data = try members.decodeIfPresent(TensorData.self, forKey: "data")
      binarySize = try members.decodeIfPresent(Parameters.self, forKey: "parameters")?.binarySize
    }

    private struct Parameters: Decodable {
      let binarySize: Int?

      init(from decoder: any Decoder) throws {
        // Clients of MLServer say how they coded their arrays, which the type says too.
        let members = try decoder.members(["binary_data_size", "content_type"], of: "an input's parameters")
        binarySize = try members.number("binary_data_size", in: 0...Int.max)
      }
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
  func cells() throws(Refusal) -> TensorData {
    let cells: TensorData
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
