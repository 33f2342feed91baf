import Foundation
import Synchronization
import TestSupport
import Testing
import Training

@Suite("One process at a time writes to a run") struct RunLockTests {
  @Test func theSecondIsToldWhoTheFirstIs() throws {
    let folder = TemporaryFolder()
    let (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "x", note: { _ in })
    try Data().write(to: URL(fileURLWithPath: run.recipe))
    let error = #expect(throws: TrainingError.self) { try RunLock(run, note: { _ in }) }
    #expect(error?.code == .isWritten)
    #expect(error?.message.contains("process \(getpid()) (elbo") == true, "\(error as Any)")
    lock.release()
    #expect(!FileManager.default.fileExists(atPath: run.lock))
    try RunLock(run, note: { _ in }).release()
  }

  @Test(
    "A process that was killed keeps no other out; what it left may be anything",
    arguments: ["", "12", "1\n2\n3\n\u{1B}"])
  func rest(_ text: String) throws {
    let folder = TemporaryFolder()
    let (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "x", note: { _ in })
    lock.release()
    try Data(text.utf8).write(to: URL(fileURLWithPath: run.lock))
    let other = try RunLock(run, note: { _ in })
    try Data(text.utf8).write(to: URL(fileURLWithPath: run.lock))
    let error = #expect(throws: TrainingError.self) { try RunLock(run, note: { _ in }) }
    #expect(error?.message.hasSuffix("is being written by another process") == true, "\(error as Any)")
    other.release()
  }

  @Test func ofThoseWhoMakeARunAtTheSameTimeOneWins() throws {
    for _ in 0..<50 {
      let folder = TemporaryFolder()
      let path = folder.path + "/run"
      let won = Mutex<[RunLock]>([])
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        if let made = try? RunFolder.create(at: path, name: "x", note: { _ in }) {
          won.withLock { $0.append(made.lock) }
        }
      }
      let locks = won.withLock { $0 }
      #expect(locks.count == 1)
      for lock in locks { lock.release() }
    }
  }

  @Test func whatCameToNothingLeavesNothing() throws {
    let folder = TemporaryFolder()
    let (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "x", note: { _ in })
    try Data().write(to: URL(fileURLWithPath: run.coordinatorLog))
    run.discard()
    lock.release()
    #expect(folder.names == [])
  }

  @Test func aFolderThatComesAndGoesIsMadeInTheEnd() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/run"
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<100 {
        guard let (run, lock) = try? RunFolder.create(at: path, name: "x", note: { _ in }) else { continue }
        run.discard()
        lock.release()
      }
    }
    #expect(folder.names == [])
  }
}
