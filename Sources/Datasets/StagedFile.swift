#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file that is written over some time and appears under its name only when it is whole: written beside it, synced,
/// renamed. Without `commit` it leaves nothing behind.
package final class StagedFile {
  /// As the caller gave it.
  private let path: String
  /// What is replaced: the path, with symbolic links followed.
  private let target: String
  private let partialPath: String
  private var descriptor: Int32 = -1
  /// Bytes written so far.
  package private(set) var position = 0

  package init(_ path: String) throws(DataError) {
    self.path = path
    let kind = DataFile.kind(of: path)
    let target = kind == .file ? Self.resolvingLinks(path) : path
    self.target = target
    let separator = target.utf8.lastIndex(of: UInt8(ascii: "/")).map { target.utf8.index(after: $0) }
    let folder = separator.map { String(target[..<$0]) } ?? ""
    let name = separator.map { String(target[$0...]) } ?? target
    // Random, since a process number is no name: in containers a restarted process has its predecessor's. The longest
    // name on common file systems is 255 bytes.
    let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    partialPath = "\(folder).\(String(decoding: name.utf8.prefix(180), as: UTF8.self)).partial-\(random)"
    // Renaming over a device such as /dev/null would replace it.
    guard kind == nil || kind == .file, DataFile.isPath(path), !name.isEmpty else {
      throw DataError(
        .unwritable, at: DataPlace(file: path), "is not a file", advice: "name a file that may be written")
    }
    descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(errno) }
  }

  private static func resolvingLinks(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(partialPath)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
    try write(bytes, at: position)
    position += bytes.count
  }

  package func write<T: BitwiseCopyable>(_ values: [T]) throws(DataError) {
    try values.withUnsafeBufferPointer { (buffer) throws(DataError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  /// Overwrites what was written before.
  package func overwrite(_ values: [UInt8], at offset: Int) throws(DataError) {
    precondition(offset + values.count <= position)
    try values.withUnsafeBufferPointer { (buffer) throws(DataError) in
      try write(UnsafeRawBufferPointer(buffer), at: offset)
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DataError) {
    var done = 0
    while done < bytes.count {
      let put = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if put >= 0 {
        done += put
      } else if errno != EINTR {
        throw failure(errno)
      }
    }
  }

  package func commit() throws(DataError) {
    guard fsync(descriptor) == 0, rename(partialPath, target) == 0 else { throw failure(errno) }
    close(descriptor)
    descriptor = -1
  }

  private func failure(_ number: Int32) -> DataError {
    DataError(
      .unwritable, at: DataPlace(file: path), "cannot be written: " + String(cString: strerror(number)),
      advice: number == ENOSPC || number == EDQUOT
        ? "free some space on the disk or write elsewhere" : "check that the folder exists and may be written",
      systemError: number)
  }
}
