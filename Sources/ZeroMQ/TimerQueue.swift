/// Names a timer of a polling executor.
public struct TimerID: Hashable, Sendable {
  let number: UInt64
}

/// Deadlines in order. A context has a handful of timers, so a sorted array it is.
struct TimerQueue {
  private struct Entry {
    var deadline: ContinuousClock.Instant
    var id: TimerID
    var body: () -> Void
  }

  /// Latest first, so that the next one is the last.
  private var entries: [Entry] = []
  private var nextNumber: UInt64 = 1

  mutating func insert(deadline: ContinuousClock.Instant, _ body: @escaping () -> Void) -> TimerID {
    let id = TimerID(number: nextNumber)
    nextNumber += 1
    let index = entries.firstIndex { $0.deadline <= deadline } ?? entries.endIndex
    entries.insert(Entry(deadline: deadline, id: id, body: body), at: index)
    return id
  }

  mutating func remove(_ id: TimerID) { entries.removeAll { $0.id == id } }

  /// Takes the next timer that is due and older than `mark`, so that a timer set by another waits for the next round.
  mutating func takeDue(at now: ContinuousClock.Instant, before mark: TimerID) -> (() -> Void)? {
    guard let index = entries.lastIndex(where: { $0.deadline <= now && $0.id.number < mark.number }) else { return nil }
    return entries.remove(at: index).body
  }

  /// Timers set from now on are not before it.
  var mark: TimerID { TimerID(number: nextNumber) }

  /// -1: no timer. Rounded up, so that the thread does not wake just before a deadline and spin.
  func milliseconds(from now: ContinuousClock.Instant) -> Int {
    guard let next = entries.last else { return -1 }
    let (seconds, attoseconds) = (next.deadline - now).components
    if seconds < 0 || attoseconds < 0 { return 0 }
    let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
    return Int(min((nanoseconds / 1e6).rounded(.up), 3.6e6))
  }
}
