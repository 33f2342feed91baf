import CZeroMQ
import Glibc
import Synchronization

/// A serial executor whose thread waits for sockets, timers and actors' jobs at once.
///
/// A ZeroMQ socket belongs to one thread, and a blocking call on Swift's cooperative pool starves it. So each context
/// has one thread of its own, and the actors that use its sockets run on it. The thread polls an eventfd (by which
/// other threads announce jobs) and the sockets, level-triggered, calls the handlers of those that are ready, and
/// then runs the jobs. A handler takes what there is with `receive`, up to a bound of its choice: what it leaves is
/// reported again.
///
/// An actor keeps its executor strongly and names it in `unownedExecutor`; handlers and timers run on the actor's
/// thread, so they enter it with `assumeIsolated`.
public final class PollingExecutor: SerialExecutor, @unchecked Sendable {
  private struct Inbox {
    var jobs: [UnownedJob] = []
    var bodies: [@Sendable () -> Void] = []
    var asleep = false
    var stopping = false
    var stopped = false
  }

  private struct Watch {
    var handler: (Readiness) -> Void
    var interest: Readiness
  }

  private let inbox = Mutex(Inbox())
  private let wakeDescriptor: Int32
  private let name: String

  // Written once by `start`, before the executor is handed to anyone.
  private nonisolated(unsafe) var thread = pthread_t()

  // Guarded by the polling thread.
  private nonisolated(unsafe) var watches: [UnsafeMutableRawPointer: Watch] = [:]
  private nonisolated(unsafe) var items: [zmq_pollitem_t] = []
  private nonisolated(unsafe) var itemsAreStale = true
  private nonisolated(unsafe) var timers = TimerQueue()
  private nonisolated(unsafe) var wakefulness = Duration.zero

