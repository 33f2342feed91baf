/// A point of time for the state machines, which have no clock: nanoseconds since whatever the caller counts from.
public struct Timestamp: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static let zero = Timestamp(nanoseconds: 0)

  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  public static func + (time: Self, duration: Duration) -> Timestamp {
    Timestamp(nanoseconds: time.nanoseconds &+ duration.nanoseconds)
  }

  public static func - (left: Self, right: Self) -> Duration { .nanoseconds(left.nanoseconds - right.nanoseconds) }
}

extension Duration {
  /// Whole nanoseconds; three centuries at most.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
      ? (seconds < 0 ? .min / 2 : .max / 2) : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  var milliseconds: Int { Int(nanoseconds / 1_000_000) }
}
