import Datasets
import Foundation
import Tensors
import Testing
import Training

@Suite struct LanguageModelTests {
  private static let small = ["network.units=24", "train.batch=5", "optimizer.learning_rate=0.01"]

  /// The squares modulo 7 go 0 1 4 2 2 4 1 and over again: 4 is followed by 2 or by 1, by what was before it. A period is
  /// longer than a window, so that the state has to be carried on.
  @Test(arguments: ["lstm", "gru"]) func aStateIsCarriedFromWindowToWindow(_ cell: String) async throws {
    let data = try textData(count: 2000)
    let learner = try learner("lstm", data, Self.small + ["network.cell=\(cell)", "train.unroll=3"])
    try await train(learner, steps: 800)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    let perplexity = try #require(metrics["test/lm/perplexity"])
    #expect(perplexity < 1.2, "\(perplexity)")
    #expect(metrics["test/lm/tokens"] == 119)
  }

  /// At the rate 0, from the third epoch on, nothing moves any more. An epoch has nine windows.
  @Test(arguments: ["none", "variational"]) func theRateFallsWithTheEpochs(_ posterior: String) async throws {
    func hash(_ steps: Int) async throws -> String {
      let learner = try learner(
        "lstm", textData(count: 200),
        Self.small + [
          "train.unroll=4", "objective.posterior=\(posterior)", "optimizer.name=sgd", "optimizer.schedule=epochs",
          "optimizer.steady_epochs=2", "optimizer.step_factor=0",
        ])
      try await train(learner, steps: steps)
      return learner.parameters.sha256
    }
    let end = try await hash(18)
    #expect(try await hash(17) != end)
    #expect(try await hash(25) == end)
  }

  @Test(arguments: ["lstm", "gru"]) func allNumbersStartUniform(_ cell: String) throws {
    let learner = try learner(
      "lstm", try textData(),
      Self.small + ["network.cell=\(cell)", "network.initialization=uniform", "network.initial_bound=0.04"])
    for slot in learner.parameters.layout.slots {
      let greatest = learner.parameters.tensor(slot).values.map(abs).max()!
      #expect(greatest <= 0.04 && greatest > 0.02, "\(slot.name): \(greatest)")
    }
  }

  @Test func anUntrainedModelIsAsUnsureAsThereAreTokens() throws {
    let learner = try learner("lstm", try textData(), Self.small + ["network.initial_bound=1e-6"])
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2))
    #expect(abs(metrics["test/lm/perplexity"]! - 7) < 1e-3)
  }

  @Test func predictionsAreProbabilitiesOfTokensGivenThoseBefore() async throws {
    let data = try textData()
    let learner = try learner("lstm", data, Self.small)
    try await train(learner, steps: 20)
    let crew = Crew(lanes: 1)
    let prediction = try #require(learner.offers.closedFormPrediction)
    func densities(_ tokens: [UInt8], lengths: [Int]) throws -> [Double] {
      let set = try ExampleSet(inputs: ExampleArray(tokens, shape: [1]), sequences: Sequences(lengths: lengths))
      return try prediction.predict(set, with: crew)[0].values
    }
    // All continuations of a beginning have probability 1 together.
    let total = try (0..<7).reduce(0) { $0 + exp(try densities([0, 1, UInt8($1)], lengths: [3])[2]) }
    #expect(abs(total - 1) < 1e-5)
    // A sequence begins anew.
    let both = try densities([3, 1, 0, 3, 1], lengths: [3, 2])
    let alone = try densities([3, 1], lengths: [2])
    #expect(zip(both.suffix(2), alone).allSatisfy { abs($0 - $1) < 1e-6 })
    let whole = try densities((0..<250).map { UInt8($0 % 7) }, lengths: [250])
    #expect(whole.count == 250 && whole.allSatisfy { $0 < 0 })
  }

  @Test func textsAreSampled() async throws {
    let learner = try learner("lstm", try textData(count: 2000), Self.small + ["evaluate.sample_length=40"])
    let sampling = try #require(learner.offers.sampling?.texts)
    #expect(Set(try sampling(3, RandomKey(seed: 4), Crew(lanes: 1))).count == 3, "each is a draw of its own")
    try await train(learner, steps: 400)
    let texts = try sampling(3, RandomKey(seed: 4), Crew(lanes: 1))
    #expect(texts.count == 3)
    #expect(texts.allSatisfy { $0.count == 40 && $0.allSatisfy { "abcdefg".contains($0) } })
    #expect(texts == (try sampling(3, RandomKey(seed: 4), Crew(lanes: 2))))
    #expect(texts.allSatisfy { !$0.contains("d") && !$0.contains("f") }, "3 and 5 are no squares: \(texts)")
  }

  @Test func aTextThatIsTooShortIsAMistake() throws {
    #expect(throws: (any Error).self) { try learner("lstm", try textData(count: 30), ["train.batch=20"]) }
    #expect(throws: (any Error).self) { try learner("lstm", try imageData(count: 50, width: 1), []) }
  }
}
