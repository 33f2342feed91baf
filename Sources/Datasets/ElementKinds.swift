/// How the numbers of an `ExampleArray` are held in memory.
public enum ElementKind: String, Sendable, Hashable, CaseIterable {
  case uint8, float32, float64

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .uint8: 1
    case .float32: 4
    case .float64: 8
    }
  }
}

/// A number type of array files, named as numpy names it.
public enum ScalarType: String, Sendable, Hashable, CaseIterable {
  case bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64

  /// Bytes of one number.
  public var size: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }
}

/// A Swift type that array files are written from.
public protocol ArrayElement: BitwiseCopyable, Sendable {
  static var scalarType: ScalarType { get }
}

/// A Swift type that examples are held in.
public protocol ExampleElement: ArrayElement {
  static var elementKind: ElementKind { get }
}

extension UInt8: ExampleElement {
  public static var scalarType: ScalarType { .uint8 }
  public static var elementKind: ElementKind { .uint8 }
}

extension Float: ExampleElement {
  public static var scalarType: ScalarType { .float32 }
  public static var elementKind: ElementKind { .float32 }
}

extension Double: ExampleElement {
  public static var scalarType: ScalarType { .float64 }
  public static var elementKind: ElementKind { .float64 }
}

extension Int32: ArrayElement {
  public static var scalarType: ScalarType { .int32 }
}

extension Int64: ArrayElement {
  public static var scalarType: ScalarType { .int64 }
}

extension UInt32: ArrayElement {
  public static var scalarType: ScalarType { .uint32 }
}

/// The number of bytes that an array of this shape takes, or nil where it exceeds what an `Int` can count.
/// Every shape that a file claims passes through here before it is believed.
func byteCount(shape: some Sequence<Int>, elementSize: Int) -> Int? {
  var total = elementSize
  for extent in shape {
    guard extent >= 0 else { return nil }
    let (product, overflow) = total.multipliedReportingOverflow(by: extent)
    if overflow { return nil }
    total = product
  }
  return total
}
