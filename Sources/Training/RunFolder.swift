import Files
import Foundation

/// A folder that holds everything a training produced.
public struct RunFolder: Sendable {
  public let path: String

  public var recipe: String { path + "/recipe.yaml" }
  public var environment: String { path + "/environment.json" }
  public var metrics: String { path + "/metrics.jsonl" }
  public var summary: String { path + "/summary.json" }
  public var checkpoints: String { path + "/checkpoints" }
  /// What `elbo calibrate` leaves.
  public var calibration: String { path + "/calibration.json" }
  public var figures: String { path + "/figures" }
  public var coordinatorLog: String { path + "/coordinator.log" }
  public var coordinatorEndpoint: String { path + "/coordinator.endpoint" }
  package var lock: String { path + "/.lock" }

  /// A new run, which only the holder of the lock writes. Without a path: `runs/NAME`, `runs/NAME-2` and so on,
  /// or where the variable ELBO_RUNS says. Of several processes that make the same run one wins.
  /// - Parameters:
  ///   - path: where to make it; nil: in the folder of runs.
  ///   - name: the model's, for a folder there.
  ///   - note: hears why other processes are not kept out, where the file system cannot lock.
  /// - Throws: `FileError` when the folder cannot be made; `TrainingError` when there is a run in it already, or
  ///   another process makes one.
  public static func create(
    at path: String?, name: String, note: (String) -> Void
  ) throws -> (run: RunFolder, lock: RunLock) {
    let run = try path.map { RunFolder(path: $0) } ?? unused(name: name)
    let lock = try RunLock(new: run, note: note)
    // Others may have made the run until the lock was taken.
    guard !FileManager.default.fileExists(atPath: run.recipe) else {
      lock.release()
      throw TrainingError(
        .noRun, "\(run.path) holds a run already", advice: "name another folder, or go on with --resume \(run.path)")
    }
    do {
      for folder in [run.checkpoints, run.figures] { try makeFolder(folder) }
    } catch {
      run.discard()
      lock.release()
      throw error
    }
    return (run, lock)
  }

  private init(path: String) { self.path = path }

  /// A new folder: the process that makes it owns it.
  private static func unused(name: String) throws -> RunFolder {
    let runs = Setting.runsFolder
    try makeFolder(runs)
    var (candidate, number) = ("\(runs)/\(name)", 1)
    while mkdir(candidate, 0o777) != 0 {
      guard errno == EEXIST else { throw FileError("make the folder", candidate, systemError: errno) }
      number += 1
      candidate = "\(runs)/\(name)-\(number)"
    }
    return RunFolder(path: candidate)
  }

  /// Takes back a new run that came to nothing: what was written for it, and the folder unless something else lies in
  /// it. For the holder of the lock, which is released afterwards.
  public func discard() {
    for file in [recipe, environment, metrics, coordinatorLog, coordinatorEndpoint, lock] { unlink(file) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    for name in names where name.hasPrefix("events.out.tfevents.") { unlink(path + "/" + name) }
    for name in (try? Checkpoint.list(self)) ?? [] {
      try? FileManager.default.removeItem(atPath: checkpoints + "/" + name)
    }
    for folder in [checkpoints, figures, path] { rmdir(folder) }
  }

  /// A run that exists: at a path, or of this name in the folder of runs.
  public init(opening path: String) throws {
    self.path = Setting.run(path)
    guard FileManager.default.fileExists(atPath: recipe) else {
      throw TrainingError(
        .noRun, "\(path) is not a run: it has no recipe.yaml", advice: "name a folder that a training wrote")
    }
  }
}

/// Makes a folder and those above it.
func makeFolder(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FileError("make the folder", path, systemError: systemError(of: error))
  }
}

/// The errno under an error of Foundation's.
func systemError(of error: any Error) -> CInt {
  let error = error as NSError
  if error.domain == NSPOSIXErrorDomain { return CInt(error.code) }
  if let under = error.userInfo[NSUnderlyingErrorKey] as? NSError { return systemError(of: under) }
  switch CocoaError.Code(rawValue: error.code) {
  case .fileWriteFileExists: return EEXIST
  case .fileReadNoSuchFile, .fileNoSuchFile: return ENOENT
  case .fileReadUnknown, .fileWriteUnknown: return EIO
  default: return EACCES
  }
}
