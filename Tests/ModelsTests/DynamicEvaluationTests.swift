import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("Dynamic evaluation: each segment is scored, then learned") struct DynamicEvaluationTests {
  private static let small = ["network.units=12", "network.layers=1", "train.batch=5", "optimizer.learning_rate=0.01"]

  /// A model of the squares modulo 7, which is then shown a text that counts.
  private func metrics(
    test: Int = 300, lanes: Int = 1, counting: Bool = true, _ settings: [String]
  ) async throws -> (dynamic: Double, still: Double) {
    let data = try textData(count: 600, test: test)
    let other = try ExampleSet(inputs: ExampleArray((0..<test).map { UInt8($0 % 7) }, shape: [1]))
    let learner = try learner(
      "lstm", counting ? Dataset(name: "two", train: data.train, test: other, vocabulary: data.vocabulary) : data,
      Self.small + settings)
    try await train(learner, steps: 60)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: lanes))
    return (try #require(metrics["test/lm/dynamic_perplexity"]), metrics["test/lm/perplexity"]!)
  }

  @Test(arguments: ["sgd", "rms"]) func atTheRateZeroItIsStatic(_ rule: String) async throws {
    let found = try await metrics(
      test: 120, ["evaluate.dynamic=\(rule)", "evaluate.dynamic_rate=0", "evaluate.dynamic_segment=20"])
    #expect(abs(found.dynamic - found.still) < 1e-4 * found.still, "\(found)")
  }

  /// Nothing of a segment is known before it is scored, however fast the weights learn.
  @Test func theFirstSegmentIsScoredAsItIs() async throws {
    let found = try await metrics(test: 6, ["evaluate.dynamic=sgd", "evaluate.dynamic_rate=1000"])
    #expect(abs(found.dynamic - found.still) < 1e-5 * found.still, "\(found)")
  }

  @Test(arguments: ["sgd", "rms"]) func weightsLearnAnotherText(_ rule: String) async throws {
    let rate = rule == "sgd" ? 0.5 : 0.01
    let settings = ["evaluate.dynamic=\(rule)", "evaluate.dynamic_rate=\(rate)"]
    let found = try await metrics(settings)
    #expect(found.dynamic < 0.8 * found.still, "\(found)")
    let again = try await metrics(lanes: 3, settings)
    #expect(again.dynamic == found.dynamic)
    // With the greatest decay nothing is kept but the last segment.
    let held = try await metrics(settings + ["evaluate.dynamic_decay=1"])
    #expect(held.dynamic > found.dynamic, "\(held)")
  }

  /// Two implementations of the same rule.
  @Test(arguments: [
    ("static", ["evaluate.dynamic=sgd", "evaluate.dynamic_rate=0"]),
    ("sgd", ["evaluate.dynamic=sgd", "evaluate.dynamic_rate=0.3", "evaluate.dynamic_decay=0.02"]),
    ("rms", ["evaluate.dynamic=rms", "evaluate.dynamic_rate=0.02", "evaluate.dynamic_decay=0.1"]),
  ])
  func followsPyTorch(_ name: String, _ settings: [String]) throws {
    let golden = Golden("language")
    func text(_ name: String) -> [UInt8] { golden[name].doubles.map { UInt8($0) } }
    let data = try Dataset(
      name: "golden", train: ExampleSet(inputs: ExampleArray(text("train"), shape: [1])),
      test: ExampleSet(inputs: ExampleArray(text("test"), shape: [1])), vocabulary: (0..<7).map { "\($0)" })
    let learner = try learner(
      "lstm", data, Self.small + ["network.units=3", "train.unroll=20", "evaluate.dynamic_segment=4"] + settings)
    for (slot, numbers) in zip(learner.parameters.layout.slots, golden["numbers"].list) {
      for (index, number) in numbers.doubles.enumerated() {
        learner.parameters.float32[slot.offset + index] = Float(number)
      }
    }
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    let found = log(try #require(metrics["test/lm/dynamic_perplexity"]))
    let wanted = golden["nll"][name].double
    #expect(abs(found - wanted) < 2e-5, "\(found), PyTorch has \(wanted)")
  }

  /// Statistics of the gradient come from the training text: not from a text that is to be scored.
  @Test func otherDataHasNoTrainingText() throws {
    let data = try textData()
    let other = try textData(count: 400, test: 110).seen(as: data.schema)
    let learner = try learner("lstm", other, Self.small + ["evaluate.dynamic=rms"])
    let error = #expect(throws: TrainingError.self) {
      try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    }
    #expect(error?.description.contains("evaluate.dynamic=sgd") == true, "\(String(describing: error))")
    let own = try ModelsTests.learner("lstm", data.seen(as: data.schema), Self.small + ["evaluate.dynamic=rms"])
    #expect(try Evaluation.run(own, seed: 0, crew: Crew(lanes: 1))["test/lm/dynamic_perplexity"] != nil)
  }
}
