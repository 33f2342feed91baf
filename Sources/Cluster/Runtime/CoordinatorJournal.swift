import Messages

/// A coordinator's log, and what waits for it on a disk that takes no more, or in a folder that may not be written to: what
/// is not in the log may not be acted upon. The training goes on meanwhile. It has no clock.
package struct CoordinatorJournal {
  package struct Trouble: Sendable {
    /// For the status.
    package let text: String
    fileprivate let retryAt: Timestamp
    fileprivate let wait: Duration
  }

  private static let (shortestWait, longestWait) = (Duration.seconds(1), Duration.seconds(10))

  private var append: (([LogRecord]) throws -> Void)?
  package private(set) var trouble: Trouble?
  private var held: [Membership.Directive] = []

  /// - Parameter append: writes records to the end of the log.
  package init(_ append: @escaping ([LogRecord]) throws -> Void) { self.append = append }

  package var isOpen: Bool { append != nil }

  /// Lets go of the log: then another coordinator may go on with it.
  package mutating func close() { append = nil }

  /// Writes what a start begins with.
  package func begin(_ records: [LogRecord]) throws { try append?(records) }

  /// Writes a record.
  /// - Returns: false when it cannot be written; and a line for the user when that has changed.
  package mutating func write(_ record: LogRecord, now: Timestamp) -> (isWritten: Bool, note: String?) {
    do {
      try append?([record])
      defer { trouble = nil }
      return (true, trouble == nil ? nil : "the coordinator's log is written again")
    } catch {
      // The end of the job need not be known to the next coordinator: its nodes are gone.
      if case .jobEnded = record { return (true, nil) }
      let text = "\(error); until it is written, no node joins and no node is replaced"
      let wait = min(
        max((trouble?.wait ?? .zero) * 2, CoordinatorJournal.shortestWait), CoordinatorJournal.longestWait)
      defer { trouble = Trouble(text: text, retryAt: now + wait, wait: wait) }
      return (false, trouble == nil ? "warning: \(text)" : nil)
    }
  }

  /// Keeps directives until the log is written.
  package mutating func hold(_ directives: ArraySlice<Membership.Directive>) {
    held += directives.filter { if case .reply = $0 { false } else { true } }
  }

  /// While something waits for the log, what is decided later waits behind it. Nodes repeat what they were not answered,
  /// but for heartbeats: those are answered, or nodes would take the coordinator for gone.
  /// - Returns: what may be carried out now.
  package mutating func admit(_ directives: [Membership.Directive]) -> [Membership.Directive] {
    guard !held.isEmpty else { return directives }
    if directives.contains(where: { if case .ended = $0 { true } else { false } }) {
      held = []
      return directives
    }
    hold(directives[...])
    return directives.filter { directive in
      switch directive {
      case .reply(.heartbeatReply), .reply(.stop), .reply(.refused), .reply(.dismissed): true
      default: false
      }
    }
  }

  /// Takes out what waits for the log, when it is to be tried again.
  package mutating func retry(now: Timestamp) -> [Membership.Directive] {
    guard !held.isEmpty, let trouble, now >= trouble.retryAt else { return [] }
    defer { held = [] }
    return held
  }
}
