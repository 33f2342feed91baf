import CKernels
import Foundation

/// A thread of its own as the executor of an actor: what the actor computes blocks no other task, above all not the
/// concurrency pool on which heartbeats, progress and status run.
package final class ThreadExecutor: SerialExecutor, @unchecked Sendable {
  /// Guards `jobs` and `isStopping`.
  private let lock = NSCondition()
  private var jobs: [UnownedJob] = []
  private var isStopping = false
  private var thread: Thread?

  /// - Parameter isAside: whether the thread computes only when nothing else wants its processor.
  package init(name: String, isAside: Bool = false) {
    // The thread keeps the executor until `stop`: its owner may let go of it before the thread has begun.
    let thread = Thread {
      elbo_begin_thread(name)
      if isAside { ThreadExecutor.giveWay() }
      self.work()
    }
    thread.stackSize = 8 << 20
    self.thread = thread
    thread.start()
  }

  /// Ends the thread once its jobs are done. The executor is not used afterwards.
  package func stop() {
    lock.lock()
    isStopping = true
    lock.signal()
    lock.unlock()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    lock.lock()
    jobs.append(job)
    lock.signal()
    lock.unlock()
  }

  package func checkIsolated() { precondition(Thread.current === thread) }

  /// On Linux this is about the calling thread alone.
  private static func giveWay() {
    #if os(Linux)
      _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)
    #endif
  }

  private func work() {
    while true {
      lock.lock()
      while jobs.isEmpty && !isStopping { lock.wait() }
      if jobs.isEmpty {
        lock.unlock()
        return
      }
      let job = jobs.removeFirst()
      lock.unlock()
      job.runSynchronously(on: asUnownedSerialExecutor())
    }
  }
}
