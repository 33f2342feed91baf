import Glibc

/// Brings a file's bytes into reach: small files are read, large ones mapped.
package enum DataFile {
  /// Files from this size on are mapped. A mapped file that another program shortens while it is in use kills the
  /// process (SIGBUS), which no check at opening can prevent; so what fits comfortably into memory is copied.
  package static let mapsFrom = 64 << 20

  package enum Kind {
    case file, folder, other
  }

  /// An archive that is open: what lies in it by its path is read from there, as if it had been unpacked.
  @TaskLocal private static var archive: FileTree?

  /// Does something for which the files of an archive are at hand.
  static func reading<Result>(
    from archive: FileTree, _ body: () throws(DataError) -> Result
  ) throws(DataError) -> Result {
    let result: Swift.Result<Result, DataError> = $archive.withValue(archive) {
      do throws(DataError) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private static func archive(covering path: String) -> FileTree? {
    archive.flatMap { $0.covers(path) ? $0 : nil }
  }

  /// What is at `path`, or nil if there is nothing.
  package static func kind(of path: String) -> Kind? {
    guard isPath(path) else { return nil }
    if let archive = archive(covering: path) { return archive.kind(of: path) }
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// Whether the system would see the path as it is: nothing behind a zero byte would reach it.
  static func isPath(_ path: String) -> Bool {
    !path.isEmpty && !path.utf8.contains(0)
  }

  /// The names in a folder, sorted.
  package static func names(inFolder path: String) throws(DataError) -> [String] {
    if let archive = archive(covering: path) {
      guard let names = archive.names(inFolder: path) else { throw failure(ENOENT, path) }
      return names
    }
    guard let folder = opendir(path) else { throw failure(errno, path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  package static func read(_ path: String, mapsFrom: Int = DataFile.mapsFrom) throws(DataError) -> ByteRegion {
    guard isPath(path) else { throw failure(ENOENT, path) }
    if let archive = archive(covering: path) {
      guard let bytes = archive.bytes(path) else { throw failure(ENOENT, path) }
      return bytes
    }
    // Without O_NONBLOCK a named pipe would make the open wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(errno, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(errno, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DataError(.unreadable, at: DataPlace(file: path), "is not a file", advice: "name a file of data")
    }
    let size = Int(status.st_size)
    if size >= mapsFrom, size > 0 { return try map(descriptor, size, path) }
    return ByteRegion(
      try ByteStorage.allocate(byteCount: size, for: DataPlace(file: path)) { (buffer) throws(DataError) in
        try fill(buffer, from: descriptor, path)
      })
  }

  private static func map(_ descriptor: Int32, _ size: Int, _ path: String) throws(DataError) -> ByteRegion {
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw failure(errno, path)
    }
    let bytes = UnsafeRawBufferPointer(start: base, count: size)
    return ByteRegion(
      ByteStorage(adopting: bytes, isMapped: true) {
        munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress!), $0.count)
      })
  }

  private static func fill(
    _ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, _ path: String
  ) throws(DataError) {
    var done = 0
    while done < buffer.count {
      let got = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(done))
      if got > 0 {
        done += got
      } else if got == 0 {
        throw DataError(
          .damaged, at: DataPlace(file: path, byteOffset: done),
          "the file became shorter while it was read (\(buffer.count) bytes before)",
          advice: "wait until whatever writes it has finished")
      } else if errno != EINTR {
        throw failure(errno, path)
      }
    }
  }

  private static func failure(_ number: Int32, _ path: String) -> DataError {
    let problem = "cannot be read: " + String(cString: strerror(number))
    return switch number {
    case ENOENT, ENOTDIR:
      DataError(
        .notFound, at: DataPlace(file: path), "no such file", advice: "check the path", systemError: number)
    case EACCES, EPERM:
      DataError(
        .unreadable, at: DataPlace(file: path), problem, advice: "make it readable for this user",
        systemError: number)
    default:
      DataError(
        .unreadable, at: DataPlace(file: path), problem, advice: "check the disk and the path", systemError: number)
    }
  }
}
