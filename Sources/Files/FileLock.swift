import Glibc

/// A file that one process at a time holds: an advisory lock (flock), which ends with its process, however that ends.
///
/// The file exists while the lock is held and says what its holder wrote into it. A process that is killed leaves the
/// file behind, which then blocks no other process.
public struct FileLock: ~Copyable, Sendable {
  public enum Attempt: ~Copyable, Sendable {
    case held(FileLock)
    /// Another process, or another lock of this process, holds the file, which says this.
    case busy(String)
    /// The file system cannot lock: the system's error number.
    case unsupported(CInt)
  }

  private let path: String
  private let descriptor: CInt

  /// Takes the lock unless somebody else holds it; does not wait.
  /// - Parameter text: what the file says while the lock is held.
  public static func take(_ path: String, saying text: String) throws(FileError) -> Attempt {
    try checkPath(path, operation: "lock")
    while true {
      let descriptor = retryingInterrupts { open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644) }
      guard descriptor >= 0 else { throw FileError("lock", path, systemError: errno) }
      guard retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
        let number = errno
        defer { close(descriptor) }
        switch number {
        case EWOULDBLOCK: return .busy(content(of: descriptor))
        case ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP, EINVAL:
          unlink(path)
          return .unsupported(number)
        default: throw FileError("lock", path, systemError: number)
        }
      }
      // The holder before may have removed the file after this process opened it; then another file has the name.
      guard isFile(descriptor, at: path) else {
        close(descriptor)
        continue
      }
      let lock = FileLock(path: path, descriptor: descriptor)
      try lock.say(text)
      return .held(lock)
    }
  }

  /// Whether a process of this machine holds a file's lock, by the system's list of locks: to try it would keep out,
  /// for a moment, one that wants to hold it. False where the list cannot be read.
  public static func isHeld(_ path: String) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0, let list = try? InputFile.read("/proc/locks", limit: 1 << 24) else { return false }
    // `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`
    return String(decoding: list, as: UTF8.self).split(separator: "\n").contains { line in
      let words = line.split(separator: " ")
      return words.count > 5 && words[1] == "FLOCK" && words[5].hasSuffix(":\(status.st_ino)")
    }
  }

  private init(path: String, descriptor: CInt) {
    (self.path, self.descriptor) = (path, descriptor)
  }

  /// Removes the file and gives the lock up. No other process can hold a file of this name before it is removed.
  deinit {
    if FileLock.isFile(descriptor, at: path) { unlink(path) }
    close(descriptor)
  }

  private borrowing func say(_ text: String) throws(FileError) {
    let bytes = Array(text.utf8)
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      throw FileError("lock", path, systemError: errno)
    }
  }

  /// The start of a file, which may be anybody's: 1,000 bytes at most.
  private static func content(of descriptor: CInt) -> String {
    var bytes = [UInt8](repeating: 0, count: 1000)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }

  /// Whether an open file has this name still.
  private static func isFile(_ descriptor: CInt, at path: String) -> Bool {
    var (own, named) = (stat(), stat())
    guard fstat(descriptor, &own) == 0, lstat(path, &named) == 0 else { return false }
    return own.st_dev == named.st_dev && own.st_ino == named.st_ino
  }
}
