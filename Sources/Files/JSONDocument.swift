import Foundation

/// A value as a JSON file that people read: indented, with its keys in alphabetical order and a line feed at the end.
package enum JSONDocument {
  /// - Parameter allowsNonFinite: whether infinities and NaN are written as `"inf"`, `"-inf"` and `"nan"`; otherwise they
  ///   cannot be encoded.
  /// - Throws: `EncodingError` for what JSON cannot hold.
  package static func bytes(of value: some Encodable, allowsNonFinite: Bool = false) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    if allowsNonFinite {
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }
    return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
  }

  /// The same as a text.
  package static func text(of value: some Encodable, allowsNonFinite: Bool = false) throws -> String {
    String(decoding: try bytes(of: value, allowsNonFinite: allowsNonFinite), as: UTF8.self)
  }
}
