/// Why bytes are not a message. Bytes from outside are hostile until decoded: decoding throws this and nothing else,
/// and never traps.
public struct MessageError: Error, Hashable, Sendable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Not protobuf, or not of this message.
    public static let malformed = Code(rawValue: "malformed")
    /// The frames do not make one message: none, too many, or a payload whose length is not the one announced.
    public static let frames = Code(rawValue: "frames")
    /// Larger than any honest message.
    public static let tooLarge = Code(rawValue: "too-large")
    /// Another version of the protocol.
    public static let version = Code(rawValue: "version")
    /// A required field is missing or zero.
    public static let missing = Code(rawValue: "missing")
    /// A number, a count or a combination of fields that cannot be.
    public static let range = Code(rawValue: "range")
    /// A digest or key of the wrong length.
    public static let length = Code(rawValue: "length")
    /// Text that is not UTF-8.
    public static let text = Code(rawValue: "text")
    /// An enumerator that this version does not know.
    public static let enumerator = Code(rawValue: "enumerator")
    /// No body, or one that this version does not know.
    public static let body = Code(rawValue: "body")
    /// The payload's checksum is not the announced one.
    public static let checksum = Code(rawValue: "checksum")
  }

  public let code: Code
  /// The field, as in `Hello.lanes`.
  public let field: String
  /// What was found and what was expected.
  public let detail: String

  public init(_ code: Code, _ field: String, _ detail: String) {
    self.code = code
    self.field = field
    self.detail = detail
  }

  public var description: String { "\(field): \(detail) (\(code.rawValue))" }
}
