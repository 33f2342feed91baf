import Foundation
import Training

/// What tells a model that was written anew from the one before, without reading it.
struct FileSignature: Sendable, Equatable {
  private var parts: [String] = []

  /// Of a model file itself, or of a run's checkpoints and its calibration.
  init(_ path: String) {
    if ModelFile.isFile(path) {
      add(path)
    } else {
      parts = ((try? FileManager.default.contentsOfDirectory(atPath: path + "/checkpoints")) ?? []).sorted()
      add(path + "/recipe.yaml")
      add(path + "/calibration.json")
    }
  }

  private mutating func add(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return parts.append("-") }
    parts.append(
      "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)")
  }
}
