import Networks
import Tensors
import Testing

/// Networks that grow: when, and what they compute at each size.
@Suite struct GrowthTests {
  private let plan = GrowthPlan(levels: 4, stable: 100, fading: 50)

  @Test("Defect 2: resolution and share are continuous, monotone, reach both ends, and the first size never fades")
  func schedule() {
    var last: Float = 0
    for seen in 0..<plan.length + 200 {
      let growth = plan.growth(at: seen)
      #expect(growth.position >= last && growth.position - last <= 1.001 / 50)
      #expect(growth.level > 0 || growth.share == 1)
      #expect(Growth(position: growth.position).level == growth.level || growth.share == 0)
      last = growth.position
    }
    #expect(last == 3)
    for (seen, wanted) in [
      (0, Growth(level: 0)), (99, Growth(level: 0)), (100, Growth(level: 1, share: 0)),
      (125, Growth(level: 1, share: 0.5)), (150, Growth(level: 1)), (249, Growth(level: 1)),
      (250, Growth(level: 2, share: 0)), (300, Growth(level: 2)), (450, Growth(level: 3)), (9999, Growth(level: 3)),
    ] {
      #expect(plan.growth(at: seen) == wanted)
    }
    #expect(plan.length == 450)
  }

  @Test func stretchesBeginWhereTheySay() {
    for seen in 0..<600 {
      let stretch = plan.stretch(at: seen)
      #expect(plan.start(ofStretch: stretch) <= seen)
      if seen > 0, plan.stretch(at: seen - 1) != stretch { #expect(plan.start(ofStretch: stretch) == seen) }
    }
    #expect(plan.stretch(at: 9999) == 6)
    #expect(GrowthPlan(levels: 1, stable: 5, fading: 5).growth(at: 100) == Growth(level: 0))
  }

  @Test func anImageHasASizeForEachLevel() throws {
    let pyramid = try ImagePyramid(image: [24, 40, 3], base: 64, limit: 12)
    #expect(pyramid.levels == 4 && pyramid.start == [3, 5] && pyramid.sides(3) == [24, 40])
    #expect((0..<4).map(pyramid.features) == [12, 8, 4, 2])
    for image in [[7, 8, 1], [4, 4, 1], [65, 64, 1]] {
      #expect(throws: (any Error).self) { try ImagePyramid(image: image, base: 64, limit: 12) }
    }
  }

  /// Both players of 16 × 16 with 2 channels, at a growth.
  private struct Players {
    let generator: LayerStack
    let discriminator: LayerStack
    let parameters: (generator: FlatBuffer, discriminator: FlatBuffer)

    init() throws {
      let pyramid = try ImagePyramid(image: [16, 16, 2], base: 32, limit: 6)
      var (first, second) = (Layout(), Layout())
      generator = LayerStack([ProgressiveGenerator(name: "g", latent: 5, pyramid: pyramid, layout: &first)])
      discriminator = LayerStack([
        ProgressiveDiscriminator(name: "d", outputs: 1, group: 4, pyramid: pyramid, layout: &second)
      ])
      parameters = (FlatBuffer("g", first), FlatBuffer("d", second))
      generator.initialize(parameters.generator, seed: 1)
      discriminator.initialize(parameters.discriminator, seed: 2)
    }

    func generate(_ growth: Growth, _ latents: Tensor, _ views: ParameterViews? = nil) -> Tensor {
      generator.grown(to: growth)(latents, Pass(predictingWith: views ?? ParameterViews(parameters.generator)))
    }

    func judge(_ growth: Growth, _ images: Tensor, _ views: ParameterViews? = nil) -> Tensor {
      discriminator.grown(to: growth)(images, Pass(predictingWith: views ?? ParameterViews(parameters.discriminator)))
    }
  }

  private let latents = Tensor.normal(RandomKey(seed: 3), rows: [0, 1, 2, 3], columns: 5)
  private let images = Tensor.normal(RandomKey(seed: 4), rows: [0, 1, 2, 3], columns: 512)

  private func close(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && zip(a.values, b.values).allSatisfy { abs($0 - $1) <= 1e-5 * (1 + abs($1)) }
  }

  @Test("Defect 3: a size that begins to fade in changes neither player nor the real images", arguments: [1, 2])
  func fadingBegins(level: Int) throws {
    let players = try Players()
    let (before, start) = (Growth(level: level - 1), Growth(level: level, share: 0))
    #expect(close(players.generate(start, latents), players.generate(before, latents)))
    #expect(close(players.judge(start, images), players.judge(before, images)))
    let rows = images.reshaped(to: [4, 16, 16, 2])
    #expect(close(rows.faded(to: start, levels: 3), rows.faded(to: before, levels: 3)))
    // Real images have no detail above the old size.
    let side = 16 >> (3 - level)
    let seen = rows.faded(to: start, levels: 3)
    #expect(close(seen.averagePooled(16 / side).upsampled(16 / side), seen))
    #expect(close(rows.faded(to: Growth(level: 2), levels: 3), rows))
  }

  @Test("Defect 3: where a size has faded in, the old pictures have no derivative, and sizes to come have none")
  func fadingEnds() throws {
    let players = try Players()
    func touched(_ buffer: FlatBuffer, _ make: (ParameterViews) -> Tensor) -> Set<String> {
      let tape = Tape()
      let gradient = FlatBuffer("gradient", buffer.layout)
      tape.backward(
        from: make(ParameterViews(buffer, on: tape, gradient: gradient.float32.baseAddress!)).squared().sum())
      return Set(buffer.layout.slots.filter { gradient.tensor($0).values.contains { $0 != 0 } }.map(\.name))
    }
    for growth in [Growth(level: 0), Growth(level: 1, share: 0.5), Growth(level: 1), Growth(level: 2)] {
      let generator = touched(players.parameters.generator) { players.generate(growth, latents, $0) }
      let discriminator = touched(players.parameters.discriminator) { players.judge(growth, images, $0) }
      for level in 0..<3 {
        #expect(generator.contains("g.\(level).0.weight") == (level <= growth.level))
        #expect(discriminator.contains("d.\(level).0.weight") == (level <= growth.level))
        let shows = level == growth.level || level == growth.level - 1 && growth.share < 1
        #expect(generator.contains("g.\(level).picture.weight") == shows)
        #expect(discriminator.contains("d.\(level).picture.weight") == shows)
      }
    }
  }
}
