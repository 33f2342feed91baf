import Datasets
import Figures
import Foundation
import Tensors
import Testing
import Training

/// Latent vectors that are chosen: what a seed makes is a function of the seed alone.
@Suite("Chosen latent vectors") struct LatentChoiceTests {
  private static let kinds: [(model: String, width: Int, keys: [String])] = [
    ("gan", 9, ["network.latent=5"]),
    ("dcgan", 64, ["network.filters=4", "network.latent=3", "network.minibatch_deviation=true"]),
    ("infogan", 64, ["network.filters=4", "network.latent=3", "network.categories=3"]),
  ]

  private func latent(_ kind: (model: String, width: Int, keys: [String])) throws -> LatentOffer {
    try learner(kind.model, try imageData(count: 60, width: kind.width), kind.keys + ["train.batch=20"])
      .offers.sampling!.latent!
  }

  private func made(
    _ offer: LatentOffer, _ choice: LatentRequest.Choice, truncation: Double? = nil, lanes: Int = 2
  ) throws -> GeneratedExamples {
    try offer.examples(LatentRequest(choice, truncation: truncation), RandomKey(seed: 99), Crew(lanes: lanes))
  }

  private func rows(_ made: GeneratedExamples.Rows?) -> [[Float]] {
    let made = made!
    let width = made.values.count / made.shape[0]
    return (0..<made.shape[0]).map { Array(made.values[$0 * width..<($0 + 1) * width]) }
  }

  @Test("A seed alone, and among others", arguments: kinds.indices) func seeds(_ kind: Int) throws {
    let offer = try latent(Self.kinds[kind])
    let seeds: [UInt64] = [85, 265, 600, 601, 602, .max, 0, 85] + Array(1000..<1150)
    let all = try made(offer, .seeds(seeds))
    #expect(all.examples.shape[0] == seeds.count)
    for (place, seed) in seeds.enumerated().prefix(9) {
      let alone = try made(offer, .seeds([seed]), lanes: 1)
      #expect(alone.examples.values == rows(all.examples)[place])
      #expect(alone.latents?.values == rows(all.latents)[place])
      // The discriminator compares the examples of a batch: it is shown one.
      #expect(alone.scores.values == rows(all.scores)[place])
    }
    #expect(Set(rows(all.latents)).count == seeds.count - 1)
    // A seed's example is the first of the draws that the seed makes.
    let drawn = try offer.examples(LatentRequest(.draws(1)), LatentRequest.key(ofSeed: 265), Crew(lanes: 1))
    #expect(drawn.examples.values == rows(all.examples)[1])
  }

  @Test("A seed's changes are its own too, where samples are shown as the discriminator sees them")
  func augmented() throws {
    let (model, width, keys) = Self.kinds[1]
    let offer = try latent((model, width, keys + ["objective.augmentation=[mirror, translation]"]))
    func changed(_ seeds: [UInt64]) throws -> [[Float]] {
      let request = LatentRequest(.seeds(seeds), augmented: .init())
      return rows(try offer.examples(request, RandomKey(seed: 99), Crew(lanes: 2)).examples)
    }
    let all = try changed(Array(0..<20))
    #expect(try changed([17]) == [all[17]])
    #expect(all != rows(try made(offer, .seeds(Array(0..<20))).examples))
  }

