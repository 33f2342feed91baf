import Files
import Foundation
import ZeroMQ

/// A folder that only this user may enter, with the sockets by which the processes of one command find each other: what
/// is in plain text there, no other user hears, and no other user says anything.
struct SocketFolder: Sendable {
  private let path: String

  init() throws {
    // What a system names for temporary files may be too long for a socket's address.
    let named = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.utf8.count <= 60 ? $0 : nil }
    guard let path = named.flatMap({ SocketFolder.make(in: $0) }) ?? SocketFolder.make(in: "/tmp") else {
      throw FileError("make a folder for sockets in", "/tmp", systemError: errno)
    }
    self.path = path
  }

  private static func make(in place: String) -> String? {
    var path = Array("\(place)/elbo-XXXXXX".utf8CString)
    guard mkdtemp(&path) != nil else { return nil }
    return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Of the process that the others look for.
  var endpoint: Endpoint { Endpoint(.ipc(path: path + "/coordinator")) }

  /// A place for another socket in the folder of this one; `nil` where it lies in none.
  static func neighbor(of endpoint: Endpoint) -> Endpoint? {
    guard case .ipc(let path) = endpoint.transport, let slash = path.lastIndex(of: "/") else { return nil }
    return Endpoint(.ipc(path: path[...slash] + "node-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)))
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}
