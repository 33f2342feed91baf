import Messages

/// How far a job is, as its nodes' heartbeats say.
package struct JobProgress: Sendable {
  /// The furthest phase that a node has begun.
  package private(set) var furthest = PhaseIndex.start
  /// When a node last got on.
  private var movedAt: Timestamp
  /// Since when steps are made; `nil` before.
  package private(set) var runningSince: Timestamp?

  package init(now: Timestamp) { movedAt = now }

  package mutating func follow(_ heartbeat: Heartbeat, now: Timestamp) {
    if heartbeat.position > furthest {
      furthest = heartbeat.position
      movedAt = now
      if runningSince == nil { runningSince = now }
    }
    if heartbeat.stage == .evaluating { movedAt = now }
  }

  /// Other nodes compute now: how long nothing moves counts from here.
  package mutating func viewChanged(now: Timestamp) { movedAt = now }

  /// How long nothing has moved.
  package func stillness(now: Timestamp) -> Duration { now - movedAt }
}
