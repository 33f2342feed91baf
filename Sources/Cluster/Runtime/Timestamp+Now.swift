import Messages

extension Timestamp {
  private static let origin = ContinuousClock.now

  /// Time since the process began to count it.
  static var now: Timestamp { Timestamp(nanoseconds: (ContinuousClock.now - origin).nanoseconds) }

  var instant: ContinuousClock.Instant { Timestamp.origin + .nanoseconds(nanoseconds) }
}
