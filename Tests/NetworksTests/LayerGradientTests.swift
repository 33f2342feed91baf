import GradientChecks
import Networks
import Tensors
import Testing

/// A network whose parameters are given one by one.
private func apply(
  _ x: [Tensor], _ make: (inout Layout) -> LayerStack
) -> Tensor {
  var layout = Layout()
  let network = make(&layout)
  return network(x[0], Pass(.given(ParameterViews(Array(x.dropFirst()), for: layout))))
}

/// A layer in training whose parameters are given one by one; its running statistics start at the first unit vector.
private func train(_ x: [Tensor], _ make: (inout Layout) -> some Layer) -> Tensor {
  var layout = Layout()
  let layer = make(&layout)
  let parameters = layout.slots.indices.map { index in
    guard index + 1 < x.count else {
      return Tensor((0..<layout.slots[index].shape.count).map { $0 == 0 ? 1 : 0 }, layout.slots[index].shape)
    }
    return x[index + 1]
  }
  let views = ParameterViews(parameters, for: layout)
  return layer(
    x[0], Pass(trainingWith: views, statistics: BatchStatistics(), key: RandomKey(seed: 0), examples: []))
}

/// (‖∂ critic / ∂ x‖ − 1)² per row (Gulrajani et al. 2017, equation 3): a derivative inside what is differentiated.
private func gradientPenalty(_ x: [Tensor]) -> Tensor {
  let tape = x[0].record?.tape ?? Tape()
  let point = x[0].isRecorded ? x[0] : tape.variable(x[0])
  let critic = apply([point] + x.dropFirst()) {
    LayerStack.dense(name: "critic", in: 3, hidden: [6], out: 1, activation: .tanh, layout: &$0)
  }
  let slope = tape.gradient(of: critic, withRespectTo: [point], recorded: true)[0]
  let penalty = (slope.squared().sumOfRows().squareRoot() - 1).squared()
  return x[0].isRecorded ? penalty : penalty.detached
}

/// The next state of a cell whose input, state and parameters are given one by one.
private func advance(_ x: [Tensor], _ make: (inout Layout) -> some RecurrentCore) -> Tensor {
  var layout = Layout()
  let core = make(&layout)
  return core(x[0], x[1], Pass(.given(ParameterViews(Array(x.dropFirst(2)), for: layout)))).state
}

/// A styled convolution of images and styles, whose numbers follow; it is given no noise.
private func style(_ x: [Tensor], in inputs: Int, kind: StyleKind = .demodulated, doubles: Bool = false) -> Tensor {
  var layout = Layout()
  let layer = StyledConvolution(
    name: "0", in: inputs, out: 3, style: 3, kind: kind, isDoubling: doubles, layout: &layout)
  let views = ParameterViews(Array(x.dropFirst(2)), for: layout)
  return layer(x[0], style: x[1], noise: .none, Pass(predictingWith: views))
}

/// Images of 8 × 8 of a style generator without noise, or what a function makes of it, whose numbers follow the latent rows.
private func generate(_ x: ArraySlice<Tensor>, _ make: (StyleGenerator, Pass) -> Tensor) -> Tensor {
  var (layout, settings) = (Layout(), StyleGenerator.Settings())
  (settings.latent, settings.style, settings.hasNoise) = (3, 3, false)
  let pyramid = try! ImagePyramid(image: [8, 8, 1], base: 8, limit: 9)
  let generator = StyleGenerator(name: "generator", settings: settings, pyramid: pyramid, layout: &layout)
  return make(generator, Pass(predictingWith: ParameterViews(Array(x), for: layout)))
}

private func pathLengths(_ x: [Tensor]) -> Tensor {
  let tape = x[0].record?.tape ?? Tape()
  let latents = x[0].isRecorded ? x[0] : tape.variable(x[0])
  let lengths = generate(x[1..<(x.count - 1)]) { generator, pass in
    generator.pathLengths(of: generator.styles(of: latents, pass), along: x.last!, on: tape, pass)
  }
  return x[0].isRecorded ? lengths : lengths.detached
}

