import Dispatch
import Foundation

/// Hears Ctrl-C and SIGTERM instead of dying of them.
final class SignalWatch {
  private let sources: [any DispatchSourceSignal]

  /// - Parameters:
  ///   - isSupervised: whether this process is the child of a launcher, which alone is for Ctrl-C, and whose end is
  ///     this process's end: standard input is a pipe that the launcher holds open.
  ///   - handler: called each time with the signal's name.
  init(isSupervised: Bool = false, _ handler: @escaping @Sendable (String) -> Void) {
    sources = [(SIGINT, "Ctrl-C"), (SIGTERM, "SIGTERM")].compactMap { number, name in
      signal(number, SIG_IGN)
      if isSupervised, number == SIGINT { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { handler(name) }
      source.resume()
      return source
    }
    if isSupervised { Thread(block: SignalWatch.endWithLauncher).start() }
  }

  private static func endWithLauncher() {
    var byte: UInt8 = 0
    while true {
      let count = read(0, &byte, 1)
      if count == 0 || (count < 0 && errno != EINTR) { exit(ExitStatus.failed.rawValue) }
    }
  }

  func end() {
    for source in sources { source.cancel() }
  }
}
