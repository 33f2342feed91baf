/// `count` examples of one shape and one element kind, row after row: immutable numbers, on the heap or mapped from
/// a file. Copies share the numbers.
public struct ExampleArray: Sendable {
  public let kind: ElementKind
  /// How many examples; at least one.
  public let count: Int
  /// The shape of one example, for example [28, 28]; a plain number has the shape [1].
  public let shape: [Int]
  /// The product of `shape`.
  public let elementsPerExample: Int
  /// Exactly `count × elementsPerExample` elements; their start is aligned to the element's size.
  /// Nil: they are not there.
  private let region: ByteRegion?
  private var bytes: ByteRegion {
    guard let region else { preconditionFailure("only the schema of this data is known, its examples are not there") }
    return region
  }

  /// Takes bytes that have been checked: `count` and every extent at least 1, as many bytes as they say, aligned.
  init(kind: ElementKind, count: Int, shape: [Int], bytes: ByteRegion) {
    let elements = shape.reduce(1, *)
    precondition(count > 0 && elements > 0 && bytes.count == count * elements * kind.size)
    self.kind = kind
    self.count = count
    self.shape = shape.isEmpty ? [1] : shape
    self.elementsPerExample = elements
    region = bytes
  }

  /// Examples that are not there: their count, shape and kind are known, their numbers must not be touched.
  init(absent count: Int, shape: [Int], kind: ElementKind) {
    self.init(kind: kind, count: count, shape: shape, region: nil)
  }

  private init(kind: ElementKind, count: Int, shape: [Int], region: ByteRegion?) {
    (self.kind, self.count, self.shape, self.region) = (kind, count, shape, region)
    elementsPerExample = shape.reduce(1, *)
  }

  /// The same numbers as examples of another shape with as many numbers.
  func shaped(_ shape: [Int]) -> ExampleArray {
    precondition(shape.reduce(1, *) == elementsPerExample)
    return ExampleArray(kind: kind, count: count, shape: shape, region: region)
  }

  /// Whether the numbers are there.
  public var hasNumbers: Bool { region != nil }

  /// Examples from numbers in memory, for generated data and tests.
  ///
  /// - Parameters:
  ///   - values: as many elements as some number of whole examples have, at least one example.
  ///   - shape: of one example, every extent at least 1.
  public init<T: ExampleElement>(_ values: [T], shape: [Int]) {
    let elements = shape.reduce(1, *)
    precondition(elements > 0 && !values.isEmpty && values.count % elements == 0, "values do not fill whole examples")
    do {
      let storage = try ByteStorage.allocate(
        byteCount: values.count * MemoryLayout<T>.stride, for: DataPlace(file: "memory")
      ) { (buffer) throws(DataError) in
        values.withUnsafeBytes { buffer.copyMemory(from: $0) }
      }
      self.init(
        kind: T.elementKind, count: values.count / elements, shape: shape, bytes: ByteRegion(storage))
    } catch {
      preconditionFailure("\(error)")
    }
  }

  public var byteCount: Int { region?.count ?? 0 }

  /// Whether the numbers are a file's pages, which need not fit into memory.
  public var isMapped: Bool { region?.storage.isMapped ?? false }

  /// All elements as bytes, in the machine's byte order.
  public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try bytes.withUnsafeBytes(body)
  }

  /// All elements, example after example. `T` must be the type that `kind` names.
  public func withUnsafeBufferPointer<T: ExampleElement, R, E: Error>(
    as type: T.Type, _ body: (UnsafeBufferPointer<T>) throws(E) -> R
  ) throws(E) -> R {
    precondition(T.elementKind == kind, "the elements are \(kind.rawValue)")
    return try bytes.withUnsafeBytes { (raw) throws(E) -> R in
      try body(raw.assumingMemoryBound(to: T.self))
    }
  }

  /// The examples of a non-empty range, sharing the numbers.
  public subscript(examples: Range<Int>) -> ExampleArray {
    precondition(examples.lowerBound >= 0 && examples.upperBound <= count && !examples.isEmpty)
    return ExampleArray(kind: kind, count: examples.count, shape: shape, bytes: bytes[byteRange(examples)])
  }

  /// Lets the system drop these examples from memory when they are mapped from a file, so that a sweep through a
  /// file larger than memory stays small. They are still there: touching them brings them back. Otherwise no effect.
  public func releaseResident(_ examples: Range<Int>) {
    guard isMapped else { return }
    let start = bytes.range.lowerBound
    let range = byteRange(examples)
    bytes.storage.releaseResident(start + range.lowerBound..<start + range.upperBound)
  }

  /// Copies of the examples at `indices`, in that order. Every index must be below `count`; at least one is needed.
  public func gathering(_ indices: [UInt32]) throws(DataError) -> ExampleArray {
    precondition(!indices.isEmpty)
    let stride = elementsPerExample * kind.size
    let (total, overflow) = indices.count.multipliedReportingOverflow(by: stride)
    guard !overflow else {
      throw DataError(.tooLarge, "more bytes than can be counted", advice: "select fewer examples")
    }
    let storage = try ByteStorage.allocate(byteCount: total, for: DataPlace(file: "memory")) {
      (target) throws(DataError) in
      withUnsafeBytes { source in
        // A mapped file is read around each example, so what lies between them has to be let go as well.
        var released = 0
        for (row, index) in indices.enumerated() {
          precondition(index < count)
          (target.baseAddress! + row * stride).copyMemory(
            from: source.baseAddress! + Int(index) * stride, byteCount: stride)
          guard isMapped, (Int(index) - released) * stride > 8 << 20 else { continue }
          releaseResident(released..<Int(index) + 1)
          released = Int(index)
        }
        releaseResident(0..<count)
      }
    }
    return ExampleArray(kind: kind, count: indices.count, shape: shape, bytes: ByteRegion(storage))
  }

  private func byteRange(_ examples: Range<Int>) -> Range<Int> {
    let stride = elementsPerExample * kind.size
    return examples.lowerBound * stride..<examples.upperBound * stride
  }
}

