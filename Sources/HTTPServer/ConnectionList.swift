import NIOCore
import Synchronization

/// A connection as other threads know it.
struct ConnectionHandle: Sendable {
  private let connection: NIOLoopBound<Connection>
  let loop: any EventLoop

  /// Made on the connection's thread.
  init(_ connection: Connection, on loop: any EventLoop) {
    (self.connection, self.loop) = (NIOLoopBound(connection, eventLoop: loop), loop)
  }

  func execute(_ body: @escaping @Sendable (Connection) -> Void) {
    loop.execute { [connection] in body(connection.value) }
  }

  /// Waits for what the connection does.
  /// - Throws: what it throws; `ChannelError` where it is closed.
  func wait(for body: @escaping @Sendable (Connection) -> EventLoopFuture<Void>?) async throws {
    try await loop.flatSubmit { [connection, loop] in
      body(connection.value) ?? loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
    }.get()
  }
}

/// The connections of a server, which ends when there is none left.
final class ConnectionList: Sendable {
  private struct State {
    var members: [ObjectIdentifier: ConnectionHandle] = [:]
    var isDraining = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  var count: Int { state.withLock { $0.members.count } }

  /// Whether the server is ending: a connection closes after the answer that it waits for.
  var isDraining: Bool { state.withLock { $0.isDraining } }

  /// - Returns: false when there are as many as there may be, or the server is ending.
  func add(_ connection: Connection, on loop: any EventLoop) -> Bool {
    let member = ConnectionHandle(connection, on: loop)
    return state.withLock { state in
      guard state.members.count < limit, !state.isDraining else { return false }
      state.members[ObjectIdentifier(connection)] = member
      return true
    }
  }

  func remove(_ connection: Connection) {
    let waiting = state.withLock { state in
      state.members[ObjectIdentifier(connection)] = nil
      guard state.members.isEmpty else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Lets those that answer finish and closes the others.
  func drain() {
    let members = state.withLock { state in
      state.isDraining = true
      return state.members.values
    }
    for member in members { member.execute { $0.drain() } }
  }

  /// Closes what is left.
  func closeAll() {
    for member in state.withLock({ $0.members.values }) { member.execute { $0.close() } }
  }

  /// Returns when there is no connection.
  func becomesEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if !state.members.isEmpty { state.waiting.append(continuation) }
        return state.members.isEmpty
      }
      if isEmpty { continuation.resume() }
    }
  }
}
