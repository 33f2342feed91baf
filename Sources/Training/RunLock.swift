import Files
import Foundation
import Synchronization

/// The right to write to a run folder, which one process at a time has. It is taken before anything of the run is read
/// that a decision rests on, and held until the last byte is written. Readers take no lock and change nothing.
///
/// The file `.lock` in the run folder names the holder. It is removed with the lock; a process that is killed leaves it
/// behind, and it then keeps no other process out.
public final class RunLock: Sendable {
  private let lock: Mutex<FileLock?>

  /// Locks a run that exists.
  /// - Parameters:
  ///   - run: the run to write to.
  ///   - note: hears why other processes are not kept out, where the file system cannot lock.
  /// - Throws: `TrainingError` that names the process that writes to the run; `FileError`.
  public init(_ run: RunFolder, note: (String) -> Void) throws {
    lock = Mutex(try RunLock.take(run, note: note))
  }

  /// Makes the folder of a new run, and locks it.
  init(new run: RunFolder, note: (String) -> Void) throws {
    while true {
      try makeFolder(run.path)
      do {
        lock = Mutex(try RunLock.take(run, note: note))
        return
      } catch let error as FileError where error.code == .notFound {
        // Another process has made the folder and has taken it back meanwhile.
        guard !FileManager.default.fileExists(atPath: run.path) else { throw error }
      } catch {
        rmdir(run.path)
        throw error
      }
    }
  }

  /// Gives the run to others.
  public func release() { lock.withLock { $0 = nil } }

  private static func take(_ run: RunFolder, note: (String) -> Void) throws -> FileLock? {
    let command = (["elbo"] + CommandLine.arguments.dropFirst().prefix(1)).joined(separator: " ")
    let holder = Holder(
      process: ProcessInfo.processInfo.processIdentifier, command: command, host: ProcessInfo.processInfo.hostName)
    switch try FileLock.take(run.lock, saying: holder.text) {
    case .held(let lock): return lock
    case .busy(let text):
      throw TrainingError(
        .isWritten, "\(run.path) is being written by \(Holder(text)?.description ?? "another process")",
        advice: "wait for it or stop it")
    case .unsupported(let number):
      note(
        "warning: the file system of \(run.path) cannot lock (\(String(cString: strerror(number)))): see to it that no other process writes there"
      )
      return nil
    }
  }

  /// Who writes to a run: three lines of the file.
  private struct Holder: CustomStringConvertible {
    let process: Int32
    let command: String
    let host: String

    init(process: Int32, command: String, host: String) {
      (self.process, self.command, self.host) = (process, command, host)
    }

    /// What another process wrote; nil when it is something else, or is not written yet.
    init?(_ text: String) {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      guard lines.count == 4, lines[3].isEmpty, let process = Int32(lines[0]), process > 0,
        lines.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } })
      else { return nil }
      self.init(process: process, command: String(lines[1]), host: String(lines[2]))
    }

    var text: String { "\(process)\n\(command)\n\(host)\n" }

    var description: String {
      // A number means nothing on another machine that shares the folder.
      let place = host == ProcessInfo.processInfo.hostName ? "" : " on \(host)"
      return "process \(process)\(place) (\(command))"
    }
  }
}
