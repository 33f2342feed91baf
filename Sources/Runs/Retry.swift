import Files
import Training

/// A write that fails ends nothing: it is reported once, and tried again after 1, 2, 4 and so on up to 60 seconds.
struct Retry: Sendable {
  private static let longest = Duration.seconds(60)

  /// What cannot be written and why; `nil`: all is written.
  private(set) var trouble: String?
  private var wait = Duration.zero
  private var dueAt = ContinuousClock.now

  /// Whether it failed, and is to be tried again now.
  var isDue: Bool { trouble != nil && ContinuousClock.now >= dueAt }
  var isInTrouble: Bool { trouble != nil }
  /// How long until it is to be tried again.
  var timeLeft: Duration { max(.zero, dueAt - .now) }

  /// - Returns: whether this is to be said: the first failure, or another reason.
  mutating func failed(_ what: String, _ error: any Error) -> Bool {
    let text = "\(what) cannot be written: \((error as? FileError)?.reason ?? "\(error)")"
    wait = min(max(wait * 2, .seconds(1)), Retry.longest)
    dueAt = .now + wait
    defer { trouble = text }
    return trouble == nil
  }

  /// - Returns: whether this is to be said, since it had failed before.
  mutating func succeeded() -> Bool {
    defer { (trouble, wait) = (nil, .zero) }
    return trouble != nil
  }
}

/// What is written at the end of a training, and is not to be lost.
package enum LastWrite {
  /// So long the write is retried when no stop is requested.
  package static let patience = Duration.seconds(3600)
  /// So long it is tried when somebody has asked for the end already: a scheduler waits no longer.
  static let haste = Duration.seconds(10)

  /// Tries until it is written.
  /// - Throws: `TrainingError` when the user asks for the end meanwhile, or the time is over.
  static func persist(
    _ what: String, until stop: StopRequest, say: (String) -> Void, _ write: () throws -> Void
  ) async throws {
    var retry = Retry()
    let wasStopped = stop.isRequested
    let end = ContinuousClock.now + (wasStopped ? haste : patience)
    while true {
      do {
        try write()
        if retry.succeeded() { say("\(what) is written") }
        return
      } catch {
        if retry.failed(what, error) { say("warning: \(retry.trouble!); trying again until it can, or SIGTERM") }
      }
      while !retry.isDue {
        guard ContinuousClock.now < end, wasStopped || !stop.isRequested else {
          throw LastWrite.failure(retry.trouble!)
        }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  package static func failure(_ trouble: String) -> TrainingError {
    TrainingError(
      .unwritten, trouble, advice: "what came after the last checkpoint is lost; make room and go on from that")
  }
}
