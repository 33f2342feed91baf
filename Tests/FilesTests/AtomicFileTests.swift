import Files
import Glibc
import Testing
import TestSupport

@Suite struct AtomicFileTests {
  @Test func writesNewFileAndReplacesOldOne() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/a.bin"
    try AtomicFile.write(path, [1, 2, 3])
    #expect(try InputFile.read(path) == [1, 2, 3])
    try AtomicFile.write(path, "longer than before")
    #expect(try InputFile.read(path) == Array("longer than before".utf8))
    #expect(folder.names == ["a.bin"])
  }

  @Test func writesEmptyFile() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write(folder.path + "/empty", [])
    #expect(try InputFile.read(folder.path + "/empty") == [])
  }

  @Test func streamsPieces() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/pieces"
    try AtomicFile.write(path) { (file) throws(FileError) in
      for piece in 0..<100 { try file.append([UInt8](repeating: UInt8(piece), count: 1000)) }
    }
    #expect(try InputFile.read(path) == (0..<100_000).map { UInt8($0 / 1000) })
  }

  @Test func failingBodyLeavesOldFileAndNoTemporary() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/kept"
    try AtomicFile.write(path, [7])
    let failure = FileError("write", path, systemError: ENOSPC)
    #expect(throws: failure) {
      try AtomicFile.write(path) { (file) throws(FileError) in
        try file.append([1, 2, 3])
        throw failure
      }
    }
    #expect(try InputFile.read(path) == [7])
    #expect(folder.names == ["kept"])
  }

  @Test func fullDeviceIsOutOfSpaceAndStaysADevice() throws {
    let error = #expect(throws: FileError.self) { try AtomicFile.write("/dev/full", [1]) }
    #expect(error?.code == .outOfSpace)
    #expect(error?.path == "/dev/full")
    #expect(error?.systemError == ENOSPC)
    var status = stat()
    #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func linkIsFollowedAndStays() throws {
    let folder = TemporaryFolder()
    let link = folder.path + "/link"
    try AtomicFile.write(folder.path + "/target", [1])
    #expect(symlink("target", link) == 0)
    try AtomicFile.write(link, [2])
    #expect(try InputFile.read(folder.path + "/target") == [2])
    var status = stat()
    #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test(arguments: [
    ("", FileError.Code.invalidPath), ("a\0b", .invalidPath), ("/tmp", .isFolder),
    ("/nowhere-at-all/x", .notFound), ("/dev/null/x", .notFolder),
    ("/tmp/" + String(repeating: "n", count: 300), .invalidPath),
  ])
  func refusesImpossiblePaths(path: String, code: FileError.Code) {
    let error = #expect(throws: FileError.self) { try AtomicFile.write(path, [1]) }
    #expect(error?.code == code)
    #expect(error?.path == path)
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func readOnlyFolderIsNotPermitted() throws {
    let folder = TemporaryFolder()
    chmod(folder.path, 0o555)
    defer { chmod(folder.path, 0o755) }
    let error = #expect(throws: FileError.self) { try AtomicFile.write(folder.path + "/x", [1]) }
    #expect(error?.code == .notPermitted)
  }

  @Test func writersInParallelNeverMix() async throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/raced"
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask { try AtomicFile.write(path, [UInt8](repeating: UInt8(writer), count: 10_000)) }
      }
      try await group.waitForAll()
    }
    let bytes = try InputFile.read(path)
    #expect(bytes.count == 10_000 && Set(bytes).count == 1)
    #expect(folder.names == ["raced"])
  }

  @Test func longNamesStillHaveTemporaries() throws {
    let folder = TemporaryFolder()
    let name = String(repeating: "é", count: 127)
    try AtomicFile.write(folder.path + "/" + name, [1])
    #expect(folder.names == [name])
  }
}