/// Under their names in scripts/reference/gradients.py.
private let checks: [GradientCheck] = [
  GradientCheck("identity") { Nonlinearity.identity($0[0]) * 1 },
  GradientCheck("relu") { Nonlinearity.relu($0[0]) },
  GradientCheck("tanh") { Nonlinearity.tanh($0[0]) },
  GradientCheck("sigmoid") { Nonlinearity.sigmoid($0[0]) },
  GradientCheck("leakyReLU") { Nonlinearity.leakyReLU(slope: 0.2)($0[0]) },
  GradientCheck("softplus") { Nonlinearity.softplus($0[0]) },
  GradientCheck("elu") { Nonlinearity.elu($0[0]) },
  GradientCheck("gelu") { Nonlinearity.gelu($0[0]) },
  GradientCheck("silu") { Nonlinearity.silu($0[0]) },
  GradientCheck("mlp", tolerance: 5e-6) { x in
    var layout = Layout()
    let layers = [
      Dense(name: "0", in: 3, out: 5, activation: .tanh, layout: &layout),
      Dense(name: "1", in: 5, out: 6, activation: .softplus, layout: &layout),
      Dense(name: "2", in: 6, out: 2, layout: &layout),
    ]
    let views = ParameterViews(Array(x.dropFirst()), for: layout)
    return LayerStack(layers)(x[0], Pass(.given(views)))
  },
  GradientCheck("gru cell", tolerance: 5e-6) { x in
    advance(x) { GRUCell(name: "cell", in: 3, width: 4, layout: &$0) }
  },
  GradientCheck("lstm cell", tolerance: 5e-6) { x in
    advance(x) { LSTMCell(name: "cell", in: 3, width: 4, layout: &$0) }
  },
  GradientCheck("lstm window", tolerance: 5e-6) { x in
    let mask = Tensor((0..<24).map { $0 % 3 == 1 ? 0 : 1.5 }, [6, 4])
    return x[0].longShortTermMemory(from: x[1], weight: x[2], mask: mask)
  },
  GradientCheck("lstm unrolled", tolerance: 5e-6) { x in
    var layout = Layout()
    let cell = LSTMCell(name: "cell", in: 3, width: 4, layout: &layout)
    let pass = Pass(.given(ParameterViews(Array(x.dropFirst(2)), for: layout)))
    let (outputs, state) = cell.unrolled(over: x[0], steps: 3, from: x[1]) { _ in pass }
    return outputs.reshaped(to: [1, 24]).joiningColumns(state.reshaped(to: [1, 16]))
  },
  GradientCheck("embedding") { x in
    var layout = Layout()
    let layer = Embedding(name: "table", tokens: 5, width: 3, layout: &layout)
    return layer(Tensor([4, 0, 4, 2], [4, 1]), Pass(.given(ParameterViews(x, for: layout))))
  },
  GradientCheck("crossEntropy") { Loss.crossEntropy(logits: $0[0], labels: [4, 0, 2]) },
  GradientCheck("binaryCrossEntropy") { Loss.binaryCrossEntropy(logits: $0[0], targets: $0[1]) },
  GradientCheck("squaredError") { Loss.squaredError($0[0], $0[1]) },
  GradientCheck("batch normalisation", tolerance: 2e-5) { x in
    train(x) { BatchNormalization(name: "norm", channels: 3, layout: &$0) }
  },
  GradientCheck("layer normalisation", tolerance: 2e-5) { x in
    train(x) { LayerNormalization(name: "norm", channels: 3, layout: &$0) }
  },
  GradientCheck("layer normalisation of rows", tolerance: 2e-5) { x in
    train(x) { LayerNormalization(name: "norm", channels: 5, layout: &$0) }
  },
  GradientCheck("instance normalisation", tolerance: 2e-5) { x in train(x) { _ in InstanceNormalization() } },
  GradientCheck("pixel normalisation", tolerance: 2e-5) { x in train(x) { _ in PixelNormalization() } },
  GradientCheck("minibatch deviation", tolerance: 2e-5) { x in train(x) { _ in MinibatchDeviation() } },
  GradientCheck("minibatch deviation in groups", tolerance: 1e-4) { x in train(x) { _ in MinibatchDeviation(group: 3) }
  },
  GradientCheck("equalized convolution, halving", tolerance: 2e-5) { x in
    train(x) {
      EqualizedConvolution(name: "0", in: 2, out: 3, isRectified: true, isHalving: true, layout: &$0)
    }
  },
  GradientCheck("modulated convolution", tolerance: 2e-5) { style($0, in: 2) },
  GradientCheck("modulated convolution, doubling", tolerance: 2e-5) { style($0, in: 2, doubles: true) },
  GradientCheck("adaptive instance normalization", tolerance: 2e-5) { style($0, in: 2, kind: .adain) },
  GradientCheck("mapping of noise and class", tolerance: 2e-5) { x in
    train(x) {
      MappingNetwork(name: "0", .init(noise: 3, classes: 2, width: 4, layers: 1, rate: 0.01), layout: &$0)
    }
  },
  GradientCheck("projection discriminator", tolerance: 2e-5) { x in
    train(x) {
      DiscriminatorOutput(
        name: "0", in: 4, outputs: 1, classes: .init(noise: 0, classes: 2, width: 4, layers: 1, rate: 0.01),
        layout: &$0)
    }
  },
  GradientCheck("style generator", tolerance: 5e-5) { x in
    generate(x.dropFirst()) { generator, pass in generator(x[0], pass) }
  },
  GradientCheck("path lengths", tolerance: 5e-5, pathLengths),
  GradientCheck("spectral normalisation", tolerance: 2e-5) { x in
    train(x) { SpectralDense(name: "dense", in: 4, out: 5, layout: &$0) }
  },
  GradientCheck("gradient penalty", tolerance: 2e-5, gradientPenalty),
]

