import Files
import Foundation
import Reports
import Runs
import Testing

/// Event files of runs.
@Suite("TensorBoard beside a training", .timeLimit(.minutes(5))) struct TensorBoardLogTests {
  /// Steps of what has a step, and what a file holds, as text.
  private func content(of folder: String) throws -> (steps: [Int], text: String) {
    let records = TensorBoardFile.records(in: folder)
    let text = records.map { String(decoding: $0, as: UTF8.self) }.joined()
    return (records.map { TensorBoardFile.step(of: $0) }.filter { $0 > 0 }, text)
  }

  private func files(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("tfevents") }
  }

  @Test("A training that goes on has one file with every step once, and the parameters of one without") func resumed()
    async throws
  {
    let files = Files()
    func recipe(_ steps: Int, _ board: Bool) throws -> Recipe {
      let recipe = try files.regression(steps: steps)
      try recipe.set("train.report_every=5")
      try recipe.set("train.tensorboard=\(board)")
      return recipe
    }
    let whole = try await Run.train(recipe(20, true), out: files["whole"])
    let plain = try await Run.train(recipe(20, false), out: files["plain"])
    #expect(try self.files(in: files["plain"]).isEmpty)
    try await Run.train(recipe(10, true), out: files["cut"])
    let before = try self.files(in: files["cut"])
    let resumed = try await Run.resume(files["cut"], setting: ["train.steps": "20"])
    #expect(Set([whole, plain, resumed].map(\.parameters_sha256)).count == 1)
    let after = try self.files(in: files["cut"])
    #expect(after.count == 1 && before.count == 1 && after != before)
    let (cut, expected) = (try content(of: files["cut"]), try content(of: files["whole"]))
    // The cut one was also measured at its first end.
    #expect(Set(cut.steps) == Set(expected.steps) && Set(expected.steps) == [5, 10, 15, 20])
    for part in ["train/", "test/reg/NLL", "posterior means/", "posterior deviations/", "train.batch", "```yaml"] {
      #expect(cut.text.contains(part) && expected.text.contains(part), "\(part)")
    }
    #expect(!cut.text.contains("train.tensorboard\u{12}"))
  }

  @Test("A file of an old run is made of what its folder holds") func exported() async throws {
    let files = Files()
    let recipe = try files.regression(steps: 12)
    try recipe.set("train.report_every=4")
    try await Run.train(recipe, out: files["run"])
    try Run(opening: files["run"]).exportTensorBoard(to: files["boards/run"])
    let (steps, text) = try content(of: files["boards/run"])
    #expect(
      Set(steps) == [4, 8, 12] && text.contains("posterior means/") && text.contains("_hparams_/session_end_info"))
    #expect(throws: (any Error).self) { try Run(opening: files["run"]).exportTensorBoard(to: "/dev/null/board") }
  }

  @Test("What cannot be written ends nothing, and is said once") func trouble() async throws {
    let files = Files()
    let recipe = try files.regression(steps: 4)
    try await Run.train(recipe, out: files["run"])
    let said = Said()
    let log = TensorBoardLog(
      try RunFolder(opening: files["run"]), in: "/dev/null/board", recipe: "", hyperparameters: [], from: nil,
      say: { said.add($0) })
    for step in 1...3 { log.add(["train/a": 1], at: step) }
    log.end()
    #expect(said.lines.count == 1 && said.lines[0].contains("the training goes on"))
    #expect(log.trouble != nil)
  }
}

private final class Said: @unchecked Sendable {
  private let lock = NSLock()
  private var all: [String] = []
  func add(_ line: String) { lock.withLock { all.append(line) } }
  var lines: [String] { lock.withLock { all } }
}
