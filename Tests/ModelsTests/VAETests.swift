import Datasets
import Foundation
import LinearAlgebra
import Tensors
import Testing
import Training

@Suite struct VAETests {
  /// AEVB, section 2.3: "often" B has the lower variance; on a fresh network it does, for the bound and its gradient.
  @Test func bothEstimatorsAgreeInExpectationAndBVariesLess() throws {
    let data = try imageData(count: 50, width: 30)
    let crew = Crew(lanes: 1)
    let draws = 400
    func sample(_ estimator: String) throws -> (bounds: [Double], gradients: [[Float]]) {
      let learner = try learner(
        "vae", data,
        ["objective.estimator=\(estimator)", "network.hidden=[12]", "network.latent=3", "train.batch=50"])
      var bounds: [Double] = []
      var gradients: [[Float]] = []
      for step in 0..<draws {
        let total = try total(learner, step: step, shards: 1, crew: crew)
        bounds.append(total.metrics["elbo"] / 50)
        gradients.append(numbers(total))
      }
      return (bounds, gradients)
    }
    func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
      let mean = values.reduce(0, +) / Double(values.count)
      return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
    }
    let (a, b) = (try sample("a"), try sample("b"))
    let (boundA, boundB) = (moments(a.bounds), moments(b.bounds))
    let error = ((boundA.variance + boundB.variance) / Double(draws)).squareRoot()
    #expect(abs(boundA.mean - boundB.mean) < 4 * error)
    #expect(boundB.variance < boundA.variance)

