import CKernels
import Distributions
import GradientChecks
import Tensors
import Testing

private struct Book: Decodable {
  struct Gaussians: Decodable {
    let x, mean, logVariance, logDensity, logDensityOfVariance4, standardLogDensity, entropy: [Double]
  }
  struct Divergence: Decodable {
    let q, p: [Double]
    let kl: Double
  }
  struct Bernoullis: Decodable { let logits, targets, logDensity, entropy, divergenceFromHalf: [Double] }
  struct Categoricals: Decodable {
    let logits, logDensity, entropy, divergenceFromUniform: [Double]
    let labels: [UInt32]
  }
  let gaussian: Gaussians
  let divergences: [Divergence]
  let bernoulli: Bernoullis
  let categorical: Categoricals
}

private let book = try! GoldenFile.read("scipy", as: Book.self)

/// One number a row.
private func column(_ values: [Double]) -> Tensor { Tensor(values.map(Float.init), [values.count, 1]) }

/// Where numbers are not equal to within a few roundings of their own size.
private func mismatches(_ tensor: Tensor, _ wanted: [Double], tolerance: Double = 2e-6, floor: Double = 1e-6)
  -> [String]
{
  zip(tensor.values, wanted).enumerated().compactMap { index, pair in
    abs(Double(pair.0) - pair.1) <= tolerance * abs(pair.1) + floor * tolerance
      ? nil : "at \(index): \(pair.0), scipy \(pair.1)"
  }
}

