import Foundation
import Subprocess
import SystemPackage

/// The gnuplot program, run once for each picture.
///
/// It runs in the background of a training: when it is absent, fails, or takes too long, that is reported and nothing
/// else happens.
public struct Gnuplot: Sendable {
  /// The program's path.
  public let path: String
  /// How long one picture may take.
  public let limit: Swift.Duration

  public init(path: String, limit: Swift.Duration = .seconds(60)) {
    self.path = path
    self.limit = limit
  }

  /// The first `gnuplot` in the absolute folders of `searchPath` (separated by colons), or nil.
  public static func find(searchPath: String = ProcessInfo.processInfo.environment["PATH"] ?? "") -> Gnuplot? {
    Program.path(of: "gnuplot", searchPath: searchPath).map { Gnuplot(path: $0) }
  }

  /// Why there is no picture.
  struct Failure: Error {
    let reason: String

    static let notInstalled = Failure(reason: "gnuplot is not installed (Debian: gnuplot-nox)")
  }

  /// What the script writes to standard output.
  func draw(_ script: String) async throws(Failure) -> [UInt8] {
    let outcome: Result<[UInt8], Failure> = await withTaskGroup { group in
      group.addTask { await run(script) }
      group.addTask {
        try? await Task.sleep(for: limit)
        return .failure(Failure(reason: Task.isCancelled ? "interrupted" : "gnuplot took longer than \(limit)"))
      }
      let first = await group.next()!
      // Cancelling the run ends the program.
      group.cancelAll()
      return first
    }
    return try outcome.get()
  }

  private func run(_ script: String) async -> Result<[UInt8], Failure> {
    var options = PlatformOptions()
    // A group of its own: Ctrl-C at the terminal is for the training, which ends its pictures in its own time.
    options.processGroupID = 0
    let input: FileDescriptor
    do {
      input = try Self.unnamedFile(holding: script)
    } catch {
      return .failure(Failure(reason: "no temporary file: \(error)"))
    }
    do {
      let result = try await Subprocess.run(
        .path(FilePath(path)), arguments: ["-d"],  // without the user's start-up file
        platformOptions: options, input: .fileDescriptor(input, closeAfterSpawningProcess: true),
        output: .bytes(limit: 1 << 28),
        error: .string(limit: 1 << 16))
      guard result.terminationStatus.isSuccess else {
        let lines = result.standardError.split(whereSeparator: \.isNewline)
        let reason = lines.last { $0.contains(where: \.isLetter) }.map { $0.trimmingCharacters(in: .whitespaces) }
        return .failure(Failure(reason: "gnuplot: \(reason ?? "\(result.terminationStatus)")"))
      }
      return .success(result.standardOutput)
    } catch {
      return .failure(Failure(reason: "gnuplot could not be run: \(error)"))
    }
  }

  /// A file without a name, open at its start. A pipe would not do: a program that ends before it has read its input
  /// would end this process too, by SIGPIPE.
  private static func unnamedFile(holding text: String) throws -> FileDescriptor {
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path = FilePath("\(folder)/elbo-plot-\(UInt64.random(in: 0...UInt64.max))")
    let file = try FileDescriptor.open(
      path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
    unlink(path.string)
    do {
      try file.writeAll(text.utf8)
      try file.seek(offset: 0, from: .start)
    } catch {
      try? file.close()
      throw error
    }
    return file
  }
}
