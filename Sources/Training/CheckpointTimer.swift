/// Says when so much time has passed that a checkpoint is due. It has no clock: times are since whatever the caller
/// counts from.
package struct CheckpointTimer: Sendable {
  private let interval: Duration?
  private var since: Duration?

  /// - Parameter interval: nil: a checkpoint is never due.
  package init(_ interval: Duration?) { self.interval = interval }

  /// Whether the interval has passed since `restart`, or since the first question.
  package mutating func isDue(at time: Duration) -> Bool {
    guard let interval else { return false }
    guard let since else {
      since = time
      return false
    }
    return time - since >= interval
  }

  /// A checkpoint is there: the time to the next one counts from now.
  package mutating func restart(at time: Duration) { since = time }
}
