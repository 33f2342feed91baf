import Datasets
import Figures
import Learners
import Recipes
import Tensors
import Testing
import Training

/// Networks that receive the class of an example.
@Suite("Networks that take classes") struct ConditionalGANTests {
  private static let style = [
    "network.channel_base=32", "network.channel_limit=6", "network.latent=5", "network.style_width=4", "train.batch=8",
    "objective.r1_interval=3", "objective.path_interval=2", "network.conditional=true",
  ]
  private static let progressive = [
    "network.channel_base=32", "network.channel_limit=6", "network.latent=5", "train.batch=8",
    "network.stable_examples=16", "network.fading_examples=24", "network.conditional=true",
  ]
  private static let cases: [(model: String, keys: [String])] = [
    ("stylegan", style), ("progressive-gan", progressive),
    (
      "stylegan",
      style + ["network.style=adain", "network.discriminator_architecture=progressive", "objective.path_length=0"]
    ),
    ("progressive-gan", progressive + ["network.discriminator_architecture=style", "objective.discriminator_steps=2"]),
  ]

  /// Pictures of 8 × 8 in three classes, which differ in brightness.
  private static func pictures(isLabelled: Bool = true) throws -> Dataset {
    var stream = RandomStream(RandomKey(seed: 7))
    let bytes = (0..<42 * 64).map { UInt8(stream.next(below: 40)) + UInt8($0 / 64 % 3 * 100) }
    let labels = ClassLabels(indices: (0..<42).map { UInt32($0 % 3) }, count: 3, names: ["dark", "gray", "light"])
    func set(_ count: Int) throws -> ExampleSet {
      try ExampleSet(
        inputs: ExampleArray(Array(bytes.prefix(count * 64)), shape: [8, 8]),
        labels: isLabelled
          ? ClassLabels(indices: Array(labels.indices.prefix(count)), count: 3, names: labels.names) : nil)
    }
    return try Dataset(name: "pictures", train: set(42), test: set(42))
  }

  private func fresh(_ index: Int, _ more: [String] = []) throws -> any Learner {
    let (model, keys) = Self.cases[index]
    return try learner(model, try Self.pictures(), keys + more, seed: 5)
  }

  private func made(
    _ learner: any Learner, _ choice: LatentRequest.Choice, _ classIndex: Int? = nil, truncation: Double? = nil,
    lanes: Int = 2
  ) throws -> [[Float]] {
    let request = LatentRequest(choice, classIndex: classIndex, truncation: truncation)
    let made = try learner.offers.sampling!.latent!.examples(request, RandomKey(seed: 99), Crew(lanes: lanes)).examples
    return (0..<made.shape[0]).map { Array(made.values[$0 * 64..<($0 + 1) * 64]) }
  }

  @Test("Lanes and cuts change no bit", arguments: cases.indices)
  func promise(index: Int) async throws {
    let whole = try fresh(index)
    try await train(whole, steps: 8, lanes: 3)
    #expect(whole.parameters.isFinite)
    for cut in [1, 3, 6] {
      let first = try fresh(index)
      try await train(first, steps: cut)
      let second = try fresh(index)
      second.parameters.copy(from: first.parameters)
      for (one, other) in zip(second.auxiliary, first.auxiliary) { one.copy(from: other) }
      try await train(second, steps: 8, from: cut)
      #expect(second.parameters.sha256 == whole.parameters.sha256, "cut at \(cut)")
      #expect(second.auxiliary.sha256 == whole.auxiliary.sha256, "cut at \(cut)")
    }
  }

  @Test("Samples come to be of the class that is asked for", arguments: [0, 1])
  func learned(index: Int) async throws {
    let keys = [
      "network.stable_examples=8", "network.fading_examples=8", "objective.generator_average=0.9", "train.batch=12",
      "optimizer.learning_rate=0.01", "discriminator_optimizer.learning_rate=0.01",
    ]
    let learner = try fresh(index, index == 0 ? Array(keys.suffix(4)) : keys)
    try await train(learner, steps: 400, shards: 1)
    let brightness = try (0..<3).map { label in
      try made(learner, .seeds(Array(0..<20)), label).joined().reduce(0, +) / (20 * 64)
    }
    // In the data 0.08, 0.47 and 0.86.
    #expect(brightness[0] < 0.3 && (0.3...0.65).contains(brightness[1]) && brightness[2] > 0.65, "\(brightness)")
  }

