import Networks
import Tensors
import Testing

/// A linear convolution with a posterior, two pixels of whose output are looked at over many draws.
private struct Probe {
  var layout = Layout()
  let layer: LayerStack
  let posterior: VariationalPosterior
  let parameters: FlatBuffer
  let (means, variances): (FlatBuffer, FlatBuffer)
  /// One image of 3 × 3, 2 channels, seen by windows of 2 × 2: four outputs.
  let x = Tensor((0..<18).map { Float($0 % 5) - 1.5 }, [1, 18])
  static let deviation = 0.5

  init(bias: Bool = true) throws {
    var builder = NetworkBuilder(name: "layers", input: [3, 3, 2], layout: Layout())
    try builder.convolution(1, Window(2, hasBias: bias))
    builder.reshape(to: [4])
    (layer, layout) = (builder.network, builder.layout)
    posterior = VariationalPosterior(over: layout, prior: .gaussian(deviation: 1))
    parameters = FlatBuffer("parameters", posterior.parameters)
    (means, variances) = (FlatBuffer("means", layout), FlatBuffer("variances", layout))
    let start = FlatBuffer("start", layout)
    layer.initialize(start, seed: 3)
    posterior.initialize(parameters, from: start, deviation: Probe.deviation)
    posterior.means(0..<layout.count, into: means, from: parameters)
    posterior.variances(0..<layout.count, into: variances, from: parameters)
  }

  func draw(_ key: RandomKey) -> FlatBuffer {
    let weights = FlatBuffer("weights", layout)
    posterior.draw(0..<layout.count, of: weights, from: parameters, key: key, withDensities: false)
    return weights
  }

  func flipout(_ key: RandomKey) -> Flipout {
    let deviations = draw(key)
    for index in 0..<layout.count { deviations.float32[index] -= means.float32[index] }
    return Flipout(means: ParameterViews(means), deviations: ParameterViews(deviations), key: key.at(tensor: 50))
  }

  func local(_ key: RandomKey) -> LocalReparameterization {
    LocalReparameterization(means: ParameterViews(means), variances: ParameterViews(variances), key: key)
  }

  /// Moments of the outputs at two pixels.
  func moments(_ policy: (RandomKey) -> WeightPolicy) -> (mean: Double, variance: Double, covariance: Double) {
    let pairs = (0..<6000).map { step -> (Double, Double) in
      let y = layer(x, Pass(policy(RandomKey(seed: 9).at(step: UInt32(step))), examples: [0])).values
      return (Double(y[0]), Double(y[3]))
    }
    let count = Double(pairs.count)
    let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    return (
      means.0, pairs.reduce(0) { $0 + ($1.0 - means.0) * ($1.0 - means.0) } / count,
      pairs.reduce(0) { $0 + ($1.0 - means.0) * ($1.1 - means.1) } / count
    )
  }

  /// The exact moments: Σ x² σ² and Σ x x′ σ² over the windows of the two pixels, the bias among them.
  var exact: (mean: Double, variance: Double, covariance: Double) {
    func window(_ row: Int, _ column: Int) -> [Double] {
      var values: [Double] = []
      for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let start = ((row + down) * 3 + column + right) * 2
        values += [Double(x.values[start]), Double(x.values[start + 1])]
      }
      return values + [1]
    }
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let (a, b, share) = (window(0, 0), window(1, 1), Probe.deviation * Probe.deviation)
    let mean = Double(layer(x, Pass(.given(ParameterViews(means)))).values[0])
    return (mean, product(a, a) * share, product(a, b) * share)
  }
}

@Suite("Where a pass takes weights from")
struct WeightPolicyTests {
  @Test("Every policy has the marginals of the posterior; local reparameterization alone loses what pixels share")
  func convolutionsMoments() throws {
    let probe = try Probe()
    let exact = probe.exact
    #expect(abs(exact.covariance) > 0.2 * exact.variance)
    let given = probe.moments { .given(ParameterViews(probe.draw($0))) }
    let local = probe.moments { .localReparameterization(probe.local($0)) }
    let flipout = probe.moments { .flipout(probe.flipout($0)) }
    for moments in [given, local, flipout] {
      #expect(abs(moments.mean - exact.mean) < 0.1 * exact.variance.squareRoot())
      #expect(abs(moments.variance / exact.variance - 1) < 0.1)
    }
    #expect(abs(given.covariance - exact.covariance) < 0.1 * exact.variance)
    #expect(abs(flipout.covariance - exact.covariance) < 0.1 * exact.variance)
    #expect(abs(local.covariance) < 0.1 * exact.variance)
  }

