import Distributions
import GradientChecks
import Networks
import Tensors
import Testing

@Suite("Initial parameters")
struct InitializationTests {
  private static func numbers(
    _ initialization: Initialization, seed: UInt64 = 1, inputs: Int = 300, outputs: Int = 200, slot: Int = 0
  ) -> [Float] {
    var layout = Layout()
    for index in 0..<slot { layout.add("before \(index)", [1]) }
    let weight = layout.add("weight", [outputs, inputs])
    let parameters = FlatBuffer("parameters", layout)
    initialization.fill(weight, of: parameters, seed: seed, fanIn: inputs, fanOut: outputs)
    return parameters.tensor(weight).values
  }

  /// Bounds, or for normal ones the deviation, at fan-in 300 and fan-out 200.
  @Test(
    arguments: [
      (.fanIn, 0.0577350, true), (.heUniform, 0.1414214, true), (.glorotUniform(), 0.1095445, true),
      (.glorotUniform(gain: 2), 0.2190890, true), (.uniform(0.5), 0.5, true), (.heNormal, 0.0816497, false),
      (.glorotNormal(), 0.0632456, false), (.glorotNormal(gain: 2), 0.1264911, false), (.normal(0.02), 0.02, false),
    ] as [(Initialization, Double, Bool)])
  func hasItsBoundsAndMoments(_ initialization: Initialization, _ size: Double, _ isUniform: Bool) {
    let numbers = Self.numbers(initialization).map(Double.init)
    let count = Double(numbers.count)
    let deviation = isUniform ? size / 3.0.squareRoot() : size
    let mean = numbers.reduce(0, +) / count
    let variance = numbers.reduce(0) { $0 + $1 * $1 } / count
    #expect(abs(mean) < 5 * deviation / count.squareRoot())
    #expect(abs(variance / (deviation * deviation) - 1) < 5 * (2 / count).squareRoot())
    let greatest = numbers.map(abs).max()!
    if isUniform {
      #expect(greatest <= size * 1.000001 && greatest > size * 0.999)
    } else {
      #expect(greatest > 3.5 * size && greatest < 6 * size)
    }
  }

  @Test("Constant initializers set every number") func constants() {
    #expect(Self.numbers(.zeros).allSatisfy { $0 == 0 })
    #expect(Self.numbers(.constant(-3)).allSatisfy { $0 == -3 })
  }

  @Test func seedsAndSlotsHaveNumbersOfTheirOwn() {
    let all = [
      Self.numbers(.normal(1)), Self.numbers(.normal(1), seed: 2), Self.numbers(.normal(1), slot: 1),
      Self.numbers(.normal(1), seed: 1 << 32 + 1),
    ]
    for (i, a) in all.enumerated() {
      for b in all[..<i] {
        let correlation = zip(a, b).reduce(0.0) { $0 + Double($1.0 * $1.1) } / Double(a.count)
        #expect(abs(correlation) < 5 / Double(a.count).squareRoot())
      }
    }
    #expect(Self.numbers(.normal(1)) == all[0])
  }

  /// What is added after a slot does not change it, and what is around it stays as it was.
  @Test func aSlotDependsOnItsPlaceAlone() {
    var layout = Layout()
    let first = Dense(name: "first", in: 7, out: 3, layout: &layout)
    let alone = FlatBuffer("parameters", layout)
    first.initialize(alone, seed: 9)
    let second = Dense(name: "second", in: 3, out: 2, layout: &layout)
    let both = FlatBuffer("parameters", layout)
    for layer in [second, first] { layer.initialize(both, seed: 9) }
    #expect(alone.tensor(first.weight).values == both.tensor(first.weight).values)
    #expect(alone.tensor(first.bias).values == both.tensor(first.bias).values)
    let gaps = layout.slots.map { $0.range.upperBound..<($0.range.upperBound + 15) / 16 * 16 }
    #expect(gaps.allSatisfy { $0.allSatisfy { both.float32[$0] == 0 } })
  }

  /// The bias of PyTorch's nn.Linear is drawn by its weight's fan-in.
  @Test func aBiasStartsWithinTheFanInOfItsWeight() {
    var layout = Layout()
    let layer = Dense(name: "layer", in: 100, out: 4000, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    layer.initialize(parameters, seed: 3)
    let greatest = parameters.tensor(layer.bias).values.map(abs).max()!
    #expect(greatest <= 0.1 && greatest > 0.0999)
  }

  @Test func aSlotOfAnotherLayoutStops() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      var layout = Layout()
      let slot = layout.add("weight", [2, 3])
      Initialization.zeros.fill(slot, of: FlatBuffer("parameters", Layout()), seed: 1, fanIn: 3, fanOut: 2)
    }
  }
}

