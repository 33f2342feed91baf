import Files
import Foundation
import ZeroMQ

/// A folder that only this user may enter, with the sockets by which the processes of one command find each other: what
/// is in plain text there, no other user hears, and no other user says anything.
///
/// Each process holds a lock on a file in its folder. A process that is killed leaves its folder behind, and the system
/// gives up its lock; the next process that makes a folder finds the lock free and removes the old folder.
final class SocketFolder: Sendable {
  private static let lockName = "process.lock"

  private let path: String
  private let lock: FileLock

  /// Makes a folder, and removes those of processes that were killed.
  init() throws {
    // What a system names for temporary files may be too long for a socket's address.
    let named = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.utf8.count <= 60 ? $0 : nil }
    for place in [named, "/tmp"].compactMap(\.self) {
      SocketFolder.removeLeftovers(in: place)
      // A process that is looking for leftovers may hold the lock of a new folder for a moment, and then removes it.
      for _ in 0..<10 {
        guard let path = SocketFolder.make(in: place) else { break }
        if case .held(let lock)? = try? FileLock.take(path + "/" + SocketFolder.lockName, saying: "") {
          self.path = path
          self.lock = lock
          return
        }
        try? FileManager.default.removeItem(atPath: path)
      }
    }
    throw FileError("make a folder for sockets in", "/tmp", systemError: errno)
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  private static func make(in place: String) -> String? {
    var path = Array("\(place)/elbo-XXXXXX".utf8CString)
    guard mkdtemp(&path) != nil else { return nil }
    return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes the folders of this user's processes that were killed: those whose lock is free.
  private static func removeLeftovers(in place: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
    where name.wholeMatch(of: /elbo-[A-Za-z0-9]{6}/) != nil {
      let folder = "\(place)/\(name)"
      let file = folder + "/" + lockName
      var status = stat()
      guard lstat(folder, &status) == 0, status.st_uid == geteuid(), status.st_mode == S_IFDIR | 0o700,
        // One that is not there yet is not made, since its folder is just being made.
        lstat(file, &status) == 0, case .held(let lock)? = try? FileLock.take(file, saying: "")
      else { continue }
      try? FileManager.default.removeItem(atPath: folder)
      _ = consume lock
    }
  }

  /// Of the process that the others look for.
  var endpoint: Endpoint { Endpoint(.ipc(path: path + "/coordinator")) }

  /// A place for another socket in the folder of this one; `nil` where it lies in none.
  static func neighbor(of endpoint: Endpoint) -> Endpoint? {
    guard case .ipc(let path) = endpoint.transport, let slash = path.lastIndex(of: "/") else { return nil }
    return Endpoint(.ipc(path: path[...slash] + "node-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)))
  }
}
