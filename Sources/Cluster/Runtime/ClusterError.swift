/// Why a node or a coordinator cannot go on, in one line, with what to do.
public struct ClusterError: Error, CustomStringConvertible, Sendable {
  /// The kind of failure. New kinds may be added.
  public struct Code: Hashable, Sendable {
    let name: String
    /// No coordinator answers.
    public static let unreachable = Code(name: "unreachable")
    /// Another job's coordinator answers where this node's was.
    public static let displaced = Code(name: "displaced")
    /// The coordinator does not want this node, or a message was not understood.
    public static let refused = Code(name: "refused")
    /// The training has failed.
    public static let failed = Code(name: "failed")
    /// The coordinator's log belongs to something else.
    public static let otherJob = Code(name: "otherJob")
  }

  public let code: Code
  public let message: String
  public let advice: String

  public init(_ code: Code, _ message: String, advice: String = "") {
    self.code = code
    self.message = message
    self.advice = advice
  }

  public var description: String { advice.isEmpty ? message : "\(message); \(advice)" }
}
