import Foundation

/// A line of metrics.jsonl as a page shows it.
struct MetricsLine {
  /// More names than this a line has not.
  static let mostNames = 500

  var step = 0
  var epoch = Double.nan
  var seconds = Double.nan
  /// By name, such as `train/elbo`; NaN where the line says null.
  var values: [(name: String, value: Double)] = []

  /// Reads what `MetricsRecord.json` wrote: an object of numbers. Nil: it is something else.
  init?(_ bytes: ArraySlice<UInt8>) {
    var reader = Reader(bytes)
    guard reader.take("{") else { return nil }
    var hasStep = false
    repeat {
      guard let name = reader.name(), reader.take(":"), let value = reader.number() else { return nil }
      switch name {
      case "step":
        guard let number = Int(exactly: value) else { return nil }
        (step, hasStep) = (number, true)
      case "epoch": epoch = value
      case "seconds": seconds = value
      default: values.append((name, value))
      }
      guard values.count <= MetricsLine.mostNames else { return nil }
    } while reader.take(",")
    guard reader.take("}"), reader.isAtEnd, hasStep else { return nil }
  }

  private struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    private mutating func skipSpaces() {
      while let byte = rest.first, byte == 0x20 || byte == 0x09 || byte == 0x0D { rest.removeFirst() }
    }

    var isAtEnd: Bool {
      mutating get {
        skipSpaces()
        return rest.isEmpty
      }
    }

    mutating func take(_ sign: Unicode.Scalar) -> Bool {
      skipSpaces()
      guard rest.first == UInt8(ascii: sign) else { return false }
      rest.removeFirst()
      return true
    }

    /// A name without a backslash; those of metrics have none.
    mutating func name() -> String? {
      guard take("\""), let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
      let bytes = rest[..<end]
      guard bytes.count <= 200, !bytes.contains(where: { $0 == UInt8(ascii: "\\") || $0 < 0x20 }) else { return nil }
      rest = rest[(end + 1)...]
      return String(validating: bytes, as: UTF8.self)
    }

    mutating func number() -> Double? {
      skipSpaces()
      let bytes = rest.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "}") && $0 != 0x20 }
      rest = rest[bytes.endIndex...]
      guard bytes.count <= 40 else { return nil }
      let text = String(decoding: bytes, as: UTF8.self)
      if text == "null" { return .nan }
      guard let value = Double(text), value.isFinite else { return nil }
      return value
    }
  }
}
