import Glibc

/// A file that is written over some time and appears under its name only when it is whole: a temporary file in the same
/// folder, synced, renamed over the path, the folder synced. Without `commit` it leaves nothing behind; a process killed
/// in the middle may leave the temporary file, named `.NAME.tmp-RANDOM`.
///
/// A symbolic link is followed and stays. What is there and is not a regular file cannot be replaced: an error.
public final class StagedFile {
  /// The file being written, for appending.
  public let file: OutputFile
  /// What is replaced: the path, with symbolic links followed.
  private let target: String
  private let temporary: String
  private var isCommitted = false

  public init(_ path: String) throws(FileError) {
    try checkPath(path, operation: "write")
    var target = path
    var status = stat()
    if stat(path, &status) == 0 {
      switch status.st_mode & S_IFMT {
      case S_IFREG: target = try Self.resolvingLinks(path)
      case S_IFDIR: throw FileError("write", path, systemError: EISDIR)
      default: throw FileError("write", path, code: .notReplaceable, reason: "it is not a regular file")
      }
    }
    self.target = target
    temporary = Self.temporaryPath(beside: target)
    file = try OutputFile(temporary, .new, shownPath: path)
  }

  deinit { if !isCommitted { unlink(temporary) } }

  /// Gives the file its name. Nothing is written after it.
  public func commit() throws(FileError) {
    try file.sync()
    guard rename(temporary, target) == 0 else { throw FileError("write", file.path, systemError: errno) }
    isCommitted = true
    try AtomicFile.syncFolder(splitPath(target).folder)
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
