/// Where in the data something is wrong. Lines count from 1, as editors do; byte offsets from 0.
public struct DataPlace: Sendable, Hashable, CustomStringConvertible {
  public var file: String
  /// The array's key within an archive.
  public var member: String?
  public var line: Int?
  public var column: String?
  public var byteOffset: Int?

  public init(
    file: String, member: String? = nil, line: Int? = nil, column: String? = nil, byteOffset: Int? = nil
  ) {
    self.file = file
    self.member = member
    self.line = line
    self.column = column
    self.byteOffset = byteOffset
  }

  public var description: String {
    var parts = [file]
    if let member { parts.append("array '\(member)'") }
    if let line { parts.append("line \(line)") }
    if let column { parts.append("column '\(column)'") }
    if let byteOffset { parts.append("byte \(byteOffset)") }
    return parts.joined(separator: ", ")
  }
}

/// Data that cannot be used: which kind of fault, where, what is wrong and what to do next. `description` is one line.
public struct DataError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of fault. A struct, so that a new kind breaks no `switch` elsewhere.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private let name: String
    private init(_ name: String) { self.name = name }
    public var description: String { name }

    /// No such file, folder, data set or array.
    public static let notFound = Code("notFound")
    /// It exists but the system would not let it be read.
    public static let unreadable = Code("unreadable")
    /// The bytes contradict themselves: truncated, a header that lies, a checksum that differs.
    public static let damaged = Code("damaged")
    /// Sound data of a kind that is not read.
    public static let unsupported = Code("unsupported")
    /// Parts that belong together do not fit: image and label counts, shapes of train and test.
    public static let mismatched = Code("mismatched")
    /// No examples, or examples without elements.
    public static let empty = Code("empty")
    /// Cells without a value where one is needed.
    public static let missingValues = Code("missingValues")
    /// Text where numbers are needed.
    public static let notNumeric = Code("notNumeric")
    /// A NaN or an infinity among the numbers.
    public static let notFinite = Code("notFinite")
    /// A class label that is negative, fractional or implausibly large.
    public static let badLabel = Code("badLabel")
    /// What was asked for contradicts itself or the data.
    public static let badRequest = Code("badRequest")
    /// More memory than there is.
    public static let tooLarge = Code("tooLarge")
    /// A file that cannot be written.
    public static let unwritable = Code("unwritable")
  }

  public let code: Code
  public let place: DataPlace?
  public let problem: String
  public let advice: String
  /// The system's error number, where a system call failed.
  public let systemError: Int32?

  public init(
    _ code: Code, at place: DataPlace? = nil, _ problem: String, advice: String, systemError: Int32? = nil
  ) {
    self.code = code
    self.place = place
    self.problem = problem
    self.advice = advice
    self.systemError = systemError
  }

  static func notUTF8(at place: DataPlace) -> DataError {
    DataError(
      .unsupported, at: place, "is not UTF-8 text",
      advice: "convert it from its encoding, such as LATIN1, CP949 or SHIFT_JIS: iconv -f ENCODING -t UTF-8 FILE > NEW")
  }

  public var description: String {
    let line = (place.map { "\($0): " } ?? "") + problem + "; " + advice
    return line.oneLine
  }
}

extension String {
  /// File names and cells come from outside: what would break a terminal line is replaced by its escape.
  var oneLine: String {
    var line = ""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .format:
        line += scalar.escaped(asASCII: true)
      default:
        line.unicodeScalars.append(scalar)
      }
    }
    return line
  }

  /// The start of a text, short enough to be shown in a message.
  package var shortened: String {
    count <= 24 ? self : String(prefix(23)) + "…"
  }
}

/// "3 columns", "1 column".
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}

/// Up to eight names, quoted; then how many more there are.
package func listed(_ names: some Collection<String>) -> String {
  let shown = names.prefix(8).map { "'\($0.shortened)'" }.joined(separator: ", ")
  return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
}
