import Glibc

/// Reads whole files, up to a limit.
public enum InputFile {
  /// The bytes of the file at `path`.
  ///
  /// - Parameter limit: the most bytes that are accepted; a longer file is an error with code
  ///   ``FileError/Code/tooLarge``.
  public static func read(_ path: String, limit: Int = 1 << 31) throws(FileError) -> [UInt8] {
    try checkPath(path, operation: "read")
    // Or a pipe without a writer would be waited for in `open`.
    let descriptor = retryingInterrupts { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw FileError("read", path, systemError: errno) }
    defer { close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError("read", path, systemError: errno) }
    let isPipe = status.st_mode & S_IFMT == S_IFIFO
    if !isPipe { _ = fcntl(descriptor, F_SETFL, 0) }
    var bytes: [UInt8] = []
    // Room for one more piece than the size says, so that the end is seen without growing. Pipes and /proc say 0.
    let piece = 1 << 16
    bytes.reserveCapacity(min(max(Int(status.st_size), 0), limit) + piece)
    while true {
      let wanted = min(max(bytes.capacity - bytes.count, piece), 1 << 30)
      let start = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: wanted))
      let count = bytes.withUnsafeMutableBytes { buffer in
        retryingInterrupts { systemRead(descriptor, buffer.baseAddress! + start, wanted) }
      }
      bytes.removeLast(wanted - max(count, 0))
      if isPipe, start == 0, count <= 0 {
        guard count < 0, errno == EAGAIN else {
          throw FileError("read", path, code: .other, reason: "it is a pipe without a writer")
        }
        // Somebody has it open, and will write.
        _ = fcntl(descriptor, F_SETFL, 0)
        continue
      }
      guard count >= 0 else { throw FileError("read", path, systemError: errno) }
      guard bytes.count <= limit else {
        throw FileError("read", path, code: .tooLarge, reason: "more than \(limit) bytes")
      }
      if count == 0 { return bytes }
    }
  }
}

/// The C function, under a name that `InputFile.read` does not hide.
private func systemRead(_ descriptor: CInt, _ start: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, start, count)
}