extension ExampleArray {
  /// The numbers of the examples of a range as doubles.
  public func doubles(_ examples: Range<Int>) -> [Double] {
    let elements = examples.lowerBound * elementsPerExample..<examples.upperBound * elementsPerExample
    return switch kind {
    case .uint8: withUnsafeBufferPointer(as: UInt8.self) { $0[elements].map(Double.init) }
    case .float32: withUnsafeBufferPointer(as: Float.self) { $0[elements].map(Double.init) }
    case .float64: withUnsafeBufferPointer(as: Double.self) { Array($0[elements]) }
    }
  }

  /// An element as a double.
  public func number(_ index: Int) -> Double {
    switch kind {
    case .uint8: withUnsafeBufferPointer(as: UInt8.self) { Double($0[index]) }
    case .float32: withUnsafeBufferPointer(as: Float.self) { Double($0[index]) }
    case .float64: withUnsafeBufferPointer(as: Double.self) { $0[index] }
    }
  }
}

extension ExampleArray {
  /// What to say of targets that may be meant as classes: a few whole numbers, each of many examples.
  func classesHint(name: String) -> String? {
    guard elementsPerExample == 1 else { return nil }
    var values: Set<Int> = []
    for index in 0..<count {
      guard let value = Int(exactly: number(index)) else { return nil }
      values.insert(value)
      guard values.count <= 10 else { return nil }
    }
    guard let least = values.min(), let most = values.max(), least < most, count >= 5 * values.count else { return nil }
    let found = "target '\(name)' has only \(values.count) values, whole numbers from \(least) to \(most),"
    return "\(found) and is taken as a number; --set \(DataKey.targetKind)=classes takes it as a class".oneLine
  }
}

extension ExampleArray: CustomStringConvertible {
  public var description: String {
    "\(count) × \(shape.map(String.init).joined(separator: "×")) \(kind.rawValue)"
  }
}

extension ExampleArray {
  /// The first NaN or infinity in reading order, or nil. In pieces, so that a mapped file does not stay resident.
  func firstNonFinite(allowingNaN: Bool) -> (example: Int, element: Int, isNaN: Bool)? {
    guard kind != .uint8 else { return nil }
    let examplesPerPiece = max(1, (8 << 20) / (elementsPerExample * kind.size))
    var start = 0
    while start < count {
      let piece = start..<min(start + examplesPerPiece, count)
      let part = self[piece]
      let found =
        kind == .float32
        ? part.withUnsafeBufferPointer(as: Float.self) { Self.firstNonFinite($0, allowingNaN) }
        : part.withUnsafeBufferPointer(as: Double.self) { Self.firstNonFinite($0, allowingNaN) }
      if let found {
        return (start + found.index / elementsPerExample, found.index % elementsPerExample, found.isNaN)
      }
      releaseResident(piece)
      start = piece.upperBound
    }
    return nil
  }

  private static func firstNonFinite<T: BinaryFloatingPoint>(
    _ values: UnsafeBufferPointer<T>, _ allowingNaN: Bool
  ) -> (index: Int, isNaN: Bool)? {
    // A whole block without a branch first: 0 × x is 0 for every finite x and NaN for all others.
    let block = 1024
    var start = 0
    while start < values.count {
      let end = min(start + block, values.count)
      var sum: T = 0
      for i in start..<end { sum += 0 * values[i] }
      if sum != 0 {
        for i in start..<end where !values[i].isFinite && !(allowingNaN && values[i].isNaN) {
          return (i, values[i].isNaN)
        }
      }
      start = end
    }
    return nil
  }
}