  /// What a socket is ready for, or watched for.
  public struct Readiness: OptionSet, Sendable {
    public let rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }
    public static let readable = Readiness(rawValue: Int16(ZMQ_POLLIN))
    public static let writable = Readiness(rawValue: Int16(ZMQ_POLLOUT))
  }

  init(name: String) throws(ZeroMQError) {
    let descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    // Before everything is set: `deinit` is for executors that were there.
    guard descriptor >= 0 else { throw ZeroMQError(doing: "making an eventfd", errno: errno) }
    self.name = name
    wakeDescriptor = descriptor
  }

  deinit {
    precondition(inbox.withLock { $0.stopped }, "a ZeroMQContext was dropped without close()")
  }

  // MARK: Jobs

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let wake = inbox.withLock { inbox in
      precondition(!inbox.stopped, "an actor still runs on a ZeroMQContext that is closed")
      inbox.jobs.append(job)
      defer { inbox.asleep = false }
      return inbox.asleep
    }
    if wake { wakeUp() }
  }

  /// Runs `body` on the polling thread, after what was asked for before. From any thread; a context that is closed
  /// drops it.
  public func run(_ body: @escaping @Sendable () -> Void) {
    let wake = inbox.withLock { inbox in
      guard !inbox.stopped else { return false }
      inbox.bodies.append(body)
      defer { inbox.asleep = false }
      return inbox.asleep
    }
    if wake { wakeUp() }
  }

  public func checkIsolated() { precondition(isCurrent, "not on the thread of this ZeroMQContext") }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Whether this is the polling thread.
  public var isCurrent: Bool { pthread_equal(pthread_self(), thread) != 0 }

  private func wakeUp() {
    var one: UInt64 = 1
    // The counter can only be full when a wake-up is already pending.
    while write(wakeDescriptor, &one, 8) < 0, errno == EINTR {}
  }

  // MARK: Sockets and timers; on the polling thread

  /// Calls `handler` whenever the socket is ready, until it is closed. `handler` runs on the polling thread.
  public func watch(
    _ socket: borrowing Socket, for interest: Readiness = .readable, _ handler: @escaping (Readiness) -> Void
  ) {
    watch(handle: socket.handle, for: interest, handler)
  }

  /// Changes what a watched socket is watched for: `writable` only while there is something to write, or the thread
  /// never sleeps.
  public func setInterest(_ interest: Readiness, of socket: borrowing Socket) {
    checkIsolated()
    guard watches[socket.handle] != nil, watches[socket.handle]!.interest != interest else { return }
    watches[socket.handle]!.interest = interest
    itemsAreStale = true
  }

  func watch(
    handle: UnsafeMutableRawPointer, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
  ) {
    checkIsolated()
    watches[handle] = Watch(handler: handler, interest: interest)
    itemsAreStale = true
  }

  func forget(handle: UnsafeMutableRawPointer) {
    checkIsolated()
    if watches.removeValue(forKey: handle) != nil { itemsAreStale = true }
  }

  /// Calls `body` on the polling thread once `deadline` has passed.
  public func setTimer(at deadline: ContinuousClock.Instant, _ body: @escaping () -> Void) -> TimerID {
    checkIsolated()
    return timers.insert(deadline: deadline, body)
  }

  /// A timer that has fired or was cancelled already is none of its business.
  public func cancelTimer(_ timer: TimerID) {
    checkIsolated()
    timers.remove(timer)
  }

  /// Has the thread stay awake so long for something to come before it sleeps: for times in which it alone is waited
  /// for, since to wake a thread takes longer than many an answer. It yields the processor to any other thread that
  /// wants it.
  public func stayAwake(for duration: Duration) {
    checkIsolated()
    wakefulness = duration
  }

  // MARK: The thread

  func start() throws(ZeroMQError) {
    // The lock is taken so that the thread sees `thread` before it runs a job.
    let status = inbox.withLock { _ in
      pthread_create(
        &thread, nil,
        { argument in
          Unmanaged<PollingExecutor>.fromOpaque(argument!).takeUnretainedValue().run()
          return nil
        }, Unmanaged.passUnretained(self).toOpaque())
    }
    guard status == 0 else {
      abandon()
      throw ZeroMQError(doing: "starting a polling thread", errno: status)
    }
  }

  /// Of an executor whose thread was never started, or is joined.
  func abandon() {
    inbox.withLock { $0.stopped = true }
    close(wakeDescriptor)
  }

  /// Runs what is enqueued, ends the thread and joins it.
  func stop() {
    precondition(!isCurrent, "a context cannot be closed from its own thread")
    inbox.withLock { $0.stopping = true }
    wakeUp()
    pthread_join(thread, nil)
    abandon()
  }

  private func run() {
    pthread_setname_np(pthread_self(), String(name.prefix(15)))
    var jobs: [UnownedJob] = []
    var bodies: [@Sendable () -> Void] = []
    while true {
      let stopping = inbox.withLock { inbox in
        swap(&jobs, &inbox.jobs)
        swap(&bodies, &inbox.bodies)
        return inbox.stopping
      }
      for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      for body in bodies { body() }
      if stopping, jobs.isEmpty, bodies.isEmpty { return }
      // Now: what they hold might wait for ever to be let go while this thread sleeps.
      jobs.removeAll(keepingCapacity: true)
      bodies.removeAll(keepingCapacity: true)
      fireTimers()
      poll()
    }
  }

  private func fireTimers() {
    guard timers.milliseconds(from: .now) == 0 else { return }
    let now = ContinuousClock.now
    let mark = timers.mark
    while let body = timers.takeDue(at: now, before: mark) { body() }
  }

  private func poll() {
    if itemsAreStale { gatherItems() }
    if wakefulness > .zero, watchAwake() { return }
    let untilTimer = timers.milliseconds(from: .now)
    let timeout = inbox.withLock { inbox -> Int in
      guard inbox.jobs.isEmpty, inbox.bodies.isEmpty, !inbox.stopping else { return 0 }
      inbox.asleep = untilTimer != 0
      return untilTimer
    }
    let ready = zmq_poll(&items, Int32(items.count), timeout)
    if timeout != 0 { inbox.withLock { $0.asleep = false } }
    if ready < 0 {
      let number = zmq_errno()
      precondition(number == EINTR || number == EAGAIN, "zmq_poll: \(String(cString: zmq_strerror(number)))")
      return
    }
    if ready > 0 { handleReady() }
  }

  /// Looks without sleeping; whether something came in time.
  private func watchAwake() -> Bool {
    let end = ContinuousClock.now + wakefulness
    repeat {
      if zmq_poll(&items, Int32(items.count), 0) > 0 {
        handleReady()
        return true
      }
      if inbox.withLock({ !$0.jobs.isEmpty || !$0.bodies.isEmpty || $0.stopping }) { return true }
      sched_yield()
    } while ContinuousClock.now < end && timers.milliseconds(from: .now) != 0
    return false
  }

  private func handleReady() {
    if items[0].revents != 0 {
      var count: UInt64 = 0
      _ = read(wakeDescriptor, &count, 8)
    }
    // A handler may open and close sockets; `items` stays as it is until the next round, and a closed socket's
    // handler is gone.
    for item in items.dropFirst() where item.revents != 0 {
      watches[item.socket]?.handler(Readiness(rawValue: item.revents))
    }
  }

  private func gatherItems() {
    itemsAreStale = false
    items.removeAll(keepingCapacity: true)
    items.append(zmq_pollitem_t(socket: nil, fd: wakeDescriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    for (handle, watch) in watches where !watch.interest.isEmpty {
      items.append(zmq_pollitem_t(socket: handle, fd: 0, events: watch.interest.rawValue, revents: 0))
    }
  }
}
