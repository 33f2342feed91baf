import Glibc

/// Writes whole files so that a reader, or the next start after a crash, sees the old bytes or the new ones and never
/// a part of them. A write that fails leaves the path as it was.
///
/// The file is a ``StagedFile``; but a device or a pipe cannot be replaced, so it is written directly.
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
    let staged: StagedFile
    do throws(FileError) {
      staged = try StagedFile(path)
    } catch  where error.code == .notReplaceable {
      return try body(OutputFile(path, .existing))
    }
    try body(staged.file)
    try staged.commit()
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
}
