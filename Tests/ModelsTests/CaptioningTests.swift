import Datasets
import Foundation
import Tensors
import Testing
import Training

/// Pictures whose left and right halves are dark or bright, each with one of two sentences that say it.
func captionData(count: Int = 60) throws -> Dataset {
  let vocabulary = ["<unk>", "<eos>", "dark", "bright", "beside", "left", "of"]
  var (pixels, captions) = ([UInt8](), [[Caption]]())
  for index in 0..<count {
    let halves = [index % 2, index / 2 % 2]
    for _ in 0..<8 {
      for half in halves { pixels += Array(repeating: UInt8(20 + 200 * half + index % 13), count: 4) }
    }
    let (left, right) = (UInt32(2 + halves[0]), UInt32(2 + halves[1]))
    captions.append([Caption(words: [left, 4, right]), Caption(words: [left, 5, 6, right])])
  }
  let set = try ExampleSet(
    inputs: ExampleArray(pixels, shape: [8, 8]), captions: Captions(captions, languages: ["en"]))
  return try Dataset(name: "halves", train: set, test: set, vocabulary: vocabulary)
}

@Suite("Captions") struct CaptioningTests {
  private static let small = [
    "network.filters=4", "decoder.units=16", "decoder.dropout=0", "optimizer.learning_rate=0.02", "train.batch=10",
    "evaluate.longest=6",
  ]

  /// Two sentences are equally right: a caption costs log 2 and no less.
  @Test func captionsAreLearnedToTheirFloor() async throws {
    let data = try captionData()
    let learner = try small(data)
    try await train(learner, steps: 300)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2))
    let floor = log(2) / 4.5
    let nll = try #require(metrics["test/cap/nll"])
    #expect(nll > floor - 1e-6 && nll < 1.15 * floor, "\(nll), floor \(floor)")
    #expect(metrics["test/cap/tokens"] == 540)
    #expect(metrics["test/cap/BLEU4"] ?? 0 > 0.5 && metrics["test/cap/BLEU1"] == 1, "\(metrics)")
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) == metrics)
    let captioning = try #require(learner.offers.captioning)
    let found = try captioning.captions(
      of: data.train.inputs, language: 0, samples: 3, key: RandomKey(seed: 1), with: Crew(lanes: 2))
    for (index, caption) in found.enumerated() {
      let words = caption.text.split(separator: " ")
      #expect(
        words.first == (index % 2 == 0 ? "dark" : "bright") && words.last == (index / 2 % 2 == 0 ? "dark" : "bright"))
      #expect(abs(caption.logProbability + log(2)) < 0.3 && caption.mutualInformation == 0 && caption.samples == 1)
    }
  }

  /// Captions of several lengths are computed together, each as if it were alone.
  @Test func aBatchIsItsCaptions() async throws {
    let data = try captionData(count: 12)
    let learner = try small(data, ["network.batch_norm=false"])
    try await train(learner, steps: 5)
    func nll(_ range: Range<Int>) throws -> (sum: Double, tokens: Double) {
      let test = try ExampleSet(
        inputs: data.train.inputs[range],
        captions: Captions(Array(data.train.captions!.ofExample[range]), languages: ["en"]))
      let own = try small(
        Dataset(name: "part", train: data.train, test: test, vocabulary: data.vocabulary), ["network.batch_norm=false"])
      own.parameters.copy(from: learner.parameters)
      let metrics = try Evaluation.run(own, seed: 0, crew: Crew(lanes: 1))
      let tokens = metrics["test/cap/tokens"]!
      return (metrics["test/cap/nll"]! * tokens, tokens)
    }
    let whole = try nll(0..<12)
    let parts = try (0..<12).map { try nll($0..<$0 + 1) }
    #expect(whole.tokens == parts.reduce(0) { $0 + $1.tokens })
    #expect(abs(whole.sum - parts.reduce(0) { $0 + $1.sum }) < 1e-4 * whole.sum)
  }

  private func small(_ data: Dataset, _ settings: [String] = []) throws -> any Learner {
    try learner("captions", data, Self.small + settings)
  }

  /// A beam as wide as all sentences finds the likeliest.
  @Test func aWideBeamIsExhaustive() async throws {
    let data = try captionData(count: 4)
    func best(beam: Int) async throws -> CaptionPrediction {
      let learner = try small(
        data, ["evaluate.beam=\(beam)", "evaluate.length_penalty=0", "evaluate.longest=3"])
      try await train(learner, steps: 8)
      return try learner.offers.captioning!.captions(
        of: data.train.inputs, language: 0, samples: 1, key: RandomKey(seed: 1), with: Crew(lanes: 1))[0]
    }
    let (narrow, wide, wider) = (try await best(beam: 1), try await best(beam: 125), try await best(beam: 1000))
    #expect(wide.logProbability >= narrow.logProbability - 1e-9)
    #expect(wide.text == wider.text && wide.logProbability == wider.logProbability)
  }

  @Test(
    "Dropout and a posterior make samples that differ",
    arguments: ["decoder.dropout=0.4", "objective.posterior=variational"])
  func samplesDiffer(_ setting: String) async throws {
    let data = try captionData()
    let learner = try small(data, [setting, "evaluate.samples=5"])
    try await train(learner, steps: 30)
    func captions(_ seed: UInt64, lanes: Int) throws -> [CaptionPrediction] {
      try learner.offers.captioning!.captions(
        of: data.train.inputs, language: 0, samples: 5, key: RandomKey(seed: seed), with: Crew(lanes: lanes))
    }
    let one = try captions(1, lanes: 1)
    #expect(one.allSatisfy { $0.mutualInformation > 0 && $0.mutualInformation < $0.entropy && $0.samples == 5 })
    let (again, other) = (try captions(1, lanes: 3), try captions(2, lanes: 1))
    #expect(one.map(\.logProbability) == again.map(\.logProbability))
    #expect(one.map(\.logProbability) != other.map(\.logProbability))
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 4)) == metrics)
  }

  @Test func dataWithoutCaptionsIsRefused() throws {
    let error = #expect(throws: TrainingError.self) {
      try learner("captions", try imageData(count: 50, width: 4), [])
    }
    #expect(error?.message.contains("captions.csv") == true || error?.description.contains("captions.csv") == true)
    #expect(throws: TrainingError.self) { try learner("lstm", try captionData(), ["train.batch=2"]) }
  }
}

