import Datasets
import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@Suite("Checkpoints") final class CheckpointTests {
  private let folder = TemporaryFolder()
  private let run: RunFolder
  private let lock: RunLock

  init() throws { (run, lock) = try RunFolder.create(at: folder.path + "/run", name: "x", note: { _ in }) }

  private func write(_ step: Int, keeping: Int = 9, every: Int = 0, from learner: Drift? = nil) throws {
    let learner = learner ?? Drift(at: step)
    let moment = Trainer.Moment(step: step, epoch: 0, seconds: 1, converged: false)
    var state = Checkpoint.State(learner, at: moment, model: "drift", recipe: "r", data: "d")
    state.extras = ["more.safetensors": SHA256.hexDigest(of: "more".utf8)]
    let data = try Dataset(name: "x", train: ExampleSet(inputs: ExampleArray([1.0, 2, 3, 4], shape: [2])))
    try Checkpoint.write(
      learner, state: state, schema: data.schema, in: run, keeping: KeptCheckpoints(newest: keeping, every: every))
    try Data("more".utf8).write(to: URL(fileURLWithPath: path(step, "more.safetensors")))
  }

  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: run.checkpoints))?.sorted() ?? []
  }

  private func path(_ step: Int, _ file: String = "") -> String { "\(run.checkpoints)/step-00000\(step)/\(file)" }

  private func newest(
    optimizer: Bool = true, note: (String) -> Void = { _ in }
  ) throws -> (step: Int?, learner: Drift) {
    let learner = Drift()
    return (try Checkpoint.restoreNewest(of: run, into: learner, optimizer: optimizer, note: note)?.state.step, learner)
  }

  /// What can be wrong with a checkpoint.
  enum Damage: String, CaseIterable {
    case noState, emptyState, otherStep, noModel, shortModel, flippedModel, otherTensors, flippedOptimizer,
      stateIsFolder, noSchema, shortSchema, otherSchema, noMore, otherMore, longState

    func done(to folder: String) throws {
      let manager = FileManager.default
      func change(_ file: String, _ body: (inout Data) -> Void) throws {
        let url = URL(fileURLWithPath: folder + file)
        var data = try Data(contentsOf: url)
        body(&data)
        try data.write(to: url)
      }
      switch self {
      case .noState: try manager.removeItem(atPath: folder + "state.json")
      case .emptyState: try change("state.json") { $0 = Data() }
      case .otherStep:
        try change("state.json") {
          $0 = Data(String(decoding: $0, as: UTF8.self).replacing("\"step\" : 3", with: "\"step\" : 2").utf8)
        }
      case .noModel: try manager.removeItem(atPath: folder + "model.safetensors")
      case .shortModel: try change("model.safetensors") { $0.removeLast(4) }
      case .flippedModel: try change("model.safetensors") { $0[$0.count - 2] ^= 1 }
      case .otherTensors:
        try change("model.safetensors") {
          $0 = Data(String(decoding: $0, as: UTF8.self).replacing("position", with: "positron").utf8)
        }
      case .flippedOptimizer: try change("optimizer.safetensors") { $0[$0.count - 2] ^= 1 }
      case .noSchema: try manager.removeItem(atPath: folder + "schema.json")
      case .shortSchema: try change("schema.json") { $0.removeLast(20) }
      case .otherSchema:
        try change("schema.json") {
          $0 = Data(String(decoding: $0, as: UTF8.self).replacing("\"train\" : 2", with: "\"train\" : 3").utf8)
        }
      case .noMore: try manager.removeItem(atPath: folder + "more.safetensors")
      case .otherMore: try change("more.safetensors") { $0[1] ^= 1 }
      case .longState: try change("state.json") { $0 += Data("\n".utf8) }
      case .stateIsFolder:
        try manager.removeItem(atPath: folder + "state.json")
        try manager.createDirectory(atPath: folder + "state.json", withIntermediateDirectories: false)
      }
    }
  }

  @Test("The newest is damaged: the one before it, aloud, and nothing is changed", arguments: Damage.allCases)
  func damage(_ damage: Damage) throws {
    for step in 1...3 { try write(step) }
    try damage.done(to: path(3))
    var notes: [String] = []
    let (step, learner) = try newest { notes.append($0) }
    #expect(step == 2)
    #expect(learner.position == 2)
    #expect(learner.auxiliary[0].float32[2] == 20)
    #expect(notes.count == 1)
    #expect(notes.first?.contains("step-000003") == true && notes.first?.contains("step 2") == true, "\(notes)")
    #expect(names == ["step-000001", "step-000002", "step-000003"])
  }

  @Test func everyDigitOfTheStateCounts() throws {
    for step in 2...3 { try write(step) }
    let url = URL(fileURLWithPath: path(3, "state.json"))
    let whole = try Data(contentsOf: url)
    for place in whole.indices where UInt8(ascii: "0")...UInt8(ascii: "9") ~= whole[place] {
      var changed = whole
      changed[place] = whole[place] == UInt8(ascii: "7") ? UInt8(ascii: "6") : UInt8(ascii: "7")
      try changed.write(to: url)
      // The format alone says that another elbo is needed.
      let step = try? newest().step
      #expect(step == 2 || step == nil && whole[place - 2] == UInt8(ascii: ":"), "byte \(place)")
    }
    try whole.write(to: url)
    #expect(try newest().step == 3)
  }

  @Test func theSchemaIsRead() throws {
    try write(3)
    let schema = try #require(
      try Checkpoint.restoreNewest(of: run, into: Drift(), optimizer: false, note: { _ in })?.schema)
    #expect(schema.shape == [2] && schema.train == 2 && schema.test == 0 && schema.name == "x")
  }

  /// As 0.1 wrote it.
  @Test func formatOne() throws {
    try write(3)
    for name in ["schema.json", "more.safetensors"] { try FileManager.default.removeItem(atPath: path(3, name)) }
    let url = URL(fileURLWithPath: path(3, "state.json"))
    var fields = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    for key in ["sha256", "elbo", "extras", "numerics", "schema_sha256"] { fields[key] = nil }
    fields["format"] = 1
    try JSONSerialization.data(withJSONObject: fields).write(to: url)
    let found = try #require(try Checkpoint.restoreNewest(of: run, into: Drift(), optimizer: true, note: { _ in }))
    #expect(found.state.format == 1 && found.state.step == 3 && found.schema == nil && found.state.numerics == nil)
  }

  @Test func readersNeedNoOptimizer() throws {
    for step in 1...3 { try write(step) }
    try Damage.flippedOptimizer.done(to: path(3))
    #expect(try newest(optimizer: false).step == 3)
  }

  @Test func noneIsNoneAndNoWholeOneIsAnError() throws {
    #expect(try newest().step == nil)
    try FileManager.default.removeItem(atPath: run.checkpoints)
    #expect(try newest().step == nil)
    try write(3)
    try Damage.shortModel.done(to: path(3))
    let error = #expect(throws: TrainingError.self) { try newest() }
    #expect(error?.code == .damagedFile)
    #expect(error?.message.contains("model.safetensors") == true, "\(error as Any)")
  }

  /// The checkpoint may be whole: to go by an older one would lose work.
  @Test func whatCannotBeReadIsAnError() throws {
    for step in 1...3 { try write(step) }
    let model = path(3, "model.safetensors")
    try FileManager.default.removeItem(atPath: model)
    try FileManager.default.createSymbolicLink(atPath: model, withDestinationPath: model)
    #expect(throws: FileError.self) { try newest() }
  }

  @Test func aFormatOfTheFutureIsAnError() throws {
    for step in 1...3 { try write(step) }
    try Data("{\"format\": 7, \"elbo\": \"9.1\"}".utf8).write(to: URL(fileURLWithPath: path(3, "state.json")))
    let error = #expect(throws: TrainingError.self) { try newest() }
    #expect(error?.code == .otherFormat && error?.description.contains("use elbo 9.1") == true, "\(error!)")
  }

  @Test func whatIsNotAcceptedIsNotPassedOver() throws {
    for step in 1...3 { try write(step) }
    let error = #expect(throws: TrainingError.self) {
      try Checkpoint.restoreNewest(of: run, into: Drift(), optimizer: true) { _ in
        throw TrainingError(.otherRecipe, "another", advice: "")
      } note: { _ in
      }
    }
    #expect(error?.code == .otherRecipe)
  }

  @Test func theNewestAreKeptAndDamagedOnesBeyondDoNotCount() throws {
    for step in 1...4 { try write(step, keeping: 2) }
    #expect(names == ["step-000003", "step-000004"])
    try write(9)
    try write(5, keeping: 2)
    #expect(names == ["step-000004", "step-000005", "step-000009"])
  }

  @Test("Checkpoints of each so many steps stay for good") func somePlacesAreKept() throws {
    for step in 1...7 { try write(step, keeping: 1, every: 3) }
    #expect(names == ["step-000003", "step-000006", "step-000007"])
  }

  @Test func theSameStepAgain() throws {
    try write(3, keeping: 1)
    try write(3, keeping: 1, from: Drift(at: 7))
    #expect(names == ["step-000003"])
    #expect(try newest().learner.position == 7)
  }

  /// A whole folder beside the checkpoint of its step, as `write` has it at that moment.
  private func aside() throws -> String {
    try write(3, from: Drift(at: 7))
    let aside = run.checkpoints + "/.step-000003.tmp-1"
    try FileManager.default.moveItem(atPath: path(3), toPath: aside)
    try write(3)
    return aside
  }

  @Test func aFileSystemThatCannotExchange() throws {
    try Checkpoint.place(try aside(), as: "step-000003", in: run) { _, _ in
      let position = try self.newest().learner.position
      #expect(position == 3)
      return false
    }
    #expect(names == ["step-000003"])
    #expect(try newest().learner.position == 7)
  }

  @Test("Killed between the two renames of such a file system: the old one is back")
  func recovery() throws {
    _ = try aside()
    try FileManager.default.moveItem(atPath: path(3), toPath: run.checkpoints + "/.step-000003.old-1")
    try Checkpoint.recover(in: run)
    try Checkpoint.removeRests(in: run)
    #expect(names == ["step-000003"])
    #expect(try newest().learner.position == 3)
  }

  @Test func whatIsBeingWrittenIsNoReadersToRemove() throws {
    try write(3)
    let aside = run.checkpoints + "/.step-000004.tmp-1"
    try FileManager.default.createDirectory(atPath: aside, withIntermediateDirectories: false)
    #expect(try newest().step == 3)
    #expect(names == [".step-000004.tmp-1", "step-000003"])
    try write(5)
    #expect(names.contains(".step-000004.tmp-1"))
    try Checkpoint.recover(in: run)
    try Checkpoint.removeRests(in: run)
    #expect(names == ["step-000003", "step-000005"])
  }
}
