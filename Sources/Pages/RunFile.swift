import Files
import Foundation

/// A file of a run folder, read only if it is one: a run may come from somebody else, and a link in it may lead anywhere.
struct RunFile {
  /// Why a file is not shown.
  struct Refusal: Error { let sentence: String }

  private let handle: FileHandle
  let size: Int

  /// - Throws: `Refusal` for what is there and is no plain file; nil is returned for what is not there.
  init?(_ path: String) throws(Refusal) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    let name = path.split(separator: "/").last ?? ""
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR: return nil
      case ELOOP: throw Refusal(sentence: "\(name) is a link, which is not followed")
      default: throw Refusal(sentence: "\(name) cannot be read: \(String(cString: strerror(errno)))")
      }
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Refusal(sentence: "\(name) is no plain file")
    }
    (self.handle, size) = (handle, Int(status.st_size))
  }

  /// Some bytes from a place on; fewer at the end of the file, or where it cannot be read.
  func bytes(from start: Int, count: Int) -> [UInt8] {
    guard (try? handle.seek(toOffset: UInt64(start))) != nil, let data = try? handle.read(upToCount: count) else {
      return []
    }
    return Array(data)
  }

  /// All of a file, unless it is larger than a limit or is not there.
  static func read(_ path: String, limit: Int) throws(Refusal) -> [UInt8]? {
    guard let file = try RunFile(path) else { return nil }
    guard file.size <= limit else {
      throw Refusal(sentence: "\(path.split(separator: "/").last ?? "") has more than \(limit) bytes")
    }
    return file.bytes(from: 0, count: file.size)
  }
}