@Suite("A posterior over the weights of any learner of gradients") struct DrawnLearnerTests {
  private static let text = ["network.units=8", "network.layers=1", "train.batch=5", "train.unroll=4"]
  private static let captions = ["network.filters=2", "decoder.units=6", "decoder.dropout=0", "train.batch=10"]

  /// Without complexity cost and almost without deviation, the means move as weights do that are learned themselves.
  @Test(arguments: [("lstm", text), ("captions", captions)])
  func aNarrowPosteriorIsAPointEstimate(_ model: String, _ settings: [String]) async throws {
    let data = try model == "lstm" ? textData(count: 400) : captionData()
    let sgd = settings + ["optimizer.name=sgd", "optimizer.learning_rate=0.1"]
    let plain = try learner(model, data, sgd)
    let section = model == "lstm" ? "network" : "decoder"
    let narrow = try learner(
      model, data,
      sgd + ["objective.posterior=variational", "\(section).initial_deviation=1e-9", "objective.kl_weight=0"])
    try await train(plain, steps: 12)
    try await train(narrow, steps: 12)
    let slots = Dictionary(uniqueKeysWithValues: narrow.parameters.layout.slots.map { ($0.name, $0) })
    for slot in plain.parameters.layout.slots {
      let mean = try #require(slots[slot.name + "_mu"] ?? slots[slot.name])
      let (weights, means) = (plain.parameters.tensor(slot).values, narrow.parameters.tensor(mean).values)
      #expect(zip(weights, means).allSatisfy { abs($0 - $1) < 2e-4 }, "\(slot.name)")
    }
  }

