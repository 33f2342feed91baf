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
  public var figures: String { path + "/figures" }

  /// A new run. Without a path: `runs/NAME`, `runs/NAME-2` and so on.
  /// - Throws: `FileError` when the folder cannot be made; `TrainingError` when there is a run in it already.
  public init(creating path: String?, name: String) throws {
    let manager = FileManager.default
    if let path {
      self.path = path
      guard !manager.fileExists(atPath: path + "/recipe.yaml") else {
        throw TrainingError(
          .noRun, "\(path) holds a run already", advice: "name another folder, or go on with --resume \(path)")
      }
    } else {
      var candidate = "runs/\(name)"
      var number = 1
      while manager.fileExists(atPath: candidate) {
        number += 1
        candidate = "runs/\(name)-\(number)"
      }
      self.path = candidate
    }
    for folder in [self.path, checkpoints, figures] { try makeFolder(folder) }
  }

  /// Takes back a new run that came to nothing: what was written for it, and the folder unless something else lies in it.
  public func discard() {
    for file in [recipe, environment, metrics] { unlink(file) }
    for folder in [checkpoints, figures, path] { rmdir(folder) }
  }

  /// A run that exists.
  public init(opening path: String) throws {
    self.path = path
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

/// Renames a folder.
func moveFolder(_ path: String, to target: String) throws(FileError) {
  guard rename(path, target) == 0 else { throw FileError("write", target, systemError: errno) }
}

/// The errno under an error of Foundation's.
private func systemError(of error: any Error) -> CInt {
  let error = error as NSError
  if error.domain == NSPOSIXErrorDomain { return CInt(error.code) }
  if let under = error.userInfo[NSUnderlyingErrorKey] as? NSError { return systemError(of: under) }
  return error.code == CocoaError.fileWriteFileExists.rawValue ? EEXIST : EACCES
}
