import Datasets
import Foundation
import Runs
import Testing

@Suite("UCI splits") struct UCISplitsTests {
  /// Rows 0 to 19 with the number of the row as the input; rows 15 to 19 are the split's test examples.
  private func splits(in subfolder: String = "", _ body: (UCISplits) throws -> Void) throws {
    let set = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-uci-\(UUID().uuidString)")
    let folder = set.appendingPathComponent(subfolder)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: set) }
    func write(_ name: String, _ lines: [String]) throws {
      try lines.joined(separator: "\n").write(
        to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
    try write("data.txt", (0..<20).map { "\($0) \(2 * $0)" })
    try write("index_features.txt", ["0.000"])
    try write("index_target.txt", ["1"])
    try write("index_train_0.txt", (0..<15).map(String.init))
    try write("index_test_0.txt", (15..<20).map { "\($0).0" })
    try body(UCISplits(set.path))
  }

  @Test("The published folders hold the files in a folder data") func published() throws {
    try splits(in: "data") { splits in
      #expect(splits.count == 1 && splits.name.hasPrefix("elbo-uci-"))
      let whole = try splits.dataset(0, validation: false, seed: 1)
      #expect(rows(whole.test) == Set(15..<20))
    }
  }

  private func rows(_ set: ExampleSet?) -> Set<Int> {
    Set(set!.inputs.withUnsafeBufferPointer(as: Double.self) { $0.map { Int($0) } })
  }

  @Test func validationSeesNoTestExample() throws {
    try splits { splits in
      let whole = try splits.dataset(0, validation: false, seed: 1)
      #expect(rows(whole.train) == Set(0..<15) && rows(whole.test) == Set(15..<20))
      let validation = try splits.dataset(0, validation: true, seed: 1)
      #expect(rows(validation.train).union(rows(validation.test)) == Set(0..<15))
      #expect(rows(validation.train).isDisjoint(with: rows(validation.test)))
      #expect(rows(validation.test).count == 3)
    }
  }
}