@Suite("Networks and their parameters")
struct ParameterTests {
  @Test func namesAndShapes() {
    var layout = Layout()
    let network = LayerStack.dense(
      name: "encoder", in: 784, hidden: [500, 300], out: 20, activation: .relu, layout: &layout)
    #expect(
      layout.slots.map(\.name) == [
        "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "encoder.2.weight",
        "encoder.2.bias",
      ])
    #expect(layout["encoder.1.weight"]?.shape == [300, 500])
    #expect(network.layers.map { ($0 as! Dense).activation } == [.relu, .relu, .identity])
    #expect(layout["encoder.2.weight"]?.shape == [20, 300])
    let linear = LayerStack.dense(
      name: "linear", in: 3, hidden: [], out: 2, activation: .relu, outputActivation: .tanh, layout: &layout)
    #expect(linear.layers.map { ($0 as! Dense).activation } == [.tanh])
    #expect(layout["linear.0.weight"]?.shape == [2, 3])
  }

  /// Without a tape the same numbers come out and nothing is recorded.
  @Test func plainViewsGiveTheSameBits() {
    var layout = Layout()
    let network = LayerStack.dense(
      name: "net", in: 5, hidden: [7], out: 3, activation: .gelu, outputActivation: .sigmoid, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: 4)
    let x = Tensor((0..<20).map { Float($0) / 10 - 1 }, [4, 5])
    let plain = network(x, Pass(.given(ParameterViews(parameters))))
    let recorded = network(x, Pass(.given(ParameterViews(parameters, on: Tape()))))
    #expect(!plain.isRecorded && recorded.isRecorded)
    #expect(plain.shape == [4, 3] && plain.values == recorded.values)
    #expect(network(.zeros([0, 5]), Pass(.given(ParameterViews(parameters)))).shape == [0, 3])
  }

  /// A layer that is used twice has one variable, whose derivatives add up.
  @Test func sharedParametersAddTheirDerivatives() {
    var layout = Layout()
    let layer = Dense(name: "layer", in: 2, out: 2, layout: &layout)
    let unused = Dense(name: "unused", in: 1, out: 1, layout: &layout)
    let (parameters, gradient) = (FlatBuffer("parameters", layout), FlatBuffer("gradient", layout))
    gradient.float32.update(repeating: .nan)
    let tape = Tape()
    let pass = Pass(.given(ParameterViews(parameters, on: tape, gradient: gradient.float32.baseAddress!)))
    let sum = layer(Tensor([1, 2], [1, 2]), pass).sum() + layer(Tensor([10, 20], [1, 2]), pass).sum()
    tape.backward(from: sum)
    #expect(gradient.tensor(layer.weight).values == [11, 22, 11, 22])
    #expect(gradient.tensor(layer.bias).values == [2, 2])
    #expect(gradient.tensor(unused.weight).values == [0])
  }

  /// Slots without numbers share their offset with the next one.
  @Test func emptySlotsAreFoundByName() {
    var layout = Layout()
    let slots = [layout.add("a", [0]), layout.add("b", [0, 2]), layout.add("c", [2]), layout.add("d", [0])]
    let views = ParameterViews(FlatBuffer("parameters", layout))
    for slot in slots { #expect(views[slot].shape == slot.shape) }
  }

  @Test func aForeignSlotStops() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      var layout = Layout()
      layout.add("weight", [2])
      let views = ParameterViews(FlatBuffer("parameters", layout))
      var other = Layout()
      _ = views[other.add("bias", [2])]
    }
  }

  /// A whole step of a variational autoencoder, over and over: after the first two no tensor is allocated.
  @Test func aStepInTheSteadyStateAllocatesNothing() async {
    await #expect(processExitsWith: .success) {
      var layout = Layout()
      let encoder = LayerStack.dense(name: "encoder", in: 40, hidden: [30], out: 8, activation: .tanh, layout: &layout)
      let decoder = LayerStack.dense(name: "decoder", in: 4, hidden: [30], out: 40, activation: .elu, layout: &layout)
      let (parameters, gradient) = (FlatBuffer("parameters", layout), FlatBuffer("gradient", layout))
      encoder.initialize(parameters, seed: 1)
      decoder.initialize(parameters, seed: 1)
      let tape = Tape()
      let x = Tensor((0..<800).map { Float($0 % 3) / 2 }, [20, 40])
      let noise = Tensor((0..<80).map { Float($0 % 7) / 3 - 1 }, [20, 4])
      func step() -> Float {
        let pass = Pass(.given(ParameterViews(parameters, on: tape, gradient: gradient.float32.baseAddress!)))
        let hidden = encoder(x, pass)
        let (mean, logVariance) = (hidden.columns(0..<4), hidden.columns(4..<8))
        let z = Gaussian.sample(mean: mean, logVariance: logVariance, noise: noise)
        let elbo =
          Bernoulli.logLikelihood(logits: decoder(z, pass), targets: x)
          - Gaussian.divergenceFromStandardNormal(mean: mean, logVariance: logVariance)
        let value = elbo.sum()
        tape.backward(from: value, seed: -1)
        tape.reset()
        return value.value
      }
      let first = (step(), gradient.float32.map { $0 })
      _ = step()
      let before = MemoryPool.statistics
      var last = first
      for _ in 0..<100 { last = (step(), gradient.float32.map { $0 }) }
      #expect(MemoryPool.statistics == before)
      #expect(first.0 == last.0 && first.1 == last.1)
      #expect(first.0 < 0 && first.1.contains { $0 != 0 })
    }
  }
}
