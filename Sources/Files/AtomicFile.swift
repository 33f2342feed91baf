#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes whole files so that a reader, or the next start after a crash, sees the old bytes or the new ones and never
/// a part of them: a temporary file in the same folder, synced, renamed over the path, the folder synced.
///
/// A write that fails leaves the path as it was and no temporary file. A process killed in the middle may leave a
/// temporary file, named `.NAME.tmp-RANDOM`.
///
/// A symbolic link is followed and stays. A device or a pipe cannot be replaced, so it is written directly.
public enum AtomicFile {
  /// Writes `bytes` as the whole of the file.
  public static func write(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    try write(path) { (file) throws(FileError) in try file.append(bytes) }
  }

  /// Writes `text` as UTF-8.
  public static func write(_ path: String, _ text: String) throws(FileError) {
    try write(path, Array(text.utf8))
  }

  /// Writes what `body` appends to the file it is given, for contents that do not lie in one piece.
  ///
  /// When `body` throws, the path stays as it was.
  public static func write(
    _ path: String, _ body: (borrowing OutputFile) throws(FileError) -> Void
  ) throws(FileError) {
    try checkPath(path, operation: "write")
    var target = path
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFREG: target = try resolvingLinks(path)
      case S_IFDIR: throw FileError("write", path, systemError: EISDIR)
      default: return try body(OutputFile(path, .existing))
      }
    }
    let temporary = temporaryPath(beside: target)
    let file = try OutputFile(temporary, .new, shownPath: path)
    do throws(FileError) {
      try body(file)
      try file.sync()
      guard rename(temporary, target) == 0 else { throw FileError("write", path, systemError: errno) }
    } catch {
      unlink(temporary)
      throw error
    }
    try syncFolder(splitPath(target).folder)
  }

  /// Makes the names in a folder (files created, renamed, removed) survive a power failure.
  public static func syncFolder(_ path: String) throws(FileError) {
    let descriptor = retryingInterrupts { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileError("sync", path, systemError: errno) }
    defer { close(descriptor) }
    // Some network and FUSE file systems cannot sync a folder and say so; there is nothing to wait for then.
    guard retryingInterrupts({ fsync(descriptor) }) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw FileError("sync", path, systemError: errno)
    }
  }

  /// A new name in the same folder, hidden from `*`.
  ///
  /// Random, since a process number is no name: in containers a restarted process has its predecessor's, and would
  /// stumble over what that one left.
  private static func temporaryPath(beside path: String) -> String {
    let (folder, name) = splitPath(path)
    let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    // 255 bytes is the longest name on common file systems; the original's head is enough to recognise it.
    let head = String(decoding: name.utf8.prefix(180), as: UTF8.self)
    return "\(folder)/.\(head).tmp-\(random)"
  }

  private static func resolvingLinks(_ path: String) throws(FileError) -> String {
    guard let resolved = realpath(path, nil) else { throw FileError("write", path, systemError: errno) }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