  /// A step's loss is a mean over streams, so the whole of the KL enters an epoch once: with no data to speak of, the
  /// posterior becomes the prior.
  @Test func withMuchComplexityCostThePosteriorIsThePrior() async throws {
    let learner = try learner(
      "bayesian-rnn", try textData(count: 400),
      Self.text + [
        "objective.prior=gaussian", "objective.prior_deviation=0.3", "objective.kl_weight=1e4",
        "optimizer.learning_rate=0.02", "network.initial_deviation=0.1",
      ])
    try await train(learner, steps: 800)
    for slot in learner.parameters.layout.slots {
      let values = learner.parameters.tensor(slot).values.map(Double.init)
      if slot.name.hasSuffix("_rho") {
        #expect(values.allSatisfy { abs(log1p(exp($0)) - 0.3) < 0.02 }, "\(slot.name)")
      } else if slot.name.hasSuffix("_mu") {
        #expect(values.allSatisfy { abs($0) < 0.05 }, "\(slot.name)")
      }
    }
  }

  /// A text that counts up foretells each token; reversed, it counts down, which the model has never seen.
  @Test func theReversedTextIsLessExpected() async throws {
    let tokens = (0..<2000).map { UInt8($0 % 7) }
    let data = try Dataset(
      name: "counting", train: ExampleSet(inputs: ExampleArray(tokens, shape: [1])),
      test: ExampleSet(inputs: ExampleArray(Array(tokens.prefix(140)), shape: [1])),
      vocabulary: (0..<7).map { "\($0)" })
    let learner = try learner("lstm", data, Self.text + ["optimizer.learning_rate=0.02"])
    try await train(learner, steps: 200)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2))
    #expect(metrics["test/lm/entropy"]! < log(7) && metrics["test/lm/entropy_gap"]! > 0.01, "\(metrics)")
  }

  /// Masks of a window are the same at all its steps, so that a step's gradient is another than with masks of steps.
  @Test func masksOfAWindowAreTheirOwn() async throws {
    var hashes: Set<String> = []
    for masks in ["step", "window"] {
      let learner = try learner(
        "lstm", try textData(count: 400), Self.text + ["network.dropout=0.5", "network.dropout_masks=\(masks)"])
      try await train(learner, steps: 3)
      hashes.insert(learner.parameters.sha256)
    }
    #expect(hashes.count == 2)
  }

  @Test func weightsWithAPosteriorArePruned() async throws {
    let learner = try learner("bayesian-rnn", try textData(count: 1000), Self.text)
    try await train(learner, steps: 60)
    let pruning = try #require(learner.offers.pruning)
    let kept = pruning.sparse(keeping: 0.25)
    let (all, rest) = kept.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.places.count) }
    #expect(abs(Double(rest) / Double(all) - 0.25) < 0.01)
    let before = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    try pruning.load(pruning.sparse(keeping: 1))
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) == before)
    try pruning.load(kept)
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) != before)
  }

  @Test func aTextHasAnEpistemicPart() async throws {
    let learner = try learner("bayesian-rnn", try textData(count: 1000), Self.text + ["evaluate.samples=6"])
    try await train(learner, steps: 50)
    let crew = Crew(lanes: 2)
    let set = try ExampleSet(
      inputs: ExampleArray((0..<30).map { UInt8($0 % 7) }, shape: [1]), sequences: Sequences(lengths: [20, 10]))
    let columns = try learner.offers.closedFormPrediction!.predict(set, with: crew)
    #expect(columns.map(\.name) == ["log_density", "entropy", "mutual_information"])
    #expect(zip(columns[1].values, columns[2].values).allSatisfy { $0 > $1 && $1 > 0 })
    let metrics = try Evaluation.run(learner, seed: 0, crew: crew)
    #expect(metrics["test/lm/perplexity"]! > 1 && metrics["test/lm/perplexity_of_means"]! > 1)
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) == metrics)
    let texts = try learner.offers.sampling!.texts!(2, RandomKey(seed: 1), crew)
    let again = try learner.offers.sampling!.texts!(2, RandomKey(seed: 1), Crew(lanes: 1))
    #expect(Set(texts).count == 2 && texts == again)
  }
}
