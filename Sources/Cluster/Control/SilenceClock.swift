import Messages

/// How long another process has been silent, in time that passes only while this one runs.
package struct SilenceClock: Sendable {
  private var clock: AwakeClock
  private var lastHeard: Timestamp

  /// The other was heard at this time.
  package init(at time: Timestamp) {
    clock = AwakeClock(at: time)
    lastHeard = time
  }

  /// What an `AwakeClock` shows.
  package var now: Timestamp { clock.now }
  package var silence: Duration { clock.now - lastHeard }

  /// To be called often, with the time of day.
  package mutating func tick(_ time: Timestamp) { clock.tick(time) }

  /// The other was heard, or silence counts from now.
  package mutating func heard() { lastHeard = clock.now }
}
