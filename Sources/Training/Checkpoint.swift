import Datasets
import Files
import Foundation
import Tensors

/// A moment of a training from which it can go on bit for bit: parameters, what the update remembers, and the number
/// of the next step. Everything else, noise and order among it, is a function of that number and the recipe.
public struct Checkpoint: Sendable {
  /// Where it lies; of a model in one file, that file; empty when it is not written yet.
  public let folder: String
  public let state: State
  /// What the training data is like; nil in a checkpoint of 0.1.
  public let schema: Schema?

  private static func modelPath(_ folder: String) -> String { folder + "/model.safetensors" }
  private static func optimizerPath(_ folder: String) -> String { folder + "/optimizer.safetensors" }
  private static func statisticsPath(_ folder: String) -> String { folder + "/statistics.safetensors" }
  static func statePath(_ folder: String) -> String { folder + "/state.json" }
  static func schemaPath(_ folder: String) -> String { folder + "/schema.json" }

  /// Writes a checkpoint aside, syncs it and puts it into place: it is there whole or not at all, also after a SIGKILL
  /// or a power failure in the middle. One of the same step stays until the new one has its place. Older ones are
  /// removed but for `keeping`.
  /// - Parameters:
  ///   - state: where the training stands.
  ///   - learner: its buffers are written.
  ///   - schema: what the training data is like.
  ///   - run: the run's folder.
  ///   - keeping: which checkpoints stay.
  /// - Returns: the path of the new checkpoint.
  @discardableResult
  public static func write(
    _ learner: any Learner, state: State, schema: Schema? = nil, in run: RunFolder, keeping: KeptCheckpoints
  ) throws -> Checkpoint {
    var state = state
    let name = "step-" + String(repeating: "0", count: max(6 - String(state.step).count, 0)) + String(state.step)
    let final = run.checkpoints + "/" + name
    let aside = asidePath(name, "tmp", in: run)
    try makeFolder(aside)
    do {
      try SafeTensors.write(modelPath(aside), plain: [learner.parameters], metadata: ["model": state.model])
      try SafeTensors.write(optimizerPath(aside), prefixed: learner.auxiliary)
      if !learner.dataStatistics.isEmpty {
        try SafeTensors.write(statisticsPath(aside), prefixed: learner.dataStatistics)
      }
      if let schema {
        let text = try schema.json
        try AtomicFile.write(schemaPath(aside), text)
        state.schema_sha256 = SHA256.hexDigest(of: text)
      }
      try AtomicFile.write(statePath(aside), state.text)
      try place(aside, as: name, in: run)
    } catch {
      try? FileManager.default.removeItem(atPath: aside)
      throw error
    }
    try AtomicFile.syncFolder(run.checkpoints)
    // What remains at `aside` is the one that was replaced.
    try? FileManager.default.removeItem(atPath: aside)
    // Later ones were passed over, since they are damaged: they do not count.
    for old in try list(run).filter({ Int($0.dropFirst(5))! <= state.step }).dropLast(max(keeping.newest, 1)) {
      if keeping.isKept(step: Int(old.dropFirst(5))!) { continue }
      // At once, so that no reader sees a part of it.
      let gone = asidePath(old, "tmp", in: run)
      if (try? Renaming.move(run.checkpoints + "/" + old, to: gone)) != nil {
        try? FileManager.default.removeItem(atPath: gone)
      }
    }
    return Checkpoint(folder: final, state: state, schema: schema)
  }

  /// Gives a whole folder its name, also when there is one of that name.
  /// - Parameter exchange: exchanges two folders; false where the file system cannot.
  package static func place(
    _ aside: String, as name: String, in run: RunFolder,
    exchange: (String, String) throws -> Bool = { try Renaming.exchange($0, $1) }
  ) throws {
    let final = run.checkpoints + "/" + name
    guard FileManager.default.fileExists(atPath: final) else { return try Renaming.move(aside, to: final) }
    if try exchange(aside, final) { return }
    // `recover` gives it its name back when this process does not come to the next line.
    let old = asidePath(name, "old", in: run)
    try Renaming.move(final, to: old)
    do {
      try Renaming.move(aside, to: final)
    } catch {
      try? Renaming.move(old, to: final)
      throw error
    }
    try AtomicFile.syncFolder(run.checkpoints)
    try? FileManager.default.removeItem(atPath: old)
  }

  private static func asidePath(_ name: String, _ kind: String, in run: RunFolder) -> String {
    "\(run.checkpoints)/.\(name).\(kind)-\(UInt64.random(in: 0...UInt64.max))"
  }

