import CPNG

/// A picture could not be decoded or encoded. Code that knows the file's name adds it.
public struct ImageError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure. New kinds may be added, so a `switch` over them needs a `default`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private let name: String
    public var description: String { name }

    /// The bytes are not a PNG file at all.
    public static let notPNG = Code(name: "notPNG")
    /// The bytes end before the picture does.
    public static let truncated = Code(name: "truncated")
    /// The bytes contradict the format.
    public static let invalid = Code(name: "invalid")
    /// More pixels than are accepted.
    public static let tooLarge = Code(name: "tooLarge")
    /// Colours or features that are not read.
    public static let unsupported = Code(name: "unsupported")
    public static let outOfMemory = Code(name: "outOfMemory")
  }

  public let code: Code
  /// What was wrong, in a few words.
  public let reason: String

  public var description: String { reason }

  init(code: Code, reason: String) {
    self.code = code
    self.reason = reason
  }

  init(_ status: cpng_status, _ message: cpng_message) {
    code =
      switch status {
      case CPNG_NOT_PNG: .notPNG
      case CPNG_TRUNCATED: .truncated
      case CPNG_TOO_LARGE: .tooLarge
      case CPNG_NO_MEMORY: .outOfMemory
      default: .invalid
      }
    reason = withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