@Suite("Densities against scipy")
struct DensityTests {
  @Test("Gaussian log densities and entropies agree with the reference") func gaussian() {
    let golden = book.gaussian
    let (x, mean, logVariance) = (column(golden.x), column(golden.mean), column(golden.logVariance))
    #expect(
      mismatches(
        Gaussian.logLikelihood(of: x, mean: mean, logVariance: logVariance), golden.logDensity, tolerance: 1e-5) == [])
    #expect(mismatches(Gaussian.logLikelihood(of: x, mean: mean, variance: 4), golden.logDensityOfVariance4) == [])
    #expect(mismatches(Gaussian.standardNormalLogLikelihood(of: x), golden.standardLogDensity) == [])
    #expect(mismatches(Gaussian.entropy(logVariance: logVariance), golden.entropy) == [])
  }

  /// A row is one point: its density is the product over its elements, so the sum of logarithms and never their mean.
  @Test func aRowIsASumAndNotAMean() {
    let golden = book.gaussian
    let row = { (values: [Double]) in Tensor(values.map(Float.init), [1, values.count]) }
    let sum = golden.logDensity.reduce(0, +)
    let density = Gaussian.logLikelihood(
      of: row(golden.x), mean: row(golden.mean), logVariance: row(golden.logVariance))
    #expect(density.shape == [1])
    #expect(abs(Double(density.value) - sum) < 1e-5 * abs(sum))
    for width in [1, 10, 784] {
      let likelihood = Bernoulli.logLikelihood(logits: .zeros([2, width]), targets: .zeros([2, width]))
      #expect(mismatches(likelihood, [Double](repeating: -0.693147180559945 * Double(width), count: 2)) == [])
    }
  }

  @Test("Bernoulli log densities, entropies and divergences agree with the reference") func bernoulli() {
    let golden = book.bernoulli
    let logits = column(golden.logits)
    #expect(
      mismatches(Bernoulli.logLikelihood(logits: logits, targets: column(golden.targets)), golden.logDensity) == [])
    // As a difference of numbers as great as the logit, an entropy has the logit's last digit for its error.
    #expect(mismatches(Bernoulli.entropy(logits: logits), golden.entropy, floor: 10) == [])
    let divergence = Bernoulli.divergence(logits: logits, fromLogits: .zeros(logits.shape))
    #expect(mismatches(divergence, golden.divergenceFromHalf, floor: 10) == [])
  }

  @Test("Categorical log densities, entropies and divergences agree with the reference") func categorical() {
    let golden = book.categorical
    let logits = Tensor(golden.logits.map(Float.init), [4, 4])
    #expect(mismatches(Categorical.logLikelihood(logits: logits, labels: golden.labels), golden.logDensity) == [])
    #expect(mismatches(Categorical.entropy(logits: logits), golden.entropy) == [])
    let divergence = Categorical.divergence(logits: logits, fromLogits: .zeros([4, 4]))
    #expect(mismatches(divergence, golden.divergenceFromUniform) == [])
    let oneHot = Tensor.zeros([4, 4])
    for (row, label) in golden.labels.enumerated() { oneHot.pointer[4 * row + Int(label)] = 1 }
    #expect(mismatches(Categorical.logLikelihood(logits: logits, targets: oneHot), golden.logDensity) == [])
  }

  private func isClose(_ tensor: Tensor, _ expected: [Float]) -> Bool {
    zip(tensor.values, expected).allSatisfy { abs($0 - $1) <= 4 * Float.leastNormalMagnitude }
  }

  /// Numbers at which a probability rounds to 0 or 1: the likelihood and its derivatives stay finite.
  @Test(arguments: [Float(1e4), 1e30])
  func extremesAreFinite(_ size: Float) {
    // Where exp underflows, the kernels may leave the smallest normal number.
    func expect(_ tensor: Tensor, _ wanted: [Float], _ place: SourceLocation = #_sourceLocation) {
      #expect(zip(tensor.values, wanted).allSatisfy { abs($0 - $1) < 1e-37 }, "\(tensor.values)", sourceLocation: place)
    }
    for recorded in [false, true] {
      let tape = Tape()
      let logits = tape.variable(Tensor([size, -size, size, -size], [2, 2]))
      let bernoulli = Bernoulli.logLikelihood(logits: logits, targets: Tensor([0, 1, 1, 0], [2, 2]))
      expect(bernoulli, [-2 * size, 0])
      expect(tape.gradient(of: bernoulli, withRespectTo: [logits], recorded: recorded)[0], [-1, 1, 0, 0])
      let categorical = Categorical.logLikelihood(logits: logits, labels: [1, 0])
      expect(categorical, [-2 * size, 0])
      expect(tape.gradient(of: categorical, withRespectTo: [logits], recorded: recorded)[0], [-1, 1, 0, 0])
    }
  }

  @Test func labelsOutsideTheClassesStop() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Categorical.logLikelihood(logits: .zeros([1, 3]), labels: [3])
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Categorical.logLikelihood(logits: .zeros([2, 3]), labels: [0])
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Gaussian.logLikelihood(of: .zeros([1, 1]), mean: .zeros([1, 1]), variance: 0)
    }
  }

  @Test(arguments: [[0, 3], [3, 0], [0, 0]] as [Shape])
  func nothingHasTheLikelihoodOne(_ shape: Shape) {
    let tape = Tape()
    let x = tape.variable(.zeros(shape))
    let zeros = [Float](repeating: 0, count: shape[0])
    for y in [
      Gaussian.logLikelihood(of: x, mean: x, logVariance: x), Gaussian.logLikelihood(of: x, mean: x, variance: 2),
      Gaussian.standardNormalLogLikelihood(of: x), Gaussian.divergenceFromStandardNormal(mean: x, logVariance: x),
      Gaussian.divergence(mean: x, logVariance: x, fromMean: x, logVariance: x), Gaussian.entropy(logVariance: x),
      Bernoulli.logLikelihood(logits: x, targets: .zeros(shape)), Bernoulli.entropy(logits: x),
    ] {
      #expect(y.values == zeros)
      #expect(tape.gradient(of: y, withRespectTo: [x])[0].shape == shape)
      #expect(tape.gradient(of: y, withRespectTo: [x], recorded: true)[0].shape == shape)
    }
  }
}

@Suite("Divergences")
struct DivergenceTests {
  private func kl(_ q: [Double], _ p: [Double]) -> Double {
    Double(
      Gaussian.divergence(
        mean: column([q[0]]), logVariance: column([q[1]]), fromMean: column([p[0]]), logVariance: column([p[1]])
      ).value)
  }