@Suite("Layers, losses and their derivatives")
struct LayerGradientTests {
  private static let excepted: Set = [
    "spectral normalisation", "modulated convolution", "modulated convolution, doubling", "projection discriminator",
    "style generator", "path lengths",
  ]
  let golden = try! GoldenFile.operations("layers")

  @Test(arguments: checks)
  func equalsPyTorchUpToTheThirdDerivative(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name], "run scripts/reference/gradients.py")
    #expect(check.mismatches(with: golden) == [])
  }

  /// All but spectral normalization: its derivative holds the singular vectors of the power iteration constant, as the
  /// paper's does (Miyato et al. 2018, section 2.1), and differences do not. And but for networks with many
  /// rectifications, since some of them are near their kink.
  @Test(arguments: checks.filter { !excepted.contains($0.name) })
  func agreesWithFiniteDifferences(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name])
    #expect(check.finiteDifferenceMismatches(at: golden, tolerance: 1e-3) == [])
  }

  @Test func everyGoldenCaseIsChecked() { #expect(Set(golden.keys) == Set(checks.map(\.name))) }

  /// The same network through a flat buffer: the derivatives lie in the slots of the contribution.
  @Test func derivativesArriveInTheFlatGradient() throws {
    let golden = try #require(golden["gradient penalty"])
    var layout = Layout()
    layout.add("something before", [3])
    let critic = LayerStack.dense(name: "critic", in: 3, hidden: [6], out: 1, activation: .tanh, layout: &layout)
    let (parameters, gradient) = (FlatBuffer("parameters", layout), FlatBuffer("gradient", layout))
    gradient.float32.update(repeating: .nan)
    for (slot, array) in zip(layout.slots.dropFirst(), golden.inputs.dropFirst()) {
      for (index, value) in array.values.enumerated() { parameters.float32[slot.offset + index] = Float(value) }
    }
    let tape = Tape()
    let views = ParameterViews(parameters, on: tape, gradient: gradient.float32.baseAddress!)
    let x = tape.variable(golden.inputs[0].tensor)
    let slope = tape.gradient(of: critic(x, Pass(.given(views))), withRespectTo: [x], recorded: true)[0]
    let penalty = (slope.squared().sumOfRows().squareRoot() - 1).squared()
    tape.backward(from: (penalty * Tensor(golden.cotangent.map(Float.init), penalty.shape)).sum())
    for (slot, wanted) in zip(layout.slots.dropFirst(), golden.first.dropFirst()) {
      #expect(differences(of: gradient.tensor(slot).values, from: wanted, tolerance: 1e-5) == [])
    }
    #expect(gradient.tensor(layout.slots[0]).values == [0, 0, 0])
  }

  @Test func nonlinearitiesOfExtremes() {
    let x = Tensor([-1e30, -1e8, -100, 0, 100, 1e30], [6])
    #expect(Nonlinearity.elu(x).values == [-1, -1, -1, 0, 100, 1e30])
    #expect(Nonlinearity.gelu(x).values == [0, 0, 0, 0, 100, 1e30])
    #expect(Nonlinearity.silu(x).values.map(abs) == [0, 0, abs(Nonlinearity.silu(x).values[2]), 0, 100, 1e30])
    #expect(abs(Nonlinearity.silu(x).values[2]) < 1e-37)
    let tape = Tape()
    let zero = tape.variable(Tensor([0], [1]))
    #expect(tape.gradient(of: Nonlinearity.elu(zero), withRespectTo: [zero])[0].value == 1)
  }
}
