/// A protocol buffer message in the making: the few kinds of fields that event files have.
struct ProtoMessage {
  private(set) var bytes: [UInt8] = []

  mutating func integer(_ field: Int, _ value: Int) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ field: Int, _ value: Double) {
    varint(UInt64(field) << 3 | 1)
    littleEndian(value.bitPattern)
  }

  mutating func float(_ field: Int, _ value: Float) {
    varint(UInt64(field) << 3 | 5)
    littleEndian(value.bitPattern)
  }

  mutating func data(_ field: Int, _ content: some Collection<UInt8>) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  mutating func text(_ field: Int, _ content: String) { data(field, Array(content.utf8)) }

  mutating func message(_ field: Int, _ fill: (inout ProtoMessage) -> Void) {
    var inner = ProtoMessage()
    fill(&inner)
    data(field, inner.bytes)
  }

  mutating func doubles(_ field: Int, _ values: [Double]) {
    var packed = ProtoMessage()
    for value in values { packed.littleEndian(value.bitPattern) }
    data(field, packed.bytes)
  }

  private mutating func littleEndian(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// The whole number of a field, where the message begins with fields of 8 bytes and whole numbers; nil: it has none.
  static func integer(_ wanted: UInt64, in bytes: some Collection<UInt8>) -> Int? {
    var rest = bytes[...]
    func varint() -> UInt64? {
      var (value, shift): (UInt64, UInt64) = (0, 0)
      while let byte = rest.popFirst(), shift < 64 {
        value |= UInt64(byte & 0x7F) << shift
        guard byte & 0x80 != 0 else { return value }
        shift += 7
      }
      return nil
    }
    while let tag = varint() {
      switch tag & 7 {
      case 0:
        guard let value = varint() else { return nil }
        if tag >> 3 == wanted { return Int(truncatingIfNeeded: value) }
      case 1: rest = rest.dropFirst(8)
      default: return nil
      }
    }
    return nil
  }
}