    var (spreadA, spreadB, distance, noise) = (0.0, 0.0, 0.0, 0.0)
    for parameter in a.gradients[0].indices {
      let one = moments(a.gradients.map { Double($0[parameter]) })
      let other = moments(b.gradients.map { Double($0[parameter]) })
      spreadA += one.variance
      spreadB += other.variance
      distance += (one.mean - other.mean) * (one.mean - other.mean)
      noise += (one.variance + other.variance) / Double(draws)
    }
    #expect(spreadB < spreadA)
    // The squared distance of the mean gradients is what noise alone makes of it.
    #expect(distance < 1.5 * noise)
  }

  /// A decoder without hidden layers is a factor model x ~ N(b, W Wᵀ + D), whose likelihood is exact.
  @Test func theBoundsOfALinearModelApproachItsExactLikelihood() throws {
    let (width, latent) = (6, 2)
    let data = try gaussianData(count: 20, width: width, test: 20)
    let crew = Crew(lanes: 2)
    var bounds: [Double] = []
    var exact = 0.0
    for samples in [1, 5, 50, 500, 5000] {
      let learner = try learner(
        "vae", data,
        [
          "objective.likelihood=gaussian", "network.hidden=[]", "network.latent=\(latent)", "train.batch=20",
          "evaluate.importance_samples=\(samples)",
        ])
      // Means that are linear in z and variances that are constant, for the likelihood to be a Gaussian's.
      // An encoder that is wrong, yet not so far from the posterior that a few of the importance weights outweigh the rest.
      func small(_ index: Int) -> Double { 0.4 * sin(Double(index)) }
      fill(learner.parameters, "encoder.0.weight", (0..<width * 2 * latent).map { 0.1 * small($0) })
      fill(learner.parameters, "encoder.0.bias", [0, 0, -0.3, -0.3])
      fill(learner.parameters, "decoder.0.weight", (0..<2 * width * latent).map { $0 < width * latent ? small($0) : 0 })
      let metrics = try Evaluation.run(learner, seed: 3, crew: crew)
      exact = try exactLogLikelihood(learner, data.test!.inputs.numbers, width: width, latent: latent)
      bounds.append(metrics["test/iw_log_likelihood"]!)
      #expect(metrics["test/elbo"]! < exact + 0.05)
      #expect(abs(metrics["test/elbo"]! - metrics["test/log_likelihood"]! + metrics["test/kl"]!) < 1e-4)
    }
    for (fewer, more) in zip(bounds, bounds.dropFirst()) { #expect(fewer < more + 0.01) }
    #expect(bounds.last! <= exact + 0.01)
    #expect(exact - bounds.last! < 0.02)
    #expect(exact - bounds[0] > 0.05)
  }

  /// With the exact posterior as encoder every sample's weight is p(x) itself: one sample is as good as a thousand.
  @Test func theExactPosteriorMakesTheBoundTight() throws {
    let data = try gaussianData(count: 20, width: 2, test: 20)
    let learner = try learner(
      "vae", data,
      [
        "objective.likelihood=gaussian", "network.hidden=[]", "network.latent=2", "train.batch=20",
        "evaluate.importance_samples=1",
      ])
    // x = W z + b + noise of variance e⁻¹ with W diagonal, so that the posterior is diagonal as well.
    let (w, variance) = ([1.5, 0.5], exp(-1.0))
    fill(learner.parameters, "decoder.0.weight", [1.5, 0, 0, 0.5, 0, 0, 0, 0])
    fill(learner.parameters, "decoder.0.bias", [0.2, -0.1, -1, -1])
    let precisions = w.map { 1 + $0 * $0 / variance }
    let gains = (0..<2).map { w[$0] / variance / precisions[$0] }
    fill(learner.parameters, "encoder.0.weight", [gains[0], 0, 0, gains[1], 0, 0, 0, 0])
    fill(
      learner.parameters, "encoder.0.bias",
      [-gains[0] * 0.2, gains[1] * 0.1, -log(precisions[0]), -log(precisions[1])])
    let metrics = try Evaluation.run(learner, seed: 3, crew: Crew(lanes: 1))
    let exact = try exactLogLikelihood(learner, data.test!.inputs.numbers, width: 2, latent: 2)
    #expect(abs(metrics["test/iw_log_likelihood"]! - exact) < 1e-4)
  }

  /// Counted in a process of its own: other tests take memory from the same pool.
  @Test func aStepInTheSteadyStateAllocatesNoTensors() async {
    await #expect(processExitsWith: .success) {
      let learner = try learner(
        "vae", try imageData(count: 400, width: 60), ["train.batch=40", "network.hidden=[50]", "optimizer.clip_norm=1"])
      // One lane: how much two lanes hold at the same moment is chance.
      let crew = Crew(lanes: 1)
      let exchange = LocalExchange(learner, shards: 2)
      var cursor = Order.Cursor(Order(learner.order, exampleCount: 400, seed: 0), total: 100)
      func run(_ steps: Range<Int>) throws {
        for number in steps {
          let step = cursor.step(number)
          _ = try learner.absorb(try exchange.sum(of: 0, in: step, crew: crew), phase: 0, of: step, with: crew)
        }
      }
      try run(0..<20)
      let before = MemoryPool.statistics
      try run(20..<100)
      guard MemoryPool.statistics == before else {
        print("before \(before), after \(MemoryPool.statistics)")
        exit(1)
      }
    }
  }

  private func fill(_ buffer: FlatBuffer, _ name: String, _ values: [Double]) {
    let slot = buffer.layout[name]!
    for (index, value) in zip(slot.range, values) { buffer.float32[index] = Float(value) }
  }

  /// Mean over rows of log N(x; b, W Wᵀ + diag(e^c)) of a linear decoder. Its log variances must not depend on z.
  private func exactLogLikelihood(_ learner: any Learner, _ rows: [Float], width: Int, latent: Int) throws -> Double {
    let (weight, bias) = (learner.parameters.layout["decoder.0.weight"]!, learner.parameters.layout["decoder.0.bias"]!)
    let numbers = learner.parameters.float32
    func w(_ row: Int, _ column: Int) -> Double { Double(numbers[weight.offset + row * latent + column]) }
    var covariance = Matrix(rows: width, columns: width)
    for i in 0..<width {
      for j in 0..<width { covariance[i, j] = (0..<latent).reduce(0) { $0 + w(i, $1) * w(j, $1) } }
      covariance[i, i] += exp(Double(numbers[bias.offset + width + i]))
    }
    let factor = try Cholesky(covariance)
    var sum = 0.0
    for row in 0..<rows.count / width {
      let residual = (0..<width).map { Double(rows[row * width + $0]) - Double(numbers[bias.offset + $0]) }
      let whitened = factor.lowerInverse
      let scaled = (0..<width).map { i in (0..<width).reduce(0) { $0 + whitened[i, $1] * residual[$1] } }
      sum += -0.5 * (scaled.reduce(0) { $0 + $1 * $1 } + factor.logDeterminant + Double(width) * log(2 * .pi))
    }
    return sum / Double(rows.count / width)
  }
}
