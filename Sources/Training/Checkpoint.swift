import Files
import Foundation
import Tensors

/// A moment of a training from which it can go on bit for bit: parameters, what the update remembers, and the number
/// of the next step. Everything else, noise and order among it, is a function of that number and the recipe.
public struct Checkpoint: Sendable {
  /// What `state.json` says.
  public struct State: Codable, Sendable, Equatable {
    /// The version of this format.
    public var format = 1
    public var model: String
    /// The number of the next step.
    public var step: Int
    public var epoch: Int
    /// Seconds of training until now, those of earlier starts counted in.
    public var seconds: Double
    public var converged: Bool
    /// SHA-256 of the recipe, the parts left out that may change from start to start.
    public var recipe: String
    public var data: String
    public var parameters_sha256: String
    public var optimizer_sha256: String
    /// Of what the training data fixed; none where they fix nothing.
    public var statistics_sha256: String?

    /// The state of a learner whose next step is the moment's.
    public init(_ learner: any Learner, at moment: Trainer.Moment, model: String, recipe: String, data: String) {
      self.model = model
      self.recipe = recipe
      self.data = data
      step = moment.step
      epoch = moment.epoch
      seconds = moment.seconds
      converged = moment.converged
      parameters_sha256 = learner.parameters.sha256
      optimizer_sha256 = learner.auxiliary.sha256
      statistics_sha256 = learner.dataStatistics.isEmpty ? nil : learner.dataStatistics.sha256
    }
  }

  public let folder: String
  public let state: State

  private static func modelPath(_ folder: String) -> String { folder + "/model.safetensors" }
  private static func optimizerPath(_ folder: String) -> String { folder + "/optimizer.safetensors" }
  private static func statisticsPath(_ folder: String) -> String { folder + "/statistics.safetensors" }
  private static func statePath(_ folder: String) -> String { folder + "/state.json" }

  /// Writes a checkpoint aside, syncs it and renames it into place: it is there whole or not at all, also after a
  /// SIGKILL or a power failure in the middle. Older ones are removed but for `keeping`.
  @discardableResult
  public static func write(
    _ learner: any Learner, state: State, in run: RunFolder, keeping: Int
  ) throws -> Checkpoint {
    let manager = FileManager.default
    let name = "step-" + String(repeating: "0", count: max(6 - String(state.step).count, 0)) + String(state.step)
    let final = run.checkpoints + "/" + name
    let aside = run.checkpoints + "/.\(name).tmp-\(UInt64.random(in: 0...UInt64.max))"
    try makeFolder(aside)
    do {
      try SafeTensors.write(modelPath(aside), [learner.parameters], prefixed: false, metadata: ["model": state.model])
      try SafeTensors.write(optimizerPath(aside), learner.auxiliary, prefixed: true)
      if !learner.dataStatistics.isEmpty {
        try SafeTensors.write(statisticsPath(aside), learner.dataStatistics, prefixed: true)
      }
      try AtomicFile.write(statePath(aside), Array(encoded(state)))
      if manager.fileExists(atPath: final) { try manager.removeItem(atPath: final) }
      try moveFolder(aside, to: final)
    } catch {
      try? manager.removeItem(atPath: aside)
      throw error
    }
    try AtomicFile.syncFolder(run.checkpoints)
    for old in try list(run).dropLast(max(keeping, 1)) where old != name {
      try? manager.removeItem(atPath: run.checkpoints + "/" + old)
    }
    return Checkpoint(folder: final, state: state)
  }

  private static func encoded(_ state: State) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return try encoder.encode(state) + Data("\n".utf8)
  }

  /// The names of a run's checkpoints, oldest step first. What was left half-written by a process that was killed is
  /// removed.
  static func list(_ run: RunFolder) throws -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: run.checkpoints)) ?? []
    for name in names where name.hasPrefix(".step-") {
      try? FileManager.default.removeItem(atPath: run.checkpoints + "/" + name)
    }
    return names.filter { $0.hasPrefix("step-") && Int($0.dropFirst(5)) != nil }
      .sorted { Int($0.dropFirst(5))! < Int($1.dropFirst(5))! }
  }

  /// The newest checkpoint of a run.
  public static func newest(of run: RunFolder) throws -> Checkpoint {
    guard let name = try list(run).last else {
      throw TrainingError(.noRun, "\(run.path) has no checkpoint", advice: "train it first, or name another run")
    }
    let folder = run.checkpoints + "/" + name
    let bytes = try InputFile.read(statePath(folder), limit: 1 << 20)
    guard let state = try? JSONDecoder().decode(State.self, from: Data(bytes)), state.format == 1, state.step >= 0
    else {
      throw TrainingError(
        .damagedFile, "\(statePath(folder)) is damaged", advice: "remove \(folder) to use the checkpoint before it")
    }
    return Checkpoint(folder: folder, state: state)
  }

  /// Fills a learner's buffers, what the training data fixed among them: whatever data the learner was made with, it
  /// sees them as the training saw its own. What the update remembers is filled too where `optimizer` says so:
  /// evaluation does not need it.
  /// - Throws: `TrainingError` when the checkpoint is damaged, or is of another model, recipe or data.
  public func restore(_ learner: any Learner, optimizer: Bool) throws {
    let model = try SafeTensors.Contents(Checkpoint.modelPath(folder))
    try model.fill(learner.parameters, prefixed: false)
    try check(learner.parameters.sha256, state.parameters_sha256, Checkpoint.modelPath(folder))
    if !learner.dataStatistics.isEmpty {
      guard let digest = state.statistics_sha256 else {
        throw TrainingError(
          .damagedFile, "\(folder) does not hold the statistics of the training data", advice: "train the run again")
      }
      let statistics = try SafeTensors.Contents(Checkpoint.statisticsPath(folder))
      for buffer in learner.dataStatistics { try statistics.fill(buffer, prefixed: true) }
      try check(learner.dataStatistics.sha256, digest, Checkpoint.statisticsPath(folder))
    }
    guard optimizer else { return }
    let moments = try SafeTensors.Contents(Checkpoint.optimizerPath(folder))
    for buffer in learner.auxiliary { try moments.fill(buffer, prefixed: true) }
    try check(learner.auxiliary.sha256, state.optimizer_sha256, Checkpoint.optimizerPath(folder))
  }

  private func check(_ actual: String, _ expected: String, _ path: String) throws(TrainingError) {
    guard actual == expected else {
      throw TrainingError(
        .damagedFile, "\(path) does not have the SHA-256 that state.json says",
        advice: "remove \(folder) to use the checkpoint before it")
    }
  }
}

extension FlatBuffer {
  /// SHA-256 of the numbers, little-endian, in layout order: the same as that of the tensors of a safetensors file, put
  /// one after the other.
  public var sha256: String { [self].sha256 }
}

extension [FlatBuffer] {
  public var sha256: String {
    var hash = SHA256()
    for buffer in self {
      for slot in buffer.layout.slots { hash.update(UnsafeRawBufferPointer(buffer.bytes(of: slot))) }
    }
    return hash.hexDigest()
  }
}
