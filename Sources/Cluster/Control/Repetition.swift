import Messages

/// Something that is said again until it is answered, at most once in an interval.
package struct Repetition: Sendable {
  private var lastAt: Timestamp?

  package init() {}

  /// Whether it is to be said now: the first time at once, and then when more than the interval has passed.
  package mutating func isDue(every interval: Duration, now: Timestamp) -> Bool {
    if let lastAt, now - lastAt <= interval { return false }
    lastAt = now
    return true
  }

  /// Has the interval begin anew: an answer has come.
  package mutating func postpone(from now: Timestamp) { lastAt = now }

  /// Makes it due at once.
  package mutating func hasten() { lastAt = nil }
}
