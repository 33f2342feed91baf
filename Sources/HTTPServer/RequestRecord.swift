/// What happened to a request, for logs and metrics.
public struct RequestRecord: Sendable, CustomStringConvertible {
  /// Empty where it was no request.
  public let method: String
  /// The path and query as they were sent.
  public let target: String
  public let status: Int
  /// From the whole request to its whole answer; zero where it was refused by its head.
  public let duration: Duration

  /// A line for a log.
  public var description: String {
    let target = String(
      target.unicodeScalars.prefix(200).map { (0x21...0x7E).contains($0.value) ? Character($0) : "?" })
    let milliseconds = (duration / .milliseconds(1) * 100).rounded() / 100
    return "\(method.isEmpty ? "-" : method) \(target.isEmpty ? "-" : target) \(status) \(milliseconds) ms"
  }
}
