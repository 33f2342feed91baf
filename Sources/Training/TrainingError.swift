/// Why a training cannot start or go on, in one line, with what to do.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
  /// The kind of failure. New kinds may be added.
  public struct Code: Hashable, Sendable {
    let name: String
    public static let damagedFile = Code(name: "damagedFile")
    /// A file of another version of Elbo.
    public static let otherFormat = Code(name: "otherFormat")
    public static let otherModel = Code(name: "otherModel")
    public static let otherRecipe = Code(name: "otherRecipe")
    /// Numbers come out otherwise here than where the run was trained.
    public static let otherNumerics = Code(name: "otherNumerics")
    public static let otherData = Code(name: "otherData")
    public static let noRun = Code(name: "noRun")
    /// The data that a run was trained on is not where it was.
    public static let noData = Code(name: "noData")
    /// Another process writes to the run.
    public static let isWritten = Code(name: "isWritten")
    /// The end of a training cannot be written.
    public static let unwritten = Code(name: "unwritten")
    public static let unsuitable = Code(name: "unsuitable")
    /// Numbers became infinite or NaN.
    public static let diverged = Code(name: "diverged")
  }

  public let code: Code
  public let message: String
  public let advice: String

  public init(_ code: Code, _ message: String, advice: String) {
    self.code = code
    self.message = message
    self.advice = advice
  }

  public var description: String { "\(message); \(advice)" }
}
