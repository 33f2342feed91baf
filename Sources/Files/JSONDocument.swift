import Foundation

/// A value as JSON, with its keys in alphabetical order.
package enum JSONDocument {
  /// A file that people read: indented, with a line feed at the end.
  /// - Parameter allowsNonFinite: whether infinities and NaN are written as null, for which JSON has no numbers; otherwise
  ///   they cannot be encoded.
  /// - Throws: `EncodingError` for what JSON cannot hold.
  package static func bytes(of value: some Encodable, allowsNonFinite: Bool = false) throws -> [UInt8] {
    Array(try text(of: value, .prettyPrinted, allowsNonFinite).utf8) + [UInt8(ascii: "\n")]
  }

  /// The same as a text.
  package static func text(of value: some Encodable, allowsNonFinite: Bool = false) throws -> String {
    String(decoding: try bytes(of: value, allowsNonFinite: allowsNonFinite), as: UTF8.self)
  }

  /// One line, without a line feed.
  package static func line(of value: some Encodable, allowsNonFinite: Bool = false) throws -> String {
    try text(of: value, [], allowsNonFinite)
  }

  private static func text(
    of value: some Encodable, _ layout: JSONEncoder.OutputFormatting, _ allowsNonFinite: Bool
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = layout.union([.sortedKeys, .withoutEscapingSlashes])
    guard allowsNonFinite else { return String(decoding: try encoder.encode(value), as: UTF8.self) }
    // An encoder cannot be set to write null. No text of the value can be the same: it is drawn anew each time.
    let notFinite = UUID().uuidString
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: notFinite, negativeInfinity: notFinite, nan: notFinite)
    return String(decoding: try encoder.encode(value), as: UTF8.self).replacing("\"\(notFinite)\"", with: "null")
  }
}
