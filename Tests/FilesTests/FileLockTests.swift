import Files
import Foundation
import TestSupport
import Testing

@Suite struct FileLockTests {
  @Test func whoeverHoldsALockIsSeen() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/lock"
    #expect(!FileLock.isHeld(path))
    switch try FileLock.take(path, saying: "me\n") {
    case .held(let lock):
      #expect(FileLock.isHeld(path))
      // To ask has taken nothing, and has changed nothing.
      #expect(FileLock.isHeld(path) && folder.names == ["lock"])
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "me\n")
      _ = consume lock
    default: Issue.record("there is no other holder")
    }
    #expect(!FileLock.isHeld(path))
    // As a process that was killed leaves it.
    try "me\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(!FileLock.isHeld(path))
  }
}