  /// Among them a prior of variance 4: one that took 4 for the deviation would be found out.
  @Test func equalQuadrature() {
    for golden in book.divergences {
      #expect(abs(kl(golden.q, golden.p) - golden.kl) <= 2e-6 * golden.kl + 1e-9)
      if golden.p == [0, 0] {
        let closed = Gaussian.divergenceFromStandardNormal(
          mean: column([golden.q[0]]), logVariance: column([golden.q[1]]))
        #expect(abs(Double(closed.value) - golden.kl) <= 2e-6 * golden.kl + 1e-9)
      }
    }
  }

  /// KL(q ‖ p) is not KL(p ‖ q): both against 10⁶ samples.
  @Test func areOfTheFirstFromTheSecond() {
    let (q, p) = ((mean: Float(1), logVariance: Float(-1.4)), (mean: Float(-0.5), logVariance: Float(1.2)))
    func sampled(_ q: (mean: Float, logVariance: Float), _ p: (mean: Float, logVariance: Float)) -> (Double, Double) {
      let shape: Shape = [1_000_000, 1]
      let noise = Tensor(uninitialized: shape)
      RandomKey(seed: 20).normal(into: noise.buffer)
      let fill = { (value: Float) in Tensor(repeating: value, shape) }
      let z = Gaussian.sample(mean: fill(q.mean), logVariance: fill(q.logVariance), noise: noise)
      let ratio =
        Gaussian.logLikelihood(of: z, mean: fill(q.mean), logVariance: fill(q.logVariance))
        - Gaussian.logLikelihood(of: z, mean: fill(p.mean), logVariance: fill(p.logVariance))
      let mean = elbo_sum(ratio.pointer, ratio.count) / 1e6
      let variance = elbo_sum_squares(ratio.pointer, ratio.count) / 1e6 - mean * mean
      return (mean, (variance / 1e6).squareRoot())
    }
    func closed(_ q: (mean: Float, logVariance: Float), _ p: (mean: Float, logVariance: Float)) -> Double {
      kl([Double(q.mean), Double(q.logVariance)], [Double(p.mean), Double(p.logVariance)])
    }
    let (forward, forwardError) = sampled(q, p)
    let (backward, backwardError) = sampled(p, q)
    #expect(abs(closed(q, p) - forward) < 5 * forwardError)
    #expect(abs(closed(p, q) - backward) < 5 * backwardError)
    #expect(forwardError < 0.003 && backwardError < 0.03)
    #expect(abs(closed(p, q) - closed(q, p)) > 1)
  }

  /// Exactly 0 of q from itself, and the square law close by, where a difference of densities would be lost.
  @Test func ofADistributionFromItselfAreZero() {
    let x = Tensor([-3, 0.25, 7, -12, 1e-3, 2], [2, 3])
    #expect(Gaussian.divergence(mean: x, logVariance: x, fromMean: x, logVariance: x).values == [0, 0])
    #expect(
      Gaussian.divergenceFromStandardNormal(mean: .zeros([2, 3]), logVariance: .zeros([2, 3])).values == [0, 0])
    #expect(Bernoulli.divergence(logits: x, fromLogits: x).values == [0, 0])
    #expect(Categorical.divergence(logits: x, fromLogits: x).values == [0, 0])
    let step = 1.0 / 1024
    #expect(abs(kl([step, 0], [0, 0]) / (step * step / 2) - 1) < 1e-5)
    #expect(abs(kl([0, step], [0, 0]) / (step * step / 4) - 1) < 1e-3)
  }

  @Test func areNeverNegative() {
    let noise = Tensor(uninitialized: [500, 8])
    RandomKey(seed: 1).normal(into: noise.buffer)
    let (a, b, c, d) = (noise.columns(0..<2), noise.columns(2..<4), noise.columns(4..<6), noise.columns(6..<8))
    #expect(Gaussian.divergence(mean: a, logVariance: b, fromMean: c, logVariance: d).values.allSatisfy { $0 > 0 })
    #expect(Gaussian.divergenceFromStandardNormal(mean: a, logVariance: b).values.allSatisfy { $0 > 0 })
    #expect(Bernoulli.divergence(logits: a, fromLogits: b).values.allSatisfy { $0 > 0 })
    #expect(Categorical.divergence(logits: a * 3, fromLogits: b).values.allSatisfy { $0 > -1e-7 })
  }
}

