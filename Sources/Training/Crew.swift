import CKernels
import COneDNN
import Foundation
import Synchronization
import Tensors

/// What one computing thread has of its own. It is handed to that thread once and used nowhere else.
public final class Lane: @unchecked Sendable {
  public let index: Int
  public let tape = Tape()

  fileprivate init(index: Int) { self.index = index }

  /// Makes the calling thread fit for the lane's work.
  fileprivate func prepareThread() {
    elbo_compute_on_this_thread_only()
    elbo_flush_denormals()
  }
}

/// The lanes of a node: threads that compute, one shard or one range at a time each, and do nothing else.
///
/// Lane 0 is the thread that calls `forEach`; the others wait for work. So one lane costs no synchronisation at all,
/// and what must not wait for a matrix product (heartbeats, progress, status) must not run on the calling thread.
public final class Crew: Sendable {
  public let lanes: Int
  private let members: CrewMembers

  /// - Parameter lanes: how many threads compute, the calling one counted in; at least 1.
  public init(lanes: Int) {
    self.lanes = lanes
    members = CrewMembers(lanes: lanes)
    members.start()
  }

  deinit { members.stop() }

  /// Runs `body` for every item in `0 ..< count`, each on one lane, and returns when all are done. Which lane takes
  /// which item is left to chance: a result must depend on the item alone.
  ///
  /// Throws the error of the lowest item that failed. Called from one thread at a time.
  public func forEach(_ count: Int, _ body: @escaping @Sendable (_ item: Int, _ lane: Lane) throws -> Void) throws {
    try members.forEach(count, body)
  }
}

/// What the threads of a crew share. They keep it, and not the crew, which can so end before one of them has begun.
///
/// Guards: `body`, `count` and `failure` change only while every other lane is idle (`busy` is 0) or, for `failure`,
/// under `lock`.
private final class CrewMembers: @unchecked Sendable {
  typealias Body = @Sendable (Int, Lane) throws -> Void

  private let lanes: Int
  private let members: [Lane]
  private let lock = NSCondition()
  private let generation = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  private let busy = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private var body: Body?
  private var count = 0
  private var failure: (item: Int, error: any Error)?

  init(lanes: Int) {
    precondition(lanes >= 1)
    self.lanes = lanes
    members = (0..<lanes).map(Lane.init)
  }

  func start() {
    for lane in members.dropFirst() {
      let thread = Thread {
        elbo_begin_thread("lane \(lane.index)")
        self.work(on: lane)
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// Ends the threads; no work is under way.
  func stop() {
    stopping.store(true, ordering: .releasing)
    lock.lock()
    generation.add(1, ordering: .acquiringAndReleasing)
    lock.broadcast()
    lock.unlock()
  }

  func forEach(_ count: Int, _ body: @escaping Body) throws {
    // The calling thread may belong to others, who want their denormals back.
    let mode = elbo_floating_point_mode()
    defer { elbo_set_floating_point_mode(mode) }
    members[0].prepareThread()
    if lanes == 1 || count <= 1 {
      for item in 0..<count { try body(item, members[0]) }
      return
    }
    self.body = body
    self.count = count
    failure = nil
    next.store(0, ordering: .relaxed)
    busy.store(lanes - 1, ordering: .relaxed)
    lock.lock()
    generation.add(1, ordering: .acquiringAndReleasing)
    lock.broadcast()
    lock.unlock()
    takeItems(members[0])
    wait { self.busy.load(ordering: .acquiring) == 0 }
    self.body = nil
    if let failure { throw failure.error }
  }

  private func takeItems(_ lane: Lane) {
    guard let body else { return }
    while true {
      let item = next.add(1, ordering: .relaxed).oldValue
      if item >= count { return }
      do {
        try body(item, lane)
      } catch {
        lock.lock()
        if failure == nil || item < failure!.item { failure = (item, error) }
        lock.unlock()
      }
    }
  }

  private func work(on lane: Lane) {
    lane.prepareThread()
    var seen = 0
    while true {
      wait { self.generation.load(ordering: .acquiring) != seen }
      seen = generation.load(ordering: .acquiring)
      if stopping.load(ordering: .acquiring) { break }
      takeItems(lane)
      if busy.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
        lock.lock()
        lock.broadcast()
        lock.unlock()
      }
    }
  }

  /// Waits for a condition that another lane makes true: some microseconds awake, since the wait between two parts
  /// of a step is shorter than waking a thread takes, then asleep.
  private func wait(until condition: () -> Bool) {
    for _ in 0..<4000 where !condition() { spinPause() }
    if condition() { return }
    lock.lock()
    while !condition() { lock.wait() }
    lock.unlock()
  }
}

@inline(__always)
private func spinPause() { elbo_pause() }