  @Test("A walk passes each seed and ends where it began", arguments: kinds.indices) func walk(_ kind: Int) throws {
    let offer = try latent(Self.kinds[kind])
    let seeds: [UInt64] = [1, 5, 9]
    let stops = rows(try made(offer, .seeds(seeds)).examples)
    let (film, noise) = (try made(offer, .walk(seeds, frames: 11)), kind == 0 ? 5 : 3)
    let frames = rows(film.examples)
    // Eleven frames: three, four, four.
    #expect([frames[0], frames[3], frames[7]] == stops)
    let latents = rows(film.latents).map { $0.prefix(noise).map(Double.init) }
    func distance(_ one: Int, _ other: Int) -> Double {
      zip(latents[one], latents[other]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    // The last frame is one step before the first.
    #expect(distance(10, 0) < distance(7, 0) && distance(10, 0) > 0)
    // Along the arc between two seeds.
    func angle(_ one: Int, _ other: Int) -> Double {
      func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      let (x, y) = (latents[one], latents[other])
      return acos(dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot())
    }
    for frame in 4...7 { #expect(angle(frame, 3) > angle(frame - 1, 3) + 1e-3 || frame == 4 && angle(4, 3) > 1e-3) }
    for frame in 4..<7 { #expect(abs(angle(frame, 3) + angle(7, frame) - angle(7, 3)) < 1e-4) }
    #expect(try made(offer, .walk(seeds, frames: 11), lanes: 3).examples.values == film.examples.values)
  }

  @Test("A sweep has a column for each truncation") func sweep() throws {
    let offer = try latent(Self.kinds[1])
    let grid = rows(try made(offer, .sweep([7, 8], truncations: [0.5, 50, 1])).examples)
    for (column, truncation) in [0.5, 50, 1].enumerated() {
      let alone = rows(try made(offer, .seeds([7, 8]), truncation: truncation).examples)
      #expect([grid[column], grid[3 + column]] == alone)
    }
    let request = LatentRequest(.sweep([7, 8], truncations: [0.5, 50, 1]))
    guard case .images(let picture) = try offer.picture(request, RandomKey(seed: 1), Crew(lanes: 1)).content else {
      Issue.record("no picture")
      return
    }
    #expect((picture.rows, picture.columns) == (2, 3))
    #expect(picture.rowLabels == ["seed 7", "seed 8"] && picture.columnLabels == ["0.5", "50.0", "1.0"])
  }

  @Test("Defect 26: pictures with four channels") func transparency() throws {
    let count = 20 * 8 * 8 * 4
    let bytes = (0..<count).map { (index: Int) -> UInt8 in UInt8(index * index % 251) }
    let set = try ExampleSet(inputs: ExampleArray(bytes, shape: [8, 8, 4]))
    let learner = try learner(
      "dcgan", Dataset(name: "transparent", train: set), ["network.filters=4", "network.latent=3", "train.batch=10"])
    let offer = learner.offers.sampling!.latent!
    let figure = try offer.picture(LatentRequest(.seeds([3, 4])), RandomKey(seed: 0), Crew(lanes: 1))
    guard case .images(let picture) = figure.content else {
      Issue.record("no picture")
      return
    }
    #expect((picture.channels, picture.height, picture.width, picture.count) == (4, 8, 8, 2))
  }
}

@Suite("Frozen layers") struct FrozenLayersTests {
  private static let keys = [
    "network.generator=[6]", "network.discriminator=[8, 7]", "network.latent=3", "train.batch=20",
    "network.discriminator_normalisation=batch", "optimizer.name=adamw", "optimizer.weight_decay=0.1",
    "objective.clip=0.01",
  ]

  private func values(_ learner: any Learner, _ name: String) throws -> [Float] {
    learner.parameters.tensor(try #require(learner.parameters.layout[name])).values
  }

  @Test("The first layers stay as they are, and the others learn", arguments: [0, 1, 2, 3])
  func frozen(_ count: Int) async throws {
    let learner = try learner(
      "wgan", try imageData(count: 60, width: 9), Self.keys + ["objective.frozen_layers=\(count)"])
    let names = learner.parameters.layout.slots.map(\.name).filter { $0.hasPrefix("discriminator.") }
    let before = try names.map { try values(learner, $0) }
    try await train(learner, steps: 3)
    for (name, old) in zip(names, before) {
      let layer = try #require(Int(name.split(separator: ".")[1]))
      #expect((try values(learner, name) == old) == (layer < count), "\(name)")
    }
  }

  @Test func moreThanThereAreIsAMistake() throws {
    #expect(throws: (any Error).self) {
      try learner("wgan", try imageData(count: 60, width: 9), Self.keys + ["objective.frozen_layers=4"])
    }
  }
}
