import Files
import Foundation
import Training

/// Distinguishes a model that was written anew from the one before, without reading it.
struct FileSignature: Sendable, Equatable {
  private let checkpoints: [String]
  private let stamps: [FileStamp?]

  /// Of a model file itself, or of a run's checkpoints and its calibration.
  init(_ path: String) {
    if ModelFile.isFile(path) {
      (checkpoints, stamps) = ([], [FileStamp(path)])
    } else {
      checkpoints = ((try? FileManager.default.contentsOfDirectory(atPath: path + "/checkpoints")) ?? []).sorted()
      stamps = ["/recipe.yaml", "/calibration.json"].map { FileStamp(path + $0) }
    }
  }
}
