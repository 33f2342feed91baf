import Networks
import Tensors
import Testing

/// Generators of styles, and what else the networks of Karras et al. are made of.
@Suite struct StyleTests {
  private struct Built {
    let generator: StyleGenerator
    let parameters: FlatBuffer
    var views: ParameterViews { ParameterViews(parameters) }

    init(mixing: Float = 0, kind: StyleKind = .demodulated, classes: Int = 0) throws {
      var (layout, settings) = (Layout(), StyleGenerator.Settings())
      (settings.latent, settings.style, settings.mixing, settings.kind) = (6, 5, mixing, kind)
      settings.classes = classes
      let pyramid = try ImagePyramid(image: [8, 16, 3], base: 64, limit: 8)
      let made = StyleGenerator(name: "g", settings: settings, pyramid: pyramid, layout: &layout)
      // A stack numbers the noise of its layers.
      generator = try #require(LayerStack([made]).layers.first as? StyleGenerator)
      parameters = FlatBuffer("g", layout)
      generator.initialize(parameters, seed: 1)
      // Noise counts, and truncation has a center.
      for slot in layout.slots where slot.name.hasSuffix(".noise") { parameters.tensor(slot).pointer[0] = 0.5 }
      let average = parameters.tensor(generator.average)
      for index in 0..<average.count { average.pointer[index] = Float(index) / 4 }
    }

    func train(_ latents: Tensor, examples: [UInt32], statistics: BatchStatistics = BatchStatistics()) -> Pass {
      Pass(trainingWith: views, statistics: statistics, key: RandomKey(seed: 7), examples: examples)
    }
  }

  private func latents(_ examples: [UInt32]) -> Tensor { .normal(RandomKey(seed: 3), rows: examples, columns: 6) }

  @Test("Defect 29: a modulated convolution keeps the deviation 1, and a style's scale changes nothing")
  func demodulation() {
    var layout = Layout()
    let layer = StyledConvolution(
      name: "0", in: 64, out: 48, style: 4, kind: .demodulated, isDoubling: false, layout: &layout)
    let parameters = FlatBuffer("0", layout)
    layer.initialize(parameters, seed: 1)
    let x = Tensor.normal(RandomKey(seed: 2), rows: (0..<8).map { $0 }, columns: 16 * 16 * 64).reshaped(to: [
      8, 16, 16, 64,
    ])
    func output(scale: Float) -> Tensor {
      // A bias of 1 and no weight is the style 1; both are scaled.
      for (name, value) in [("0.style.weight", Float(0)), ("0.style.bias", scale)] {
        parameters.tensor(layout[name]!).buffer.update(repeating: value)
      }
      return layer(x, style: .zeros([8, 4]), noise: .none, Pass(predictingWith: ParameterViews(parameters)))
    }
    let one = output(scale: 1)
    // Behind the rectification √2 · lrelu, whose square has the mean 1.04 for a standard normal number.
    let square = one.squared().mean().value
    #expect(abs((square / 1.04).squareRoot() - 1) < 0.05)
    let thousand = output(scale: 1000)
    #expect(zip(one.values, thousand.values).allSatisfy { abs($0 - $1) < 1e-4 * (1 + abs($0)) })
    let thousandth = output(scale: 1e-3)
    #expect(abs(thousandth.squared().mean().value / square - 1) < 0.05)
  }

  @Test("Defects 14 and 18: an image is a function of its latent row, its example and the key alone")
  func rowsAreAlone() throws {
    let built = try Built(mixing: 0.9)
    let all: [UInt32] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    let together = built.generator(latents(all), built.train(latents(all), examples: all))
    for row in [0, 4, 9] {
      let alone = built.generator(latents([all[row]]), built.train(latents([all[row]]), examples: [all[row]]))
      #expect(alone.values == together.rows(row..<row + 1).values)
    }
    // Neither noise nor second styles are shared between examples.
    let same = Tensor.zeros([2, 6]) + 1
    let pair = built.generator(same, built.train(same, examples: [0, 1]))
    #expect(pair.rows(0..<1).values != pair.rows(1..<2).values)
    let predicted = built.generator(same, Pass(predictingWith: built.views))
    #expect(predicted.rows(0..<1).values == predicted.rows(1..<2).values)
  }