  /// Gives a checkpoint its name back that a killed process was replacing, on a file system that cannot exchange
  /// folders. For the holder of the run's lock, before it reads: what lies there may otherwise be a living process's
  /// work.
  public static func recover(in run: RunFolder) throws {
    for name in try entries(of: run) where name.hasPrefix(".step-") {
      let final = String(name.dropFirst().prefix { $0 != "." })
      let path = run.checkpoints + "/" + final
      guard name.hasPrefix(".\(final).old-"), !FileManager.default.fileExists(atPath: path) else { continue }
      try Renaming.move(run.checkpoints + "/" + name, to: path)
    }
  }

  /// Removes what killed processes left half-written. For the holder of the run's lock, after `recover`.
  public static func removeRests(in run: RunFolder) throws {
    for name in try entries(of: run) where name.hasPrefix(".step-") {
      try? FileManager.default.removeItem(atPath: run.checkpoints + "/" + name)
    }
  }

  /// The names of a run's checkpoints, oldest step first.
  static func list(_ run: RunFolder) throws -> [String] {
    try entries(of: run).filter { $0.hasPrefix("step-") && Int($0.dropFirst(5)) != nil }
      .sorted { Int($0.dropFirst(5))! < Int($1.dropFirst(5))! }
  }

  private static func entries(of run: RunFolder) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: run.checkpoints)
    } catch {
      let number = systemError(of: error)
      guard number != ENOENT else { return [] }
      throw FileError("read", run.checkpoints, systemError: number)
    }
  }

  /// The statistics that format 1 held. What came later is made from the training data, without which a run of that
  /// format does not open.
  private static let firstStatistics = ["inputs", "targets"]
  /// What updates remember that format 1 did not hold.
  private static let laterAuxiliary = ["ends"]

  /// Fills a learner's buffers, what the training data fixed among them: whatever data the learner was made with, it
  /// sees them as the training saw its own. What the update remembers is filled too where `optimizer` says so:
  /// evaluation does not need it.
  /// - Throws: `TrainingError` when the checkpoint is damaged, or is of another model, recipe or data.
  public func restore(_ learner: any Learner, optimizer: Bool) throws {
    let model = try SafeTensors.Contents(Checkpoint.modelPath(folder))
    try model.fill(learner.parameters, prefixed: false)
    try check(learner.parameters.sha256, state.parameters_sha256, Checkpoint.modelPath(folder))
    let kept = learner.dataStatistics.filter { state.format > 1 || Checkpoint.firstStatistics.contains($0.name) }
    if !kept.isEmpty {
      guard let digest = state.statistics_sha256 else {
        throw TrainingError(
          .damagedFile, "\(folder) does not hold the statistics of the training data", advice: "train the run again")
      }
      let statistics = try SafeTensors.Contents(Checkpoint.statisticsPath(folder))
      for buffer in kept { try statistics.fill(buffer, prefixed: true) }
      try check(kept.sha256, digest, Checkpoint.statisticsPath(folder))
    }
    learner.numbersWereReplaced()
    for (name, digest) in state.extras ?? [:] {
      let path = folder + "/" + name
      try check(SHA256.hexDigest(of: InputFile.read(path)), digest, path)
    }
    guard optimizer else { return }
    let moments = try SafeTensors.Contents(Checkpoint.optimizerPath(folder))
    let auxiliary = learner.auxiliary.filter { state.format > 1 || !Checkpoint.laterAuxiliary.contains($0.name) }
    for buffer in auxiliary { try moments.fill(buffer, prefixed: true) }
    // Of all that the file holds: an older one may hold more than is needed.
    try check(moments.sha256, state.optimizer_sha256, Checkpoint.optimizerPath(folder))
  }

  private func check(_ actual: String, _ expected: String, _ path: String) throws(TrainingError) {
    guard actual == expected else {
      throw TrainingError(
        .damagedFile, "\(path) does not have the SHA-256 that state.json says",
        advice: "use another checkpoint")
    }
  }
}

extension Checkpoint {
  /// The start of a training whose learner begins with given parameters: it is not written yet.
  package init(startOf learner: any Learner, model: String, recipe: String, schema: Schema) {
    folder = ""
    state = State(
      learner, at: Trainer.Moment(step: 0, epoch: 0, seconds: 0, converged: false), model: model, recipe: recipe,
      data: schema.fingerprint)
    self.schema = schema
  }

  package var isWritten: Bool { !folder.isEmpty }
}

/// Which checkpoints of a run stay when a new one is written.
public struct KeptCheckpoints: Sendable {
  /// How many of the newest, at least one.
  public var newest: Int
  /// Those of the steps that this divides stay for good; 0: none.
  public var every: Int

  public init(newest: Int, every: Int = 0) { (self.newest, self.every) = (newest, every) }

  /// The checkpoint of step 0 stays too: it holds what a training from given parameters started with, which `elbo verify`
  /// and `--resume` need.
  func isKept(step: Int) -> Bool { step == 0 || every > 0 && step.isMultiple(of: every) }
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
