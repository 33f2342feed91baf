import Glibc
import Synchronization

/// The bytes that are piped into the process. The first call reads them; later calls return the same bytes.
package enum StandardInput {
  /// What stands for it where a file is named.
  package static let name = "-"
  /// What it is called in messages.
  static let title = "standard input"

  private static let contents = Mutex<ByteRegion?>(nil)

  static func read() throws(DataError) -> ByteRegion {
    let result: Result<ByteRegion, DataError> = contents.withLock { known in
      if let known { return .success(known) }
      do throws(DataError) {
        let bytes = try bytes(of: STDIN_FILENO, limit: MachineMemory.bytes / 2)
        known = bytes
        return .success(bytes)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// All bytes up to the end of a stream.
  static func bytes(of descriptor: Int32, limit: Int) throws(DataError) -> ByteRegion {
    let place = DataPlace(file: title)
    guard isatty(descriptor) == 0 else {
      throw DataError(
        .empty, at: place, "nothing is piped into the command", advice: "pipe data into it: cat FILE | elbo …")
    }
    var room = 1 << 20
    var count = 0
    guard var base = malloc(room) else { throw tooLarge(place, room) }
    var isKept = false
    defer { if !isKept { free(base) } }
    while true {
      if count == room {
        guard room <= limit / 2, let larger = realloc(base, 2 * room) else { throw tooLarge(place, room) }
        (base, room) = (larger, 2 * room)
      }
      let got = next(descriptor, base + count, room - count)
      if got > 0 {
        count += got
      } else if got == 0 {
        break
      } else if errno != EINTR {
        throw DataError(
          .unreadable, at: place, "cannot be read: \(String(cString: strerror(errno)))", advice: "pipe data into it",
          systemError: errno)
      }
    }
    isKept = true
    return ByteRegion(
      ByteStorage(adopting: UnsafeRawBufferPointer(start: base, count: count)) {
        free(UnsafeMutableRawPointer(mutating: $0.baseAddress))
      })
  }

  /// What the system's `read` gives.
  private static func next(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
    Glibc.read(descriptor, target, count)
  }

  private static func tooLarge(_ place: DataPlace, _ count: Int) -> DataError {
    DataError(
      .tooLarge, at: place, "has more than \(count) bytes, which do not fit into memory",
      advice: "write them to a file and name it")
  }
}
