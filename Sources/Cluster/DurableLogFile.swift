import Glibc
import Messages

/// The coordinator's log on disk. One process at a time: the file is locked, so that two coordinators never decide
/// views side by side.
public final class DurableLogFile {
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let path: String
    public let doing: String
    public let reason: String
    public let advice: String
    public var description: String { "\(doing) \(path): \(reason)" + (advice.isEmpty ? "" : "; \(advice)") }
  }

  private let path: String
  private var descriptor: Int32
  /// Bytes of the file, all of them whole records.
  public private(set) var byteCount: Int
  /// Whether the file still holds another job, which the first append replaces.
  private var isStale = false

  /// Opens or makes the log and returns what it holds. A torn tail is cut off.
  /// - Parameter anew: whether what the file holds is of no interest. It stays there until the first append, and the
  ///   file is never removed: a lock belongs to the file, not to its name.
  public static func open(
    _ path: String, anew: Bool = false
  ) throws(Failure) -> (file: DurableLogFile, records: [LogRecord]) {
    func failed(_ doing: String, _ reason: String = String(cString: strerror(errno)), advice: String = "") -> Failure {
      Failure(path: path, doing: doing, reason: reason, advice: advice)
    }
    let descriptor = systemOpen(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failed("opening the coordinator's log") }
    var isOpen = false
    defer { if !isOpen { close(descriptor) } }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw failed(
        "locking the coordinator's log",
        errno == EWOULDBLOCK ? "another coordinator uses it" : String(cString: strerror(errno)),
        advice: "one coordinator a run; end the other, or choose another run folder")
    }
    guard let bytes = readAll(descriptor) else { throw failed("reading the coordinator's log") }
    if anew, !bytes.isEmpty {
      isOpen = true
      let file = DurableLogFile(path: path, descriptor: descriptor, byteCount: bytes.count)
      file.isStale = true
      return (file, [])
    }
    let content: DurableLog.Content
    do throws(DurableLog.Damage) {
      content = try DurableLog.decode(bytes)
    } catch {
      throw failed("reading", error.description, advice: "move the file away to begin a new job")
    }
    var records: [LogRecord] = []
    for payload in content.records {
      do throws(MessageError) {
        records.append(try LogRecord(decoding: payload))
      } catch {
        throw failed("reading the coordinator's log", error.description, advice: "it is of another version of elbo")
      }
    }
    let file = DurableLogFile(path: path, descriptor: descriptor, byteCount: content.wholeBytes)
    isOpen = true
    if content.wholeBytes == 0 {
      try file.clear()
    } else if content.wholeBytes < bytes.count {
      try file.truncate(to: content.wholeBytes)
      try file.sync()
    }
    return (file, records)
  }

  private init(path: String, descriptor: Int32, byteCount: Int) {
    self.path = path
    self.descriptor = descriptor
    self.byteCount = byteCount
  }

  deinit { close(descriptor) }

  /// Appends the records and waits until they are on disk. When that fails (a full disk), the file is as before.
  public func append(_ records: [LogRecord]) throws(Failure) {
    if isStale {
      try clear()
      isStale = false
    }
    let before = byteCount
    do throws(Failure) {
      try write(records.flatMap { DurableLog.encode($0.encoded()) })
      try sync()
    } catch {
      // A torn tail would be cut off when the log is next opened; but more may be appended before.
      try? truncate(to: before)
      throw error
    }
  }

  /// Replaces the content: written aside, synced, renamed, so that a crash leaves the old or the new.
  public func replace(with records: [LogRecord]) throws(Failure) {
    let aside = path + ".new"
    unlink(aside)
    let descriptor = systemOpen(aside, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw failure("writing anew") }
    let file = DurableLogFile(path: aside, descriptor: descriptor, byteCount: 0)
    try file.write(DurableLog.magic + records.flatMap { DurableLog.encode($0.encoded()) })
    try file.sync()
    guard rename(aside, path) == 0 else { throw failure("renaming") }
    syncFolder()
    // The new file's lock is held before the old one's is let go.
    swap(&self.descriptor, &file.descriptor)
    byteCount = file.byteCount
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(byteCount)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("writing") }
      rest = rest.dropFirst(count)
      byteCount += count
    }
  }

  private func clear() throws(Failure) {
    try truncate(to: 0)
    try write(DurableLog.magic)
    try sync()
  }

  private func truncate(to count: Int) throws(Failure) {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw failure("cutting") }
    byteCount = count
  }

  private func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw failure("syncing") }
  }

  private func syncFolder() {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = systemOpen(folder, O_RDONLY | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private func failure(_ doing: String) -> Failure {
    Failure(
      path: path, doing: "\(doing) the coordinator's log", reason: String(cString: strerror(errno)),
      advice: errno == ENOSPC ? "make room on the disk" : "")
  }

  /// A file, and not one without an end: a device is not a log.
  private static func readAll(_ descriptor: Int32) -> [UInt8]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFREG else {
      errno = EINVAL
      return nil
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(bytes.count)) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }
}

/// `open` of the system: inside the class the name means its own.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
