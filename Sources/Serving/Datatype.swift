import Datasets

/// The types of tensors in the Open Inference Protocol.
enum Datatype: String, Sendable {
  case BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FP16, FP32, FP64, BYTES

  /// Nil: texts.
  var scalar: ScalarType? {
    switch self {
    case .BOOL: .bool
    case .INT8: .int8
    case .INT16: .int16
    case .INT32: .int32
    case .INT64: .int64
    case .UINT8: .uint8
    case .UINT16: .uint16
    case .UINT32: .uint32
    case .UINT64: .uint64
    case .FP16: .float16
    case .FP32: .float32
    case .FP64: .float64
    case .BYTES: nil
    }
  }

  /// Numbers as little-endian bytes.
  /// - Throws: `Refusal` for a number that the type does not have.
  func bytes(of numbers: [Double], in name: String) throws(Refusal) -> [UInt8] {
    func whole<T: FixedWidthInteger>(_ type: T.Type) throws(Refusal) -> [UInt8] {
      var result: [UInt8] = []
      result.reserveCapacity(numbers.count * MemoryLayout<T>.size)
      for number in numbers {
        guard let value = T(exactly: number) else { throw Refusal(400, "input \(name): \(number) is no \(self)") }
        withUnsafeBytes(of: value.littleEndian) { result.append(contentsOf: $0) }
      }
      return result
    }
    switch self {
    case .BOOL:
      guard numbers.allSatisfy({ $0 == 0 || $0 == 1 }) else { throw Refusal(400, "input \(name) is not all of BOOL") }
      return numbers.map { UInt8($0) }
    case .INT8: return try whole(Int8.self)
    case .INT16: return try whole(Int16.self)
    case .INT32: return try whole(Int32.self)
    case .INT64: return try whole(Int64.self)
    case .UINT8: return try whole(UInt8.self)
    case .UINT16: return try whole(UInt16.self)
    case .UINT32: return try whole(UInt32.self)
    case .UINT64: return try whole(UInt64.self)
    case .FP16: throw Refusal(400, "input \(name): FP16 has no form in JSON; send it as binary data")
    case .FP32: return Datatype.bytes(of: numbers) { Float($0).bitPattern }
    case .FP64: return Datatype.bytes(ofDoubles: numbers)
    case .BYTES: throw Refusal(400, "input \(name): BYTES are texts")
    }
  }

  /// Numbers as the little-endian bytes of FP64.
  static func bytes(ofDoubles numbers: [Double]) -> [UInt8] { bytes(of: numbers) { $0.bitPattern } }

  private static func bytes<T: FixedWidthInteger>(of numbers: [Double], _ bits: (Double) -> T) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(numbers.count * MemoryLayout<T>.size)
    for number in numbers { withUnsafeBytes(of: bits(number).littleEndian) { result.append(contentsOf: $0) } }
    return result
  }

  /// Little-endian bytes as numbers; as many as fit.
  func numbers(of bytes: ArraySlice<UInt8>) -> [Double] {
    func read<T: FixedWidthInteger>(_ convert: (T) -> Double) -> [Double] {
      bytes.withUnsafeBytes { raw in
        (0..<raw.count / MemoryLayout<T>.size).map { index in
          convert(T(littleEndian: raw.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)))
        }
      }
    }
    switch self {
    case .BOOL, .UINT8: return read { (value: UInt8) in Double(value) }
    case .INT8: return read { (value: Int8) in Double(value) }
    case .INT16: return read { (value: Int16) in Double(value) }
    case .INT32: return read { (value: Int32) in Double(value) }
    case .INT64: return read { (value: Int64) in Double(value) }
    case .UINT16: return read { (value: UInt16) in Double(value) }
    case .UINT32: return read { (value: UInt32) in Double(value) }
    case .UINT64: return read { (value: UInt64) in Double(value) }
    case .FP32: return read { (value: UInt32) in Double(Float(bitPattern: value)) }
    case .FP64: return read { (value: UInt64) in Double(bitPattern: value) }
    case .FP16, .BYTES: return []
    }
  }

  /// The texts of binary data: four little-endian bytes of length, then the text, one after another. Nil: it is no such data.
  static func texts(of bytes: ArraySlice<UInt8>) -> [String]? {
    var (texts, rest) = ([String](), bytes)
    while !rest.isEmpty {
      guard rest.count >= 4 else { return nil }
      let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard length <= rest.count, let text = String(validating: rest.prefix(length), as: UTF8.self) else { return nil }
      texts.append(text)
      rest = rest.dropFirst(length)
    }
    return texts
  }

  static func bytes(ofTexts texts: [String]) -> [UInt8] {
    texts.flatMap { text in
      withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
    }
  }
}
