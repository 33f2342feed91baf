/// Time that passes only while the process runs. A process that was stopped, or got no processor, has received nothing
/// meanwhile: it must not take its own absence for the silence of others.
public struct AwakeClock: Sendable {
  /// What it shows.
  public private(set) var now: Timestamp
  private var tickedAt: Timestamp
  private let longest: Duration

  /// - Parameters:
  ///   - time: what it shows at first.
  ///   - longest: more than that between two ticks is absence.
  public init(at time: Timestamp, longest: Duration = .seconds(1)) {
    (now, tickedAt) = (time, time)
    self.longest = longest
  }

  /// To be called often, with the time of day.
  public mutating func tick(_ time: Timestamp) {
    now = now + min(time - tickedAt, longest)
    tickedAt = time
  }
}
