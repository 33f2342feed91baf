import Files
import Foundation
import Runs
import Testing

/// A model in one file: that it is whole is in `MovedRunTests`; here is what is no model, or no longer one.
@Suite("Model files", .timeLimit(.minutes(5))) struct ModelFileTests {
  private func exported(_ files: borrowing Files) async throws -> [UInt8] {
    try await Run.train(files.regression(steps: 3), out: files["run"])
    try Run(opening: files["run"]).export(to: files["model.elbo"])
    return try InputFile.read(files["model.elbo"])
  }

  private func opening(_ bytes: [UInt8], _ files: borrowing Files) throws -> Run {
    try Data(bytes).write(to: URL(fileURLWithPath: files["changed.elbo"]))
    return try Run(opening: files["changed.elbo"])
  }

  @Test("Every bit is under a digest") func flippedBits() async throws {
    let files = Files()
    let bytes = try await exported(files)
    _ = try opening(bytes, files)
    let header = 8 + bytes[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    // The header is text, whose every seventh byte is tried; of the numbers, every 97th.
    let places = Array(stride(from: 0, to: header, by: 7)) + stride(from: header, to: bytes.count, by: 97)
    for place in places {
      var changed = bytes
      changed[place] ^= 4
      // White space and the order of keys may change nothing: then it is the same model.
      guard let run = try? opening(changed, files) else { continue }
      #expect(
        run.parametersSHA256 == (try Run(opening: files["run"]).parametersSHA256) && place < header, "byte \(place)")
    }
  }

  @Test("A file that is cut off anywhere is refused in one line") func truncated() async throws {
    let files = Files()
    let bytes = try await exported(files)
    for count in stride(from: 0, to: bytes.count, by: 61) {
      let error = #expect(throws: (any Error).self) { try opening(Array(bytes[..<count]), files) }
      #expect(!"\(error!)".contains("\n"))
    }
  }

  @Test("Other files and newer formats are refused, with what to do") func others() async throws {
    let files = Files()
    let bytes = try await exported(files)
    let folder = try Run(opening: files["run"]).checkpoint.folder
    let tensors = #expect(throws: TrainingError.self) { try Run(opening: folder + "/model.safetensors") }
    #expect(tensors?.description.contains("is no model of elbo; name a run folder, or a file that") == true)
    var changed = bytes
    let place = try #require(bytes.firstRange(of: Array("elbo-model-1".utf8))).upperBound - 1
    changed[place] = UInt8(ascii: "7")
    let error = #expect(throws: TrainingError.self) { try opening(changed, files) }
    #expect(error?.code == .otherFormat && error?.description.contains("elbo-model-7") == true)
    try Data("text".utf8).write(to: URL(fileURLWithPath: files["note.txt"]))
    #expect(throws: TrainingError.self) { try Run(opening: files["note.txt"]) }
  }

  @Test("A training does not go on from a model file") func resuming() async throws {
    let files = Files()
    _ = try await exported(files)
    await #expect(throws: TrainingError.self) { try await Run.resume(files["model.elbo"]) }
  }

  @Test("Nothing of the training data is in it") func noData() async throws {
    let files = Files()
    try files.write("secret.csv", "x,y\n" + (0..<40).map { "\($0 * 7 + 1),0.123456789\($0)" }.joined(separator: "\n"))
    let recipe = try files.regression(steps: 2)
    recipe.set("data.source", text: files["secret.csv"])
    try await Run.train(recipe, out: files["other"])
    try Run(opening: files["other"]).export(to: files["other.elbo"])
    let bytes = try InputFile.read(files["other.elbo"])
    for row in 0..<40 {
      for kind in [withUnsafeBytes(of: Double("0.123456789\(row)")!) { Array($0) }, Array("0.123456789\(row)".utf8)] {
        #expect(bytes.firstRange(of: kind) == nil)
      }
    }
  }
}
