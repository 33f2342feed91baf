import Glibc

/// A file open for writing. Every byte goes straight to the system: nothing is buffered here, so nothing is lost here
/// when the process dies.
public struct OutputFile: ~Copyable, Sendable {
  /// How an existing file is met.
  public enum Opening: Sendable {
    /// The file must not exist yet (a symbolic link counts as existing).
    case new
    /// Created if absent; what it holds stays, and writes go to its end.
    case append
    /// Must exist; written from its start without being cut. For devices and pipes, which cannot be replaced.
    case existing
  }

  /// The path that errors name.
  public let path: String
  private let descriptor: CInt

  /// - Parameter shownPath: the path that errors name, when it is not the one opened.
  public init(_ path: String, _ opening: Opening, shownPath: String? = nil) throws(FileError) {
    try checkPath(path, operation: "write")
    let flags =
      switch opening {
      case .new: O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL
      case .append: O_WRONLY | O_CLOEXEC | O_CREAT | O_APPEND
      case .existing: O_WRONLY | O_CLOEXEC
      }
    let descriptor = retryingInterrupts { open(path, flags, 0o666) }
    guard descriptor >= 0 else { throw FileError("write", shownPath ?? path, systemError: errno) }
    self.path = shownPath ?? path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The file's size in bytes.
  public func size() throws(FileError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, systemError: errno) }
    return Int(status.st_size)
  }

  /// Writes all bytes, in as many system calls as it takes.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      // Linux moves at most 2 GiB − 4 KiB in one call.
      let count = retryingInterrupts { write(descriptor, rest.baseAddress, min(rest.count, 1 << 30)) }
      guard count > 0 else { throw FileError("write", path, systemError: count == 0 ? EIO : errno) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }

  /// Writes all bytes.
  public func append(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in try append(UnsafeRawBufferPointer(buffer)) }
  }

  /// Writes all bytes over those that lie at an offset.
  public func overwrite(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { rest in
        retryingInterrupts { pwrite(descriptor, rest.baseAddress! + done, rest.count - done, off_t(offset + done)) }
      }
      guard count > 0 else { throw FileError("write", path, systemError: count == 0 ? EIO : errno) }
      done += count
    }
  }

  /// Cuts the file to `size` bytes.
  public func truncate(to size: Int) throws(FileError) {
    let status = retryingInterrupts { ftruncate(descriptor, off_t(size)) }
    guard status == 0 else { throw FileError("write", path, systemError: errno) }
  }

  /// Waits until the bytes are on the disk.
  public func sync() throws(FileError) {
    let status = retryingInterrupts { fsync(descriptor) }
    guard status == 0 else { throw FileError("write", path, systemError: errno) }
  }
}
