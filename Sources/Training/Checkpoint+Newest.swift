import Datasets
import Files
import Foundation

extension Checkpoint {
  /// A run's checkpoints whose state can be read, oldest first.
  /// - Throws: what is wrong with the newest, where none can be read.
  package static func all(of run: RunFolder) throws -> [Checkpoint] {
    let folders = try list(run).map { run.checkpoints + "/" + $0 }
    let found = folders.compactMap { try? Checkpoint(opening: $0) }
    if found.isEmpty, let newest = folders.last { return [try Checkpoint(opening: newest)] }
    return found
  }

  /// Fills a learner from the newest checkpoint that is whole. A damaged one is passed over, and `note` hears of it.
  ///
  /// It changes nothing in the run, so it needs no lock: a checkpoint that the run's writer removes meanwhile is
  /// passed over for a newer one.
  /// - Parameters:
  ///   - run: whose checkpoints.
  ///   - learner: what to fill.
  ///   - optimizer: whether to fill what the update remembers too; evaluation does not need it.
  ///   - accept: throws when the run's checkpoints are not what the caller wants.
  ///   - note: hears of a damaged checkpoint.
  /// - Returns: nil when the run has no checkpoint.
  /// - Throws: `TrainingError` when none is whole; `FileError` when one that may be whole cannot be read.
  public static func restoreNewest(
    of run: RunFolder, into learner: any Learner, optimizer: Bool, accept: (State) throws -> Void = { _ in },
    note: (String) -> Void
  ) throws -> Checkpoint? {
    try restoreNewest(
      of: run, optimizer: optimizer, note: note,
      into: {
        try accept($0.state)
        return learner
      })
  }

  /// The same, with a learner that depends on the checkpoint.
  /// - Parameters:
  ///   - run: whose checkpoints.
  ///   - optimizer: whether to fill what the update remembers too.
  ///   - note: hears of a damaged checkpoint.
  ///   - learner: makes it, or throws when the run's checkpoints are not what the caller wants.
  public static func restoreNewest(
    of run: RunFolder, optimizer: Bool, note: (String) -> Void, into learner: (Checkpoint) throws -> any Learner
  ) throws -> Checkpoint? {
    var damaged: [String] = []
    var first: (text: String, error: any Error)?
    var removed = 0
    while true {
      guard let name = try list(run).last(where: { !damaged.contains($0) }) else {
        guard let first else { return nil }
        if let error = first.error as? TrainingError, error.code == .otherModel { throw error }
        throw TrainingError(
          .damagedFile, "\(run.path) has no whole checkpoint: \(first.text)",
          advice: "restore the folder from a copy, or start a new run")
      }
      let folder = run.checkpoints + "/" + name
      do {
        let checkpoint = try Checkpoint(opening: folder)
        let target: any Learner
        do { target = try learner(checkpoint) } catch { throw Refusal(reason: error) }
        try checkpoint.restore(target, optimizer: optimizer)
        if let first {
          note("warning: \(first.text); going by the checkpoint before, of step \(checkpoint.state.step)")
        }
        return checkpoint
      } catch let refusal as Refusal {
        throw refusal.reason
      } catch {
        guard FileManager.default.fileExists(atPath: folder) else {
          removed += 1
          guard removed < 1000 else { throw error }
          continue
        }
        guard let text = damage(error) else { throw error }
        damaged.append(name)
        if first == nil { first = (text, error) }
      }
    }
  }

  /// What the caller throws.
  private struct Refusal: Error { let reason: any Error }

  /// The error of a run that has no checkpoint.
  public static func none(in run: RunFolder) -> TrainingError {
    TrainingError(.noRun, "\(run.path) has no checkpoint", advice: "train it first, or name another run")
  }

  /// Reads `state.json` and `schema.json`.
  init(opening folder: String) throws {
    let path = Checkpoint.statePath(folder)
    let state = try State(InputFile.read(path, limit: 1 << 20), path: path)
    guard folder.split(separator: "/").last.map({ Int($0.dropFirst(5)) }) == state.step else {
      throw TrainingError(.damagedFile, "\(path) is damaged", advice: "use another checkpoint")
    }
    self.init(folder: folder, state: state, schema: try state.schema_sha256.map { try Checkpoint.schema(folder, $0) })
  }

  private static func schema(_ folder: String, _ digest: String) throws -> Schema {
    let schemaPath = Checkpoint.schemaPath(folder)
    let text = try InputFile.read(schemaPath, limit: Schema.longestFile)
    guard SHA256.hexDigest(of: text) == digest else {
      throw TrainingError(
        .damagedFile, "\(schemaPath) does not have the SHA-256 that state.json says", advice: "use another checkpoint")
    }
    return try Schema(json: text, path: schemaPath)
  }

  /// What is wrong with a checkpoint, where the error shows that it is not whole. Other errors may pass: too many open
  /// files, for one.
  private static func damage(_ error: any Error) -> String? {
    switch error {
    // The recipe was found to be the same, so a tensor that is missing was there once.
    case let error as TrainingError where error.code == .damagedFile || error.code == .otherModel: error.message
    case let error as DataError where error.code == .damaged: "\(error.place?.file ?? ""): \(error.problem)"
    case let error as FileError:
      switch error.code {
      case .notFound, .isFolder, .notFolder, .tooLarge: "\(error.path) cannot be read: \(error.reason)"
      default: error.systemError == EIO ? "\(error.path) cannot be read: \(error.reason)" : nil
      }
    default: nil
    }
  }
}