  @Test func mixingChangesLaterStylesOfAsManyExamplesAsAskedFor() throws {
    let examples = (0..<2000).map { UInt32($0) }
    let z = latents(examples)
    let built = try Built(mixing: 0.75)
    let styles = built.generator.styles(of: z, built.train(z, examples: examples))
    let plain = built.generator.map(z, Pass(predictingWith: built.views))
    #expect(styles.count == built.generator.styleCount && styles.count == 4)
    var starts = [Int](repeating: 0, count: styles.count + 1)
    for row in examples.indices {
      let same = styles.map { $0.rows(row..<row + 1).values == plain.rows(row..<row + 1).values }
      let start = same.firstIndex(of: false) ?? styles.count
      #expect(same[start...].allSatisfy { !$0 })
      starts[start] += 1
    }
    #expect(starts[0] == 0)
    #expect(abs(starts[4] - 500) < 80)
    for start in 1...3 { #expect(abs(starts[start] - 500) < 80) }
  }

  @Test func mixedStylesAreOfOneClass() throws {
    let examples = (0..<40).map { UInt32($0) }
    let built = try Built(mixing: 1, classes: 2)
    // A style of the class alone: the columns of the noise are 0.
    let weight = built.parameters.tensor(try #require(built.parameters.layout["g.mapping.0.weight"]))
    #expect(weight.shape == [5, 11])
    for row in 0..<5 { for column in 0..<6 { weight.pointer[row * 11 + column] = 0 } }
    let classes = Tensor(examples.flatMap { $0 % 2 == 0 ? [1, 0] : [0, 1] }, [40, 2])
    let z = latents(examples).joiningColumns(classes)
    let styles = built.generator.styles(of: z, built.train(z, examples: examples))
    #expect(Set(styles.map(\.values)).count == 1)
    #expect(styles[0].rows(0..<1).values != styles[0].rows(1..<2).values)
  }

  @Test("Defects 16 and 17: at ψ = 0 there is one picture, that of the stored center")
  func truncation() throws {
    let built = try Built()
    var generator = built.generator
    generator.truncation = (0, generator.styleCount)
    let pass = Pass(predictingWith: built.views)
    let pictures = generator(latents([0, 1, 2]), pass)
    let center = built.parameters.tensor(generator.average).reshaped(to: [1, 5])
    let wanted = generator.synthesize(Array(repeating: center, count: generator.styleCount), pass)
    for row in 0..<3 { #expect(pictures.rows(row..<row + 1).values == wanted.values) }
    generator.truncation = (1, generator.styleCount)
    let full = generator(latents([0, 1, 2]), pass)
    #expect(zip(full.values, built.generator(latents([0, 1, 2]), pass).values).allSatisfy { abs($0 - $1) < 1e-5 })
    generator.truncation = (0, 2)
    #expect(generator(latents([0]), pass).values != wanted.values)
  }

  @Test func theMeanStyleIsLeftAmongTheStatistics() throws {
    let built = try Built()
    let (z, statistics) = (latents([4, 5, 6]), BatchStatistics())
    let w = built.generator.map(z, Pass(predictingWith: built.views))
    _ = built.generator(z, built.train(z, examples: [4, 5, 6], statistics: statistics))
    let total = FlatBuffer("total", built.parameters.layout)
    statistics.write(to: total.float32.baseAddress!, examples: 3)
    let sums = total.tensor(built.generator.average).values
    #expect(zip(sums, w.sumOfColumns().values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func noiseIsConstantRandomOrNone() throws {
    let built = try Built()
    var generator = built.generator
    let (z, key) = (latents([0]), RandomKey(seed: 5))
    func image(_ noise: StyleNoise, _ key: RandomKey?) -> [Float] {
      generator.noise = noise
      return generator(z, Pass(.given(built.views), key: key, examples: [0])).values
    }
    #expect(image(.constant, key) == image(.constant, nil))
    #expect(image(.random, nil) == image(.constant, nil))
    #expect(image(.random, key) != image(.constant, key))
    #expect(image(.random, key) == image(.random, key))
    #expect(image(.none, key) == image(.none, nil) && image(.none, nil) != image(.constant, nil))
  }

  @Test("Defect 5: a group's deviation reaches its members alone")
  func minibatchGroups() {
    let values: [Float] = [0, 0, 0, 0, 1, 2, 3, 4, 100, 200, 300, 400]
    let x = Tensor(values, [12, 1])
    let pass = Pass.withoutParameters
    // Three groups of four: example i is in group i mod 3.
    let deviations = MinibatchDeviation(group: 4)(x, pass).columns(1..<2).values
    for member in 0..<3 {
      let group = stride(from: member, to: 12, by: 3).map { Double(values[$0]) }
      let mean = group.reduce(0, +) / 4
      let wanted = (group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4).squareRoot()
      for example in stride(from: member, to: 12, by: 3) { #expect(abs(Double(deviations[example]) - wanted) < 1e-2) }
    }
    // Groups in another order: outputs follow.
    let order = [1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9]
    let moved = MinibatchDeviation(group: 4)(Tensor(order.map { values[$0] }, [12, 1]), pass).columns(1..<2).values
    #expect(moved == order.map { deviations[$0] })
  }

  @Test("Defect 6: groups that do not come out even are smaller, and one example is a group", arguments: 1...9)
  func minibatchRemainders(count: Int) {
    let x = Tensor((0..<count).map { Float($0 * $0) }, [count, 1])
    let wanted = (1...min(4, count)).last { count % $0 == 0 }!
    let found = MinibatchDeviation(group: 4)(x, .withoutParameters).values
    #expect(found == MinibatchDeviation(group: wanted)(x, .withoutParameters).values)
    #expect(found.allSatisfy { $0.isFinite })
    if wanted == 1 { #expect(stride(from: 1, to: 2 * count, by: 2).allSatisfy { found[$0] < 1e-3 }) }
    #expect(
      MinibatchDeviation(group: 99)(x, .withoutParameters).values == MinibatchDeviation()(x, .withoutParameters).values)
  }
}
