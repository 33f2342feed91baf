import Foundation

/// A value as JSON, with its keys in alphabetical order.
package enum JSONDocument {
  /// A file that people read: indented, with a line feed at the end.
  /// - Parameter allowsNonFinite: whether infinities and NaN are written as `"inf"`, `"-inf"` and `"nan"`; otherwise they
  ///   cannot be encoded.
  /// - Throws: `EncodingError` for what JSON cannot hold.
  package static func bytes(of value: some Encodable, allowsNonFinite: Bool = false) throws -> [UInt8] {
    Array(try encoder(.prettyPrinted, allowsNonFinite).encode(value)) + [UInt8(ascii: "\n")]
  }

  /// The same as a text.
  package static func text(of value: some Encodable, allowsNonFinite: Bool = false) throws -> String {
    String(decoding: try bytes(of: value, allowsNonFinite: allowsNonFinite), as: UTF8.self)
  }

  /// One line, without a line feed.
  package static func line(of value: some Encodable, allowsNonFinite: Bool = false) throws -> String {
    String(decoding: try encoder([], allowsNonFinite).encode(value), as: UTF8.self)
  }

  private static func encoder(_ layout: JSONEncoder.OutputFormatting, _ allowsNonFinite: Bool) -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = layout.union([.sortedKeys, .withoutEscapingSlashes])
    if allowsNonFinite {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }
    return encoder
  }
}
