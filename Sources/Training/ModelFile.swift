import Datasets
import Files
import Foundation
import Tensors

/// A trained model as one file: what predicts, samples and is evaluated, without what only a further training needs.
///
/// It is a safetensors file, so it loads in Python as it is. Its tensors are the parameters under their names and what the
/// training data fixed (`inputs/mean` and the like); its metadata are `format`, `recipe` (YAML), `schema` and `state` (the
/// texts of a checkpoint's files), `calibration` (that of `calibration.json`, if there is one) and `sha256`, the digest of these
/// texts. It holds no training data but what a model is
/// made of, such as the points of a Gaussian process.
public struct ModelFile: Sendable {
  public let path: String
  /// The recipe that the model was trained by, as YAML.
  public let recipe: String
  public let schema: Schema
  public let state: Checkpoint.State
  /// What `elbo calibrate` left beside the run, as JSON.
  public let calibration: String?

  /// What such a file's name ends with.
  public static let fileExtension = ".elbo"
  private static let format = "elbo-model-1"

  /// Whether a path names a model file and not a run folder: by what is there.
  public static func isFile(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
  }

  /// Writes a learner whose numbers are those of a checkpoint.
  public static func write(
    _ path: String, _ learner: any Learner, state: Checkpoint.State, schema: Schema, recipe: String,
    calibration: String? = nil
  ) throws {
    var state = state
    let schema = try schema.json
    (state.format, state.schema_sha256) = (Checkpoint.State.newestFormat, SHA256.hexDigest(of: schema))
    state.statistics_sha256 = learner.dataStatistics.isEmpty ? nil : learner.dataStatistics.sha256
    let texts = [recipe, String(decoding: schema, as: UTF8.self), String(decoding: try state.text, as: UTF8.self)]
    var metadata = ["format": format, "recipe": texts[0], "schema": texts[1], "state": texts[2]]
    metadata["calibration"] = calibration
    metadata["sha256"] = digest(texts + (calibration.map { [$0] } ?? []))
    try SafeTensors.write(
      path, plain: [learner.parameters], prefixed: learner.dataStatistics, metadata: metadata)
  }

  /// Reads what the file says of its model; the tensors are read by `restore`.
  /// - Throws: `FileError` when it cannot be read; `TrainingError` when it is no whole model file.
  public init(opening path: String) throws {
    let metadata = try SafeTensors.Contents(path).metadata
    guard let format = metadata["format"], format.hasPrefix("elbo-model-") else {
      throw TrainingError(
        .noRun, "\(path) is no model of elbo", advice: "name a run folder, or a file that `elbo export` wrote")
    }
    guard format == ModelFile.format else {
      throw TrainingError(
        .otherFormat, "\(path) is of the format \(format.prefix(40)); this is elbo \(Version.elbo)",
        advice: "use the elbo that wrote it, or a newer one")
    }
    let texts = ["recipe", "schema", "state"].compactMap { metadata[$0] }
    calibration = metadata["calibration"]
    guard texts.count == 3, metadata["sha256"] == ModelFile.digest(texts + (calibration.map { [$0] } ?? [])) else {
      throw ModelFile.damaged(path)
    }
    (self.path, recipe) = (path, texts[0])
    schema = try Schema(json: Array(texts[1].utf8), path: path)
    state = try Checkpoint.State(Array(texts[2].utf8), path: path)
  }

  /// The moment of the training whose numbers these are.
  public var checkpoint: Checkpoint { Checkpoint(folder: path, state: state, schema: schema) }

  /// Fills a learner's parameters and what the training data fixed.
  /// - Throws: `TrainingError` when the file is damaged, or its tensors are not those of its recipe.
  public func restore(_ learner: any Learner) throws {
    let contents = try SafeTensors.Contents(path)
    try contents.fill(learner.parameters, prefixed: false)
    for buffer in learner.dataStatistics { try contents.fill(buffer, prefixed: true) }
    learner.numbersWereReplaced()
    let statistics = learner.dataStatistics
    guard learner.parameters.sha256 == state.parameters_sha256,
      statistics.isEmpty || statistics.sha256 == state.statistics_sha256
    else { throw ModelFile.damaged(path) }
  }

  private static func digest(_ texts: [String]) -> String {
    var hash = SHA256()
    for text in texts {
      hash.update(Array("\(text.utf8.count)\0".utf8))
      hash.update(Array(text.utf8))
    }
    return hash.hexDigest()
  }

  private static func damaged(_ path: String) -> TrainingError {
    TrainingError(
      .damagedFile, "\(path) is damaged: it does not have the SHA-256 that it says", advice: "export the run again")
  }
}
