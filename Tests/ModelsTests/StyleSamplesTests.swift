import Adversarial
import Datasets
import Figures
import Tensors
import Testing
import Training

/// Samples of a generator of styles: truncation, mixing, noise, walks, and the style of a given picture.
@Suite("Samples of styles") struct StyleSamplesTests {
  private static let keys = [
    "network.channel_base=64", "network.channel_limit=8", "network.latent=6", "network.style_width=5",
    "network.mapping_rate=1", "train.batch=10", "objective.path_length=0",
  ]

  /// A generator whose noise has strength, as one that has learned for a while.
  private func trained(
    _ model: String = "stylegan", steps: Int = 3, _ keys: [String] = []
  ) async throws -> any Learner {
    let count = 20 * 16 * 16 * 3
    let bytes = (0..<count).map { (index: Int) -> UInt8 in UInt8(index * index % 251) }
    let set = try ExampleSet(inputs: ExampleArray(bytes, shape: [16, 16, 3]))
    let learner = try learner(model, Dataset(name: "pictures", train: set), Self.keys + keys)
    try await train(learner, steps: steps)
    for slot in learner.parameters.layout.slots where slot.name.hasSuffix(".noise") {
      learner.parameters.tensor(slot).pointer[0] = 0.3
    }
    return learner
  }

  private func made(
    _ learner: any Learner, _ choice: LatentRequest.Choice, truncation: Double? = nil,
    noise: LatentRequest.Noise = .constant, lanes: Int = 2
  ) throws -> [[Float]] {
    let made = try learner.offers.sampling!.latent!.examples(
      LatentRequest(choice, truncation: truncation, noise: noise), RandomKey(seed: 99), Crew(lanes: lanes)
    ).examples
    let width = made.values.count / made.shape[0]
    return (0..<made.shape[0]).map { Array(made.values[$0 * width..<($0 + 1) * width]) }
  }

