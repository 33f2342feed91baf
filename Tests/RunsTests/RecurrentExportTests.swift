import Datasets
import Files
import Foundation
import Runs
import Testing

/// Exported recurrent networks, carried out token by token by the plain program beside this.
@Suite("Recurrent networks for other programs", .timeLimit(.minutes(5))) struct RecurrentExportTests {
  private func trained(_ files: borrowing Files, _ model: String, _ settings: [String]) async throws -> Run {
    let recipe = try Recipe.named(model)
    for setting in settings { try recipe.set(setting) }
    try await Run.train(recipe, out: files["run"])
    return try Run(opening: files["run"])
  }

  private func network(_ path: String) throws -> ONNXInterpreter {
    let graph = ONNXReader(try InputFile.read(path))
    #expect(graph.metadata["elbo.vocabulary"]?.hasPrefix("[\"") == true)
    return ONNXInterpreter(graph: graph)
  }

  /// Sum of log p of tokens, each behind those before it.
  private func logProbabilities(_ step: ONNXInterpreter, _ tokens: [Int], after first: Int, from state: Numbers)
    -> [Double]
  {
    var state = state
    return zip([first] + tokens.dropLast(), tokens).map { before, token in
      let found = step(Numbers([1], [Double(before)]), state)
      state = found["next_state"]!
      let logits = found["logits"]!.values
      return logits[token] - log(logits.reduce(0) { $0 + exp($1) })
    }
  }

  @Test("A language model's file gives each token the probability that predict says", arguments: ["lstm", "gru"])
  func texts(cell: String) async throws {
    let files = Files()
    try files.write("text.txt", String(repeating: "the cat sat on the mat\na cat sat\n", count: 20))
    try files.write("new.txt", "the mat sat on a cat\n")
    let run = try await trained(
      files, "lstm",
      [
        "data.source=\(files["text.txt"])", "data.test_fraction=0.2", "network.cell=\(cell)", "network.units=6",
        "network.layers=2", "network.dropout=0.2", "train.batch=4", "train.unroll=5", "train.steps=20",
      ])
    #expect(try run.export(to: files["model.onnx"]) == [files["model.onnx"]])
    let inputs = try run.inputs(from: files["new.txt"])
    let wanted = try #require(run.predict(inputs, samples: .count(1))["log_density"]).values
    let vocabulary = try #require(run.schema.vocabulary)
    let beginning = try #require(vocabulary.firstIndex(of: "<eos>") ?? vocabulary.firstIndex(of: "\n"))
    let found = try logProbabilities(
      network(files["model.onnx"]), (0..<inputs.count).map { Int(inputs.number($0)) }, after: beginning,
      from: Numbers([1, cell == "lstm" ? 24 : 12], Array(repeating: 0, count: cell == "lstm" ? 24 : 12)))
    #expect(found.count == wanted.count && zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(throws: (any Error).self) { try run.export(to: files["draws.onnx"], draws: 3) }
    #expect(try run.export(to: files["torch"]) == [files["torch"]])
    let listed = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: files["torch/vocabulary.json"])))
    #expect(listed as? [String] == vocabulary)
  }

  @Test("A captioning model's files give a caption the probability that predict says")
  func captions() async throws {
    let files = Files()
    let folder = try files.captions()
    let run = try await trained(
      files, "captions",
      [
        "data.source=\(folder)", "network.filters=2", "decoder.units=6", "decoder.dropout=0", "train.batch=10",
        "train.steps=40",
      ])
    let written = try run.export(to: files["model.onnx"])
    #expect(written == [files["model.encoder.onnx"], files["model.language.onnx"]])
    let picture = folder + "/images/7.png"
    let prediction = try run.captions(of: picture, samples: .count(1)).rows[0].prediction
    let x = Numbers([1, 8, 8, 3], (0..<192).map { Double(($0 * $0 + 31 * 7) % 251) })
    let state = try #require(network(written[0])(x)["state"])
    let vocabulary = try #require(run.schema.vocabulary)
    let words = prediction.text.split(separator: " ").map { vocabulary.firstIndex(of: String($0))! }
    let end = try #require(vocabulary.firstIndex(of: "<eos>"))
    let found = try logProbabilities(network(written[1]), words + [end], after: end, from: state).reduce(0, +)
    #expect(abs(found - prediction.logProbability) < 1e-5)
  }
}
