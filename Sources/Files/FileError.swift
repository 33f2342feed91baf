import Glibc

/// A file could not be read or written: what was being done, to which path, what the system said, what to do next.
///
/// ```
/// cannot write runs/vae/metrics.jsonl: No space left on device; free some space or choose another folder
/// ```
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure. New kinds may be added, so a `switch` over them needs a `default`.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private let name: String
    public var description: String { name }

    public static let notFound = Code(name: "notFound")
    public static let notPermitted = Code(name: "notPermitted")
    public static let outOfSpace = Code(name: "outOfSpace")
    public static let isFolder = Code(name: "isFolder")
    public static let notFolder = Code(name: "notFolder")
    public static let tooLarge = Code(name: "tooLarge")
    public static let invalidPath = Code(name: "invalidPath")
    /// A device, a pipe or a socket: nothing that another file can be put in place of.
    public static let notReplaceable = Code(name: "notReplaceable")
    /// Anything else; see ``FileError/systemError``.
    public static let other = Code(name: "other")
  }

  /// What was being done, as a verb that fits "cannot … PATH": "write", "read", "rename".
  public let operation: String
  /// The path as the caller gave it.
  public let path: String
  public let code: Code
  /// The system's error number, or 0 when the failure was found before the system was asked.
  public let systemError: CInt
  /// What was wrong, in words.
  public let reason: String

  /// A failure that the system reported as `systemError` (an `errno`).
  public init(_ operation: String, _ path: String, systemError: CInt) {
    self.operation = operation
    self.path = path
    self.systemError = systemError
    self.code = Code(systemError: systemError)
    self.reason = String(cString: strerror(systemError))
  }

  /// A failure found here, without the system's help.
  public init(_ operation: String, _ path: String, code: Code, reason: String) {
    self.operation = operation
    self.path = path
    self.systemError = 0
    self.code = code
    self.reason = reason
  }

  /// What the user can do about it, or nil where only the reason can help.
  public var remedy: String? {
    switch code {
    case .notFound: "check the path"
    case .notPermitted: "check who may write or read there, or choose another path"
    case .outOfSpace: "free some space or choose another folder"
    case .isFolder, .notReplaceable: "name a file"
    case .notFolder: "name a folder"
    default: nil
    }
  }

  public var description: String {
    // A path may hold line breaks or terminal escapes; the message stays one line.
    let shown = String(path.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
    return "cannot \(operation) \(shown): \(reason)" + (remedy.map { "; \($0)" } ?? "")
  }
}

extension FileError.Code {
  init(systemError: CInt) {
    switch systemError {
    case ENOENT: self = .notFound
    case EACCES, EPERM, EROFS: self = .notPermitted
    case ENOSPC, EDQUOT: self = .outOfSpace
    case EISDIR: self = .isFolder
    case ENOTDIR: self = .notFolder
    case EFBIG: self = .tooLarge
    case ENAMETOOLONG, ELOOP: self = .invalidPath
    default: self = .other
    }
  }
}