  private func distance(_ one: [Float], _ other: [Float]) -> Double {
    (zip(one, other).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) } / Double(one.count)).squareRoot()
  }

  @Test("Defect 18: a seed alone, and among others, with every noise", arguments: LatentRequest.Noise.allCases)
  func seeds(_ noise: LatentRequest.Noise) async throws {
    let learner = try await trained()
    let all = try made(learner, .seeds(Array(0..<100)), noise: noise)
    for seed in [0, 17, 99] {
      #expect(try made(learner, .seeds([UInt64(seed)]), noise: noise, lanes: 1)[0] == all[seed])
    }
    #expect(Set(all).count == 100)
  }

  @Test("Defect 18: constant noise is one picture for all, random noise each seed's own, or there is none")
  func noise() async throws {
    let learner = try await trained()
    // With the mean style alone only the noise makes pictures differ.
    func kinds(_ noise: LatentRequest.Noise) throws -> Int {
      Set(try made(learner, .seeds([1, 2, 3]), truncation: 0, noise: noise)).count
    }
    #expect(try [kinds(.constant), kinds(.none), kinds(.random)] == [1, 1, 3])
    let one = try made(learner, .seeds([1]), noise: .none)[0]
    #expect(try made(learner, .seeds([1]))[0] != one)
  }

  @Test("Defects 16 and 17: ψ 0 is the picture of the average's own mean style, ψ 1 changes nothing")
  func truncation() async throws {
    let learner = try await trained(steps: 400)
    let seeds = LatentRequest.Choice.seeds(Array(0..<40))
    #expect(try made(learner, seeds, truncation: 1) == made(learner, seeds))
    let center = try made(learner, .seeds([3]), truncation: 0)[0]
    let far = try made(learner, seeds).map { distance($0, center) }
    let near = try made(learner, seeds, truncation: 0.5).map { distance($0, center) }
    #expect(zip(near, far).allSatisfy { $0 < $1 })
    // A sweep goes through the center to the other side.
    let sweep = try made(learner, .sweep([7], truncations: [-1, 0, 1]))
    #expect(sweep[1] == center && sweep[0] != sweep[2])
    // Of the first styles alone: neither the center nor the sample; of all six, the center.
    func cut(_ count: Int) throws -> [Float] {
      let request = LatentRequest(.seeds([3]), truncation: 0, truncationCutoff: count)
      return try learner.offers.sampling!.latent!.examples(request, RandomKey(seed: 99), Crew(lanes: 1)).examples.values
    }
    #expect(try cut(6) == center && cut(5) != center && cut(1) != cut(5))
  }

  @Test("Defect 16: the center is the mean style of the average's own mapping network") func center() async throws {
    let learner = try await trained(steps: 400, ["network.mapping_rate=0.01"])
    let many = try learner.offers.sampling!.latent!.examples(
      LatentRequest(.draws(2000)), RandomKey(seed: 1), Crew(lanes: 2)
    ).styles!
    #expect(many.shape == [2000, 6, 5])
    let slot = try #require(learner.parameters.layout["average.generator.mapping.average"])
    let center5 = learner.parameters.tensor(slot).values
    for column in 0..<5 {
      let values = (0..<2000).map { Double(many.values[$0 * 30 + column]) }
      let mean = values.reduce(0, +) / 2000
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2000).squareRoot()
      // w̄ starts at 0 and comes to 1 − 0.995⁴⁰⁰ of the way.
      #expect(abs(mean - Double(center5[column])) < 0.25 * deviation + 0.2 * abs(mean), "column \(column)")
    }
  }

  @Test("Mixing all styles gives the columns' pictures, and none of a layer's the rows'")
  func mixing() async throws {
    let learner = try await trained()
    let (rows, columns) = (try made(learner, .seeds([85, 100])), try made(learner, .seeds([55, 821, 9])))
    let all = try made(learner, .mix(rows: [85, 100], columns: [55, 821, 9], layers: 0...5))
    #expect(all == columns + columns)
    let same = try made(learner, .mix(rows: [85], columns: [85], layers: 0...2))
    #expect(same == [rows[0]])
    // Coarse styles of the columns: a third picture.
    let mixed = try made(learner, .mix(rows: [85, 100], columns: [55, 821, 9], layers: 0...1))
    #expect(mixed.count == 6 && Set(mixed).count == 6 && !mixed.contains(rows[0]) && !mixed.contains(columns[0]))
    #expect(throws: TrainingError.self) { try made(learner, .mix(rows: [1], columns: [2], layers: 0...6)) }
    let plain = try ModelsTests.learner("gan", try imageData(count: 40, width: 9), ["train.batch=10"])
    #expect(throws: TrainingError.self) { try made(plain, .mix(rows: [1], columns: [2], layers: 0...1)) }
    let request = LatentRequest(.mix(rows: [85, 100], columns: [55, 821, 9], layers: 0...1))
    let figure = try learner.offers.sampling!.latent!.picture(request, RandomKey(seed: 0), Crew(lanes: 2))
    guard case .images(let grid) = figure.content, case .float(let samples) = grid.samples else {
      Issue.record("no picture")
      return
    }
    // A blank corner, the columns' pictures, then each row's picture before its mixtures.
    #expect((grid.rows, grid.columns) == (3, 4))
    let (size, wanted) = (16 * 16 * 3, [columns[0], columns[1], columns[2], rows[0]] + mixed[0..<3] + [rows[1]])
    for (place, picture) in wanted.enumerated() {
      #expect(Array(samples[(place + 1) * size..<(place + 2) * size]) == picture, "place \(place)")
    }
  }

  @Test("A walk goes along lines between styles") func walk() async throws {
    let learner = try await trained()
    let stops = try made(learner, .seeds([1, 5]))
    let request = LatentRequest(.walk([1, 5], frames: 8))
    let made = try learner.offers.sampling!.latent!.examples(request, RandomKey(seed: 0), Crew(lanes: 2))
    let (frames, styles) = (try self.made(learner, .walk([1, 5], frames: 8)), made.styles!.values)
    #expect(frames[0] == stops[0] && frames[4] == stops[1] && made.latents == nil)
    for index in 0..<30 {
      let (start, middle, end) = (styles[index], styles[2 * 30 + index], styles[4 * 30 + index])
      #expect(abs(middle - (start + end) / 2) < 1e-5)
    }
  }

  @Test("Defect 27: a generated picture is found again", .timeLimit(.minutes(4)))
  func projection() async throws {
    let learner = try await trained(steps: 100)
    let offer = learner.offers.sampling!.latent!
    let picture = try made(learner, .seeds([12]))[0]
    let target = ExampleArray(picture.map { UInt8(($0 * 255).rounded()) }, shape: [16, 16, 3])
    let request = ProjectionRequest(target: target, steps: 300, seed: 4, frames: 10)
    let found = try offer.project!(request, Crew(lanes: 2))
    #expect(found.psnr >= 30, "\(found.psnr)")
    #expect(found.style.count == 5 && found.frames.count == 10 && found.frames.last == found.picture)
    #expect(found.distances.count == 300 && found.distances[299] < 0.2 * found.distances[0])
    #expect(try offer.project!(request, Crew(lanes: 1)).style == found.style)
    // Noise that is searched for too begins anywhere: pictures come nearer, and each map stays noise.
    var noisy = request
    noisy.findsNoise = true
    let other = try offer.project!(noisy, Crew(lanes: 1))
    #expect(other.distances[299] < other.distances[0], "\(other.distances[299]) \(other.distances[0])")
    #expect(other.noise.map(\.shape) == [[4, 4], [8, 8], [8, 8], [16, 16], [16, 16]] && found.noise.isEmpty)
    for map in other.noise {
      let (mean, count) = (map.values.reduce(0, +), Float(map.values.count))
      #expect(abs(mean / count) < 1e-5 && abs(map.values.reduce(0) { $0 + $1 * $1 } / count - 1) < 1e-3)
      let picture = Tensor(map.values, Shape([1] + map.shape))
      // Independent numbers have a mean product of 1 / √count with a neighbor.
      #expect(NoiseMaps.penalty([picture]).value / 1e5 < 20 / count)
    }
    let wrong = ProjectionRequest(target: ExampleArray([1, 2, 3] as [UInt8], shape: [3]))
    #expect(throws: TrainingError.self) { try offer.project!(wrong, Crew(lanes: 1)) }
    #expect(
      try ModelsTests.learner("gan", try imageData(count: 40, width: 9), []).offers.sampling!.latent!.project == nil)
  }
}
