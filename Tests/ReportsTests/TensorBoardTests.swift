import Files
import Foundation
import Reports
import TestSupport
import Testing

@Suite("TensorBoard's event files") struct TensorBoardTests {
  private static let time = 1_700_000_000.25

  private static func event(_ step: Int, _ content: TensorBoardEvent.Content) -> [UInt8] {
    TensorBoardEvent(time: time, step: step, [content]).bytes
  }

  /// What `scripts/reference/tensorboard.py --golden` has TensorBoard write.
  private static var events: [[UInt8]] {
    let values: [Float] = [-1, 0.5, 1.5, 3, .nan, 0]
    let histogram = values.withUnsafeBufferPointer { TensorBoardHistogram($0, bins: 4)! }
    let recipe = [("network.hidden", "[64]"), ("optimizer.learning_rate", "0.001"), ("train.flag", "true")]
    return [
      event(0, .start), event(0, .text("recipe", "ä\n")),
      event(0, .hyperparameters(recipe.map { (key: $0.0, value: $0.1) }, group: "mlp")),
      event(300, .scalar("train/loss", -0.5)),
      event(300, .image("figures/samples", width: 200, height: 3, png: Array(0..<40))),
      event(300, .histogram("parameters/weight", histogram)), event(0, .end),
    ]
  }

  private func only(_ folder: borrowing TemporaryFolder) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("tfevents") }
    try #require(names.count == 1, "\(names)")
    return folder.path + "/" + names[0]
  }

  @Test("Byte for byte what TensorBoard's own writer writes") func golden() throws {
    let folder = TemporaryFolder()
    var file = try TensorBoardFile(anewIn: folder.path, records: Array(Self.events.prefix(3)), time: Self.time)
    try file.append(Array(Self.events.dropFirst(3)))
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/events.bin")
    let written = try InputFile.read(only(folder))
    #expect(written == [UInt8](try Data(contentsOf: golden)))
    #expect(TensorBoardFile.records(of: written) == Self.events)
    #expect(Self.events.map { TensorBoardFile.step(of: $0) } == [0, 0, 0, 300, 300, 300, 0])
  }

  @Test("A damaged record ends the file, wherever it is damaged") func damage() throws {
    let folder = TemporaryFolder()
    _ = try TensorBoardFile(anewIn: folder.path, records: Self.events, time: Self.time)
    let bytes = try InputFile.read(only(folder))
    let first = 16 + Self.events[0].count
    for place in 0..<bytes.count {
      var damaged = bytes
      damaged[place] ^= 0x10
      let count = TensorBoardFile.records(of: damaged).count
      #expect(count < Self.events.count && (place < first ? count == 0 : count > 0))
      #expect(TensorBoardFile.records(of: Array(bytes.prefix(place))).count < Self.events.count)
    }
  }

  @Test("A file that is made anew takes the place of the one before, under a later name") func anew() throws {
    let folder = TemporaryFolder()
    try AtomicFile.write(folder.path + "/events.out.tfevents.1.other", "not ours")
    _ = try TensorBoardFile(anewIn: folder.path, records: [Self.events[0]], time: Self.time)
    _ = try TensorBoardFile(anewIn: folder.path, records: Array(Self.events.prefix(2)), time: Self.time)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.count == 2 && names[0] == "events.out.tfevents.1.other" && names[1].hasSuffix(".1"))
    #expect(TensorBoardFile.records(in: folder.path).count == 2)
  }
}