  @Test("A seed's sample is a function of seed and class, alone and in any grid", arguments: [0, 1])
  func seeds(index: Int) async throws {
    let learner = try fresh(index)
    try await train(learner, steps: 4)
    let grid = try made(learner, .classes(3, seeds: [4, 5]))
    #expect(Set(grid).count == 6)
    for label in 0..<3 { #expect(try made(learner, .seeds([5]), label, lanes: 1) == [grid[2 * label + 1]]) }
    let offer = learner.offers.sampling!.latent!
    #expect(offer.classes == ["dark", "gray", "light"])
    let figure = try offer.picture(LatentRequest(.classes(3, seeds: [4, 5])), RandomKey(seed: 0), Crew(lanes: 1))
    guard case .images(let picture) = figure.content else {
      Issue.record("no picture")
      return
    }
    #expect((picture.rows, picture.columns) == (3, 2))
    #expect(picture.rowLabels == offer.classes && picture.columnLabels == ["seed 4", "seed 5"])
    // Draws are ten of each class in turn, and an archive says which.
    let draws = try offer.examples(LatentRequest(.draws(35)), RandomKey(seed: 99), Crew(lanes: 1))
    #expect(draws.classes == (0..<35).map { $0 / 10 % 3 })
    #expect(draws.latents!.shape == [35, 8] && draws.scores.shape == [35, 1])
    #expect(Array(draws.latents!.values[10 * 8 + 5..<11 * 8]) == [0, 1, 0])
    for choice in [LatentRequest.Choice.seeds([1]), .walk([1, 2], frames: 4), .sweep([1], truncations: [1])] {
      let error = #expect(throws: TrainingError.self) { try made(learner, choice) }
      #expect("\(error!)".contains("dark, gray, light"))
    }
  }

  @Test("The score of an example depends on its class") func scores() async throws {
    let learner = try fresh(0)
    try await train(learner, steps: 4)
    let offer = learner.offers.sampling!.latent!
    // With ψ = 0 the three pictures are one, and only the class that the discriminator receives differs.
    let request = LatentRequest(.classes(3, seeds: [1]), truncation: 0)
    let made = try offer.examples(request, RandomKey(seed: 0), Crew(lanes: 1))
    #expect(Set(made.scores.values).count == 3)
    #expect(try Set(self.made(learner, .classes(3, seeds: [1, 2]), truncation: 0)).count == 1)
  }

  @Test("Evaluation and projection") func evaluated() async throws {
    let learner = try fresh(0, ["evaluate.metrics=[swd, nearest]"])
    try await train(learner, steps: 4)
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2)).keys.contains("test/gen/SWD"))
    let picture = try made(learner, .seeds([12]), 2)[0]
    let target = ExampleArray(picture.map { UInt8(($0 * 255).rounded()) }, shape: [8, 8])
    let project = learner.offers.sampling!.latent!.project!
    func first(_ label: Int?) throws -> Double {
      try project(ProjectionRequest(target: target, steps: 2, classIndex: label), Crew(lanes: 1)).distances[0]
    }
    // The search begins at the mean style of the class.
    #expect(try Set([first(0), first(2), first(nil)]).count == 3)
  }

  @Test("What cannot take classes is refused")
  func refused() throws {
    let keys = Self.style
    let cases: [(String, Dataset, [String], String)] = [
      ("stylegan", try Self.pictures(isLabelled: false), keys, "the examples have no classes"),
      ("progressive-gan", try Self.pictures(isLabelled: false), Self.progressive, "the examples have no classes"),
      ("stylegan", try Self.pictures(), keys + ["network.discriminator_architecture=dense"], "both"),
      ("infogan", try Self.pictures(), ["network.architecture=style"] + keys.suffix(1), "InfoGAN"),
    ]
    for (model, data, keys, words) in cases {
      let error = #expect(throws: RecipeError.self) { try learner(model, data, keys) }
      #expect("\(error!)".contains(words), "\(error!)")
    }
  }
}
