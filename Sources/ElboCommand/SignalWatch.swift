import Dispatch
import Foundation
import Synchronization
import Training

/// Hears Ctrl-C, SIGTERM and SIGHUP, which a closed terminal sends, instead of dying of them.
final class SignalWatch {
  /// Whether this process was started to outlive the terminal, as nohup does; checked before anything here changes what
  /// a signal does.
  private static let outlivesTerminal: Bool = {
    var action = sigaction()
    guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
    // SIG_IGN, which is a pointer made of the number 1.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }()

  /// `timeout` and job systems send a signal to a process and then to its group: what comes within a second of a signal is
  /// the same request, not a second one.
  private static let oneRequest: Duration = .seconds(1)

  private let sources: [any DispatchSourceSignal]

  /// - Parameters:
  ///   - isSupervised: whether this process is the child of a launcher, which alone is for Ctrl-C, and whose end is
  ///     this process's end: standard input is a pipe that the launcher holds open.
  ///   - handler: called each time with the signal's name.
  init(isSupervised: Bool = false, _ handler: @escaping @Sendable (String) -> Void) {
    let outlivesTerminal = SignalWatch.outlivesTerminal
    let last = LastSignal()
    sources = [(SIGINT, "Ctrl-C"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")].compactMap { number, name in
      if number == SIGHUP, outlivesTerminal { return nil }
      signal(number, SIG_IGN)
      if isSupervised, number == SIGINT { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { if last.isAnother(after: SignalWatch.oneRequest) { handler(name) } }
      source.resume()
      return source
    }
    if isSupervised { Thread(block: SignalWatch.endWithLauncher).start() }
  }

  /// Requests a stop at the first signal, and ends the process at the second one.
  convenience init(stopping stop: StopRequest) {
    self.init { _ in
      if stop.isRequested { ExitStatus.interrupted.endAtOnce() }
      stop.request()
    }
  }

  private static func endWithLauncher() {
    var byte: UInt8 = 0
    while true {
      let count = read(0, &byte, 1)
      if count == 0 || (count < 0 && errno != EINTR) { ExitStatus.failed.endAtOnce() }
    }
  }

  func end() {
    for source in sources { source.cancel() }
  }
}

/// When the last signal came that was a request of its own.
private final class LastSignal: Sendable {
  private let moment = Mutex<ContinuousClock.Instant?>(nil)

  func isAnother(after pause: Duration) -> Bool {
    moment.withLock { moment in
      let now = ContinuousClock.now
      if let before = moment, now - before < pause { return false }
      moment = now
      return true
    }
  }
}
