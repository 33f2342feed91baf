import Synchronization
import Testing
import ZeroMQ

/// An actor without a socket.
private actor Worker {
  let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }
  private(set) var count = 0
  private(set) var fired: [Int] = []

  init(_ context: ZeroMQContext) { self.context = context }

  func add() {
    precondition(context.executor.isCurrent)
    count += 1
  }

  /// Goes through another executor and back.
  func addAfterLeaving() async {
    await Task.detached {}.value
    add()
  }

  func timers() async {
    let now = ContinuousClock.now
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      for (index, milliseconds) in [30, 10, 20, 10].enumerated() {
        _ = context.executor.setTimer(at: now.advanced(by: .milliseconds(milliseconds))) {
          self.assumeIsolated { $0.fired.append(index) }
          guard milliseconds == 30 else { return }
          // Already due, but set by a timer: next round.
          _ = self.context.executor.setTimer(at: now) {
            self.assumeIsolated { $0.fired.append(4) }
            done.resume()
          }
        }
      }
      let cancelled = context.executor.setTimer(at: now.advanced(by: .milliseconds(5))) {
        self.assumeIsolated { $0.fired.append(99) }
      }
      context.executor.cancelTimer(cancelled)
    }
  }
}

@Suite(.timeLimit(.minutes(15))) struct ExecutorTests {
  @Test func runsJobsOfManyTasksOneAtATime() async throws {
    try await withContext { context in
      let workers = [Worker(context), Worker(context)]
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<2000 {
          group.addTask { await workers[index % 2].add() }
          group.addTask { await workers[index % 2].addAfterLeaving() }
        }
      }
      #expect(await workers[0].count == 2000)
      #expect(await workers[1].count == 2000)
    }
  }

  @Test func isolationIsKnown() async throws {
    try await withContext { context in
      #expect(context.executor.isIsolatingCurrentContext() == false)
      #expect(!context.executor.isCurrent)
      let worker = Worker(context)
      await worker.add()
    }
  }

  @Test func timersFireInOrder() async throws {
    try await withContext { context in
      let worker = Worker(context)
      await worker.timers()
      #expect(await worker.fired == [1, 3, 2, 0, 4])
    }
  }
}
