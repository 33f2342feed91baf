import Glibc

/// The connections of a bound socket over which no message has come yet: who begins properly says something at once, so
/// when they get many, most are strangers'. libzmq bounds how long a greeting takes, and not how many wait at a time.
struct SilentConnections {
  private struct Connection {
    var number: UInt64
    var file: ino_t
  }

  private let limit: Int
  private var connections: [CInt: Connection] = [:]
  private var accepted: UInt64 = 0

  init(limit: Int) { self.limit = limit }

  var isEmpty: Bool { connections.isEmpty }

  mutating func accept(_ descriptor: CInt) {
    accepted += 1
    connections[descriptor] = file(of: descriptor).map { Connection(number: accepted, file: $0) }
  }

  /// It has said something, or is gone.
  mutating func remove(_ descriptor: CInt) { connections[descriptor] = nil }

  /// Hangs up on the oldest while there are too many. Returns on how many.
  ///
  /// libzmq owns the descriptors and says that one is gone before it closes it. So when all that it has said is heard, a
  /// descriptor is that of its connection, or was closed just now, and then may be another file's already.
  mutating func hangUp() -> Int {
    guard connections.count > limit else { return 0 }
    let oldest = connections.sorted { $0.value.number < $1.value.number }.prefix(connections.count - limit)
    for (descriptor, connection) in oldest {
      connections[descriptor] = nil
      if file(of: descriptor) == connection.file { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
    return oldest.count
  }

  private func file(of descriptor: CInt) -> ino_t? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status.st_ino : nil
  }
}
