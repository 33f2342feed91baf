import Foundation
import Synchronization

/// Processes that this one has started, to be ended or killed.
package final class Children: Sendable {
  private let running = Mutex<Set<pid_t>>([])
  private let left: Mutex<Int>
  private let killed = Atomic(false)

  /// - Parameter count: how many there will be.
  package init(_ count: Int = 0) { left = Mutex(count) }

  /// One of them has ended. Returns how many are left.
  func ended() -> Int {
    left.withLock { left in
      left -= 1
      return left
    }
  }

  func add(_ process: pid_t) { _ = running.withLock { $0.insert(process) } }
  func remove(_ process: pid_t) { _ = running.withLock { $0.remove(process) } }

  var wereKilled: Bool { killed.load(ordering: .acquiring) }

  func killAll() {
    killed.store(true, ordering: .releasing)
    send(SIGKILL)
  }

  /// Sends a signal to those that run.
  package func send(_ signal: CInt) { running.withLock { for process in $0 { kill(process, signal) } } }
}
