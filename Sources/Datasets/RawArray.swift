/// An array as a file holds it: any number type, either byte order, either memory order, not yet interpreted.
package struct RawArray: Sendable {
  package let scalar: ScalarType
  /// Whether the file's byte order is not this machine's.
  package let isByteSwapped: Bool
  /// Whether the first index runs fastest (Fortran order).
  package let isColumnMajor: Bool
  package let shape: [Int]
  let bytes: ByteRegion
  package let place: DataPlace

  /// `bytes` must have exactly the size that `shape` and `scalar` say.
  init(
    scalar: ScalarType, isByteSwapped: Bool, isColumnMajor: Bool, shape: [Int], bytes: ByteRegion, place: DataPlace
  ) {
    precondition(Datasets.byteCount(shape: shape, elementSize: scalar.size) == bytes.count)
    self.scalar = scalar
    self.isByteSwapped = isByteSwapped
    // With one index, or with all but one of extent 1, both orders are the same.
    self.isColumnMajor = isColumnMajor && shape.count { $0 != 1 } > 1
    self.shape = shape
    self.bytes = bytes
    self.place = place
  }

  /// An array of little-endian numbers in memory, in C order.
  /// - Throws: `.mismatched` where the bytes are not as many as the shape says.
  package init(
    littleEndian bytes: [UInt8], scalar: ScalarType, shape: [Int], place: DataPlace
  ) throws(DataError) {
    guard Datasets.byteCount(shape: shape, elementSize: scalar.size) == bytes.count else {
      throw DataError(
        .mismatched, at: place, "\(counted(bytes.count, "byte")) for the shape \(shape) of \(scalar.rawValue)",
        advice: "give as many numbers as the shape says")
    }
    let storage = try ByteStorage.allocate(byteCount: bytes.count, for: place) { (buffer) throws(DataError) in
      buffer.copyBytes(from: bytes)
    }
    self.init(
      scalar: scalar, isByteSwapped: !Self.machineIsLittleEndian, isColumnMajor: false, shape: shape,
      bytes: ByteRegion(storage), place: place)
  }

  static let machineIsLittleEndian = 1.littleEndian == 1

  private var elementCount: Int { bytes.count / scalar.size }

  /// The array as examples along its first axis.
  ///
  /// Bytes and booleans stay bytes; 8- and 16-bit integers and half floats become float32, wider integers float64,
  /// all exactly. What already lies as it is needed is not copied. Throws `.empty`, `.unsupported` for a single number
  /// without axes and for integers beyond ±2⁵³, which float64 cannot hold.
  package func examples() throws(DataError) -> ExampleArray {
    guard let count = shape.first else {
      throw DataError(
        .unsupported, at: place, "holds a single number, not examples", advice: "store an array with one row an example"
      )
    }
    guard !shape.contains(0) else {
      throw DataError(
        .empty, at: place, "has no elements (shape \(shape))",
        advice: "store at least one example of at least one number")
    }
    let exampleShape = Array(shape.dropFirst())
    if let kind = directKind, !isByteSwapped, !isColumnMajor, isAligned(to: kind.size) {
      return ExampleArray(kind: kind, count: count, shape: exampleShape, bytes: bytes)
    }
    let (kind, converted): (ElementKind, ByteRegion) =
      switch scalar {
      case .bool, .uint8: (.uint8, try convert { (bits: UInt8) in bits })
      case .int8: (.float32, try convert { (bits: UInt8) in Float(Int8(bitPattern: bits)) })
      case .int16: (.float32, try convert { (bits: UInt16) in Float(Int16(bitPattern: bits)) })
      case .uint16: (.float32, try convert { (bits: UInt16) in Float(bits) })
      case .float16: (.float32, try convert { (bits: UInt16) in Float(halfBits: bits) })
      case .float32: (.float32, try convert { (bits: UInt32) in Float(bitPattern: bits) })
      case .int32: (.float64, try convert { (bits: UInt32) in Double(Int32(bitPattern: bits)) })
      case .uint32: (.float64, try convert { (bits: UInt32) in Double(bits) })
      case .int64: (.float64, try convert { (bits: UInt64) in Double(exactly: Int64(bitPattern: bits)) })
      case .uint64: (.float64, try convert { (bits: UInt64) in Double(exactly: bits) })
      case .float64: (.float64, try convert { (bits: UInt64) in Double(bitPattern: bits) })
      }
    return ExampleArray(kind: kind, count: count, shape: exampleShape, bytes: converted)
  }

  private var directKind: ElementKind? {
    switch scalar {
    case .bool, .uint8: .uint8
    case .float32: .float32
    case .float64: .float64
    default: nil
    }
  }

  private func isAligned(to size: Int) -> Bool {
    bytes.withUnsafeBytes { Int(bitPattern: $0.baseAddress) % size == 0 }
  }

  /// One class index an example: non-negative integers, in any number type, along the first axis.
  package func labels() throws(DataError) -> [UInt32] {
    try wholeNumbers(in: 0..<Self.maximumClasses).map { UInt32($0) }
  }

  /// One whole number an example, in any number type, along the first axis.
  func wholeNumbers(in bounds: Range<Int> = -1 << 53..<1 << 53) throws(DataError) -> [Int] {
    guard let count = shape.first, shape.dropFirst().allSatisfy({ $0 == 1 }) else {
      throw DataError(
        .mismatched, at: place, "labels of shape \(shape)", advice: "store one class number an example, shape [N]")
    }
    guard count > 0 else {
      throw DataError(.empty, at: place, "has no labels", advice: "store one class number an example")
    }
    var labels: [Int] = []
    labels.reserveCapacity(count)
    try bytes.withUnsafeBytes { (raw) throws(DataError) in
      for index in 0..<count {
        let value = number(at: index, in: raw)
        guard let label = Int(exactly: value), bounds.contains(label) else {
          throw DataError(
            .badLabel, at: place, "label \(value) of example \(index) is not a class number",
            advice: "number the classes 0, 1, 2, …, or ask for values instead of classes")
        }
        labels.append(label)
      }
    }
    return labels
  }

  /// A label beyond this is taken for something else: a network would get an output for every class below it.
  package static let maximumClasses = 1 << 20

  /// Whether the numbers are whole by type.
  package var isInteger: Bool {
    switch scalar {
    case .float16, .float32, .float64: false
    default: true
    }
  }

  /// The element at a row-major index. Large 64-bit integers are rounded.
  private func number(at index: Int, in raw: UnsafeRawBufferPointer) -> Double {
    func bits<T: FixedWidthInteger>(_: T.Type) -> T {
      let value = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
      return isByteSwapped ? value.byteSwapped : value
    }
    return switch scalar {
    case .bool, .uint8: Double(bits(UInt8.self))
    case .int8: Double(bits(Int8.self))
    case .int16: Double(bits(Int16.self))
    case .uint16: Double(bits(UInt16.self))
    case .int32: Double(bits(Int32.self))
    case .uint32: Double(bits(UInt32.self))
    case .int64: Double(bits(Int64.self))
    case .uint64: Double(bits(UInt64.self))
    case .float16: Double(Float(halfBits: bits(UInt16.self)))
    case .float32: Double(Float(bitPattern: bits(UInt32.self)))
    case .float64: Double(bitPattern: bits(UInt64.self))
    }
  }

  /// Writes every element, in row-major order, as `transform` makes it from the stored bits; nil is an integer that
  /// the target cannot hold.
  private func convert<Bits: FixedWidthInteger & UnsignedInteger, Target: ExampleElement>(
    _ transform: (Bits) -> Target?
  ) throws(DataError) -> ByteRegion {
    let size = MemoryLayout<Target>.size
    let (total, overflow) = elementCount.multipliedReportingOverflow(by: size)
    guard !overflow else {
      throw DataError(.tooLarge, at: place, "more bytes than can be counted", advice: "split the array")
    }
    let storage = try ByteStorage.allocate(byteCount: total, for: place) { (target) throws(DataError) in
      let output = target.assumingMemoryBound(to: Target.self)
      try bytes.withUnsafeBytes { (raw) throws(DataError) in
        var written = 0
        func emit(_ index: Int) throws(DataError) {
          var bits = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)
          if isByteSwapped { bits = bits.byteSwapped }
          guard let value = transform(bits) else {
            throw DataError(
              .unsupported, at: place, "an integer at element \(index) lies beyond ±2^53",
              advice: "store such numbers as float64, rounded as you want them")
          }
          output.initializeElement(at: written, to: value)
          written += 1
        }
        if isColumnMajor {
          try forEachColumnMajorIndex(emit)
        } else {
          for index in 0..<elementCount { try emit(index) }
        }
      }
    }
    return ByteRegion(storage)
  }

  /// Counts through the indices in row-major order and gives each one's position in the column-major file.
  private func forEachColumnMajorIndex(_ body: (Int) throws(DataError) -> Void) throws(DataError) {
    var strides: [Int] = []
    var next = 1
    for extent in shape {
      strides.append(next)
      next *= extent
    }
    var index = [Int](repeating: 0, count: shape.count)
    var position = 0
    for _ in 0..<elementCount {
      try body(position)
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        position += strides[axis]
        if index[axis] < shape[axis] { break }
        position -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}

extension Float {
  /// The value of an IEEE 754 half-precision number, exactly. (`Float16` is missing on some x86 systems.)
  init(halfBits: UInt16) {
    let sign: Float = halfBits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(halfBits >> 10 & 0x1f)
    let fraction = Float(halfBits & 0x3ff)
    switch exponent {
    case 0: self = sign * fraction * 0x1p-24
    case 31: self = fraction == 0 ? sign * .infinity : .nan
    default: self = sign * (1 + fraction * 0x1p-10) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  }
}
