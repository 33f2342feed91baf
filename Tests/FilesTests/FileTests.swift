import Files
import Glibc
import Testing
import TestSupport

@Suite struct InputFileTests {
  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 1_000_000])
  func readsEverySize(count: Int) throws {
    let folder = TemporaryFolder()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try AtomicFile.write(folder.path + "/x", bytes)
    #expect(try InputFile.read(folder.path + "/x") == bytes)
  }

  @Test func readsFilesThatStateNoSize() throws {
    #expect(try !InputFile.read("/proc/self/status").isEmpty)
  }

  @Test func limitHolds() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write(folder.path + "/x", [UInt8](repeating: 0, count: 11))
    #expect(try InputFile.read(folder.path + "/x", limit: 11).count == 11)
    let error = #expect(throws: FileError.self) { try InputFile.read(folder.path + "/x", limit: 10) }
    #expect(error?.code == .tooLarge)
    // A device without end stops at the limit too.
    #expect(throws: FileError.self) { try InputFile.read("/dev/zero", limit: 1000) }
  }

  @Test func missingFileAndFolderAreNamed() {
    #expect(throws: FileError("read", "/nowhere", systemError: ENOENT)) { try InputFile.read("/nowhere") }
    #expect(throws: FileError("read", "/tmp", systemError: EISDIR)) { try InputFile.read("/tmp") }
  }
}

@Suite struct OutputFileTests {
  @Test func appendsAndCuts() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/log"
    try AtomicFile.write(path, "one\ntwo\n")
    let file = try OutputFile(path, .append)
    #expect(try file.size() == 8)
    try file.truncate(to: 4)
    try file.append(Array("three\n".utf8))
    try file.sync()
    #expect(try InputFile.read(path) == Array("one\nthree\n".utf8))
  }

  @Test func newRefusesExistingFile() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write(folder.path + "/x", [1])
    #expect(throws: FileError("write", folder.path + "/x", systemError: EEXIST)) {
      _ = try OutputFile(folder.path + "/x", .new)
    }
  }
}

@Suite struct FileErrorTests {
  @Test func isOneClearLine() {
    let error = FileError("write", "runs/a\u{1B}[2J\nb", systemError: ENOSPC)
    #expect(
      error.description
        == "cannot write runs/a?[2J?b: No space left on device; free some space or choose another folder")
  }
}