@Suite("Samples")
struct SampleTests {
  @Test func haveTheirMeanAndVariance() {
    let shape: Shape = [1_000_000]
    let noise = Tensor(uninitialized: shape)
    RandomKey(seed: 7).normal(into: noise.buffer)
    let z = Gaussian.sample(
      mean: Tensor(repeating: 3, shape), logVariance: Tensor(repeating: -1.4, shape), noise: noise)
    let mean = elbo_sum(z.pointer, z.count) / 1e6
    let centred = z - 3
    let variance = elbo_sum_squares(centred.pointer, z.count) / 1e6
    #expect(abs(mean - 3) < 5 * 0.4966 / 1e3)
    #expect(abs(variance - 0.24660) < 5 * 0.2466 * 2.0.squareRoot() / 1e3)
  }

  /// √(log variance) would not be a number.
  @Test func aNegativeLogVarianceIsAFiniteDeviation() {
    let (tape, noise) = (Tape(), Tensor([1, -1], [2]))
    let logVariance = tape.variable(Tensor(repeating: -5, [2]))
    let z = Gaussian.sample(mean: .zeros([2]), logVariance: logVariance, noise: noise)
    #expect(zip(z.values, [0.0820850, -0.0820850]).allSatisfy { abs($0 - $1) < 1e-7 })
    let slope = tape.gradient(of: z, withRespectTo: [logVariance])[0]
    #expect(zip(slope.values, [0.0410425, -0.0410425]).allSatisfy { abs($0 - $1) < 1e-7 })
  }

  @Test func ofBernoullisComeAsOftenAsTheyShould() {
    let noise = Tensor(uninitialized: [100_000, 1])
    RandomKey(seed: 3).uniform(into: noise.buffer)
    for (logit, probability) in [(-1.5 as Float, 0.18242552), (0, 0.5), (2, 0.88079708)] {
      let sample = Bernoulli.sample(logits: Tensor(repeating: logit, noise.shape), noise: noise)
      #expect(sample.values.allSatisfy { $0 == 0 || $0 == 1 })
      let error = (probability * (1 - probability) / 1e5).squareRoot()
      #expect(abs(Double(sample.mean().value) - probability) < 5 * error)
    }
    let edges = Tensor([0, 0.99999994, 0, 0.99999994], [4])
    #expect(Bernoulli.sample(logits: Tensor([-200, 200, 0, 0], [4]), noise: edges).values == [0, 1, 1, 0])
  }

  @Test func ofCategoricalsComeAsOftenAsTheyShould() {
    let (n, logits) = (100_000, [0, 1, -200, 2, -200] as [Float])
    let noise = Tensor(uninitialized: [n])
    RandomKey(seed: 5).uniform(into: noise.buffer)
    let labels = Categorical.sample(logits: Tensor(logits, [1, 5]).repeatingRows(n), noise: noise)
    let probabilities = Tensor(logits, [1, 5]).softmax().values.map(Double.init)
    for (label, probability) in probabilities.enumerated() {
      let share = Double(labels.filter { $0 == label }.count) / Double(n)
      #expect(abs(share - probability) <= 5 * (probability * (1 - probability) / Double(n)).squareRoot())
    }
    // The least and the greatest noise end on the first and the last label that can be.
    let edges = Categorical.sample(
      logits: Tensor([-200, 0, 0, -200], [1, 4]).repeatingRows(2), noise: Tensor([0, 0.99999994], [2]))
    #expect(edges == [1, 2])
  }
}