  @Test("Two examples share a draw of the weights, and nothing under Flipout")
  func flipoutDecorrelatesExamples() throws {
    let probe = try Probe()
    let two = Tensor(probe.x.values + probe.x.values, [2, 18])
    var products = (given: 0.0, flipout: 0.0)
    let mean = probe.exact.mean
    for step in 0..<4000 {
      let key = RandomKey(seed: 4).at(step: UInt32(step))
      let given = probe.layer(two, Pass(.given(ParameterViews(probe.draw(key))))).values
      let flipout = probe.layer(two, Pass(.flipout(probe.flipout(key)), examples: [0, 1])).values
      products.given += (Double(given[0]) - mean) * (Double(given[4]) - mean) / 4000
      products.flipout += (Double(flipout[0]) - mean) * (Double(flipout[4]) - mean) / 4000
    }
    #expect(abs(products.given / probe.exact.variance - 1) < 0.1)
    #expect(abs(products.flipout / probe.exact.variance) < 0.1)
  }

  @Test("Variances of zero: the derivatives stay finite")
  func zeroVariance() throws {
    let probe = try Probe(bias: false)
    let tape = Tape()
    let variances = tape.variable(Tensor.zeros(probe.layout.slots[0].shape))
    let policy = LocalReparameterization(
      means: ParameterViews(probe.means), variances: ParameterViews([variances], for: probe.layout),
      key: RandomKey(seed: 1))
    let y = probe.layer(Tensor.zeros([1, 18]), Pass(.localReparameterization(policy), examples: [0])).sum()
    #expect(y.value == 0 || abs(y.value) < 1e-10)
    let gradient = tape.gradient(of: y, withRespectTo: [variances])[0]
    #expect(gradient.values.allSatisfy { $0.isFinite })
  }

  @Test("DropConnect keeps the mean, removes the share of weights that it says, and leaves the bias")
  func dropConnect() throws {
    var layout = Layout()
    let layer = LayerStack([Dense(name: "0", in: 400, out: 1, layout: &layout)])
    let parameters = FlatBuffer("parameters", layout)
    for index in 0..<400 { parameters.float32[index] = 1 }
    parameters.float32[layout["0.bias"]!.offset] = 100
    let views = ParameterViews(parameters)
    let outputs = (0..<200).map { step in
      let policy = DropConnect(views, rate: 0.25, key: RandomKey(seed: 1).at(step: UInt32(step)))
      return layer(Tensor(repeating: 1, [1, 400]), Pass(.dropConnect(policy))).value
    }
    // Each output is 100 + kept / 0.75, kept from a binomial of 400 and 0.75.
    let mean = outputs.reduce(0, +) / 200
    #expect(abs(mean - 500) < 5 * Float(11.5 / 200.0.squareRoot()))
    let kept = outputs.map { ($0 - 100) * 0.75 }
    #expect(kept.allSatisfy { abs($0 - $0.rounded()) < 1e-2 })
    #expect(Set(kept.map { $0.rounded() }).count > 10)
    let off = DropConnect(views, rate: 0, key: RandomKey(seed: 1))
    #expect(layer(Tensor(repeating: 1, [1, 400]), Pass(.dropConnect(off))).value == 500)
  }

  @Test("No two layers of a network draw the same noise")
  func streams() throws {
    var builder = NetworkBuilder(name: "layers", input: [8, 8, 1], layout: Layout())
    for text in ["conv 2 3", "dropout 0.5", "conv 2 3", "dropout 0.5", "8", "dropout 0.5"] {
      try builder.add(LayerSpec(text))
    }
    builder.dense(3)
    let network = LayerStack([builder.network, builder.network])
    let all = network.layers.flatMap { ($0 as! LayerStack).layers }
    #expect(all.compactMap { ($0 as? any LinearLayer)?.stream } == Array(0..<8))
    #expect(all.compactMap { ($0 as? Dropout)?.stream } == Array(0..<6))
  }
}
