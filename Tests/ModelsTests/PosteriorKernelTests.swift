import CKernels
import Foundation
import ReferenceSupport
import Testing

/// One instruction set after the other; a selection holds for the thread.
private func onEveryLevel(_ body: (String) throws -> Void) rethrows {
  for level in 0..<3 as Range<Int32> where elbo_kernels_select(level) == 0 {
    defer { elbo_kernels_select(-1) }
    try body(String(cString: elbo_kernels_name()))
  }
}

/// Numbers in memory of their own.
private final class Numbers {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  init(_ values: [Float]) {
    count = values.count
    start = .allocate(capacity: count)
    start.initialize(from: values, count: count)
  }

  deinit { start.deallocate() }

  var values: [Float] { Array(UnsafeBufferPointer(start: start, count: count)) }
}

@Suite("Kernels of weights with a posterior") struct PosteriorKernelTests {
  static let golden = Golden("posterior")
  static func floats(_ key: String) -> [Float] { golden[key].doubles.map { Float($0) } }

  static let priors: [(String, elbo_prior)] = [
    ("gaussian", elbo_prior(kind: Int32(ELBO_PRIOR_GAUSSIAN), scale: 0.3, scale2: 0, share: 0)),
    ("laplace", elbo_prior(kind: Int32(ELBO_PRIOR_LAPLACE), scale: 0.2, scale2: 0, share: 0)),
    ("mixture", elbo_prior(kind: Int32(ELBO_PRIOR_MIXTURE), scale: 1, scale2: 0.05, share: 0.25)),
  ]

  let mu = floats("mu")
  let rho = floats("rho")
  let w = floats("w")
  let g = floats("g")
  let scale = Float(golden["scale"].double)
  let cost = Float(golden["cost"].double)

  /// The largest difference relative to each number's own magnitude, but not below that of its cancelling parts.
  private func difference(_ values: [Float], _ exact: [Double]) -> Double {
    zip(values, exact).map { abs(Double($0) - $1) / max(abs($1), 0.1) }.max()!
  }

  @Test func gradientsEqualPyTorchs() {
    onEveryLevel { level in
      for (name, prior) in Self.priors {
        var prior = prior
        var dmu = [Float](repeating: .nan, count: mu.count)
        var drho = dmu
        elbo_posterior_gradient(mu, rho, w, w, g, nil, scale, cost, &prior, &dmu, &drho, mu.count)
        #expect(difference(dmu, Self.golden[name]["dmu"].doubles) < 2e-5, "\(level) \(name)")
        #expect(difference(drho, Self.golden[name]["drho"].doubles) < 2e-5, "\(level) \(name)")

        // The same from the sums that a shard's draw gives.
        var a = g
        var b = [Float](repeating: .nan, count: mu.count)
        elbo_posterior_share(mu, w, g, cost / scale, &prior, &a, &b, mu.count)
        elbo_posterior_gradient(mu, rho, nil, nil, a, b, scale, cost, nil, &dmu, &drho, mu.count)
        #expect(difference(dmu, Self.golden[name]["dmu"].doubles) < 2e-5, "\(level) \(name), pairs")
        #expect(difference(drho, Self.golden[name]["drho"].doubles) < 2e-5, "\(level) \(name), pairs")
      }
      var prior = Self.priors[0].1
      var dmu = [Float](repeating: .nan, count: mu.count)
      var drho = dmu
      elbo_posterior_gradient(mu, rho, w, nil, g, nil, scale, cost, &prior, &dmu, &drho, mu.count)
      #expect(difference(dmu, Self.golden["closed"]["dmu"].doubles) < 2e-5, "\(level) closed")
      #expect(difference(drho, Self.golden["closed"]["drho"].doubles) < 2e-5, "\(level) closed")
      let kl = elbo_posterior_kl(mu, rho, 0.3, mu.count)
      #expect(relativeDifference(kl, Self.golden["closed"]["kl"].double) < 1e-6, "\(level)")
    }
  }

  @Test func fusedAdamEqualsGradientThenAdam() {
    onEveryLevel { level in
      for (name, prior) in Self.priors {
        for isClosed in name == "gaussian" ? [false, true] : [false] {
          for hasPairs in [false, true] {
            var prior = prior
            let n = mu.count
            let m = (0..<n).map { Float($0) * 1e-3 - 0.02 }
            let v = (0..<n).map { Float($0) * 1e-4 }
            let b = hasPairs ? zip(g, mu).map { $0 * $1 } : nil
            var dmu = [Float](repeating: 0, count: n)
            var drho = dmu
            elbo_posterior_gradient(mu, rho, w, isClosed ? nil : w, g, b, scale, cost, &prior, &dmu, &drho, n)
            var (wantMu, wantRho, m1, v1, m2, v2) = (mu, rho, m, v, m, v)
            let step = elbo_adam_step(
              lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, bias1: 0.19, bias2: 0.002, weight_decay: 0.3, decoupled: 1)
            elbo_adam(&wantMu, dmu, &m1, &v1, 0.01, 0.9, 0.999, 1e-8, 0.19, 0.002, 0.3, 1, 1, n)
            elbo_adam(&wantRho, drho, &m2, &v2, 0.01, 0.9, 0.999, 1e-8, 0.19, 0.002, 0, 1, 1, n)

            // In two parts that are no whole vectors, so that body and tail must agree.
            let got = [mu, rho, m, v, m, v].map(Numbers.init)
            let inputs = [w, g, b ?? g].map(Numbers.init)
            var adam = step
            for part in [0..<23, 23..<n] {
              let (to, from) = (got.map { $0.start + part.lowerBound }, inputs.map { $0.start + part.lowerBound })
              elbo_posterior_adam(
                to[0], to[1], from[0], isClosed ? nil : from[0], from[1], hasPairs ? from[2] : nil, scale, cost, &prior,
                to[2], to[3], to[4], to[5], &adam, part.count)
            }
            let label = "\(level) \(name) closed \(isClosed) pairs \(hasPairs)"
            #expect(got.map(\.values) == [wantMu, wantRho, m1, v1, m2, v2], "\(label)")
          }
        }
      }
    }
  }

  @Test func decayIsTheMeansAlone() {
    var (mu, rho) = ([Float](repeating: 1, count: 5), [Float](repeating: -3, count: 5))
    let draw = mu
    let zeros = [Float](repeating: 0, count: 5)
    var (m1, v1, m2, v2) = (zeros, zeros, zeros, zeros)
    for decoupled in [0, 1] as [Int32] {
      var step = elbo_adam_step(
        lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, bias1: 0.1, bias2: 0.001, weight_decay: 0.5, decoupled: decoupled)
      elbo_posterior_adam(&mu, &rho, draw, nil, zeros, nil, 1, 0, nil, &m1, &v1, &m2, &v2, &step, 5)
    }
    #expect(rho == [Float](repeating: -3, count: 5))
    #expect(mu.allSatisfy { $0 < 0.96 })
  }

  /// Draws and their sums on every level, against densities in double.
  @Test func sampleSumsLogDensities() {
    onEveryLevel { level in
      for (name, prior) in Self.priors {
        var prior = prior
        let n = 2000
        var generator = SplitMix64(seed: 1)
        let mu = (0..<n).map { _ in Float.random(in: -1...1, using: &generator) }
        let rho = (0..<n).map { _ in Float.random(in: -9...2, using: &generator) }
        var noise = [Float](repeating: 0, count: n)
        elbo_philox_normal(7, 1, 2, 3, 0, &noise, n)
        var w = [Float](repeating: .nan, count: n)
        let sum = elbo_posterior_sample(mu, rho, 7, 1, 2, 3, 0, &prior, &w, n)
        var (exact, offset) = (0.0, 0.0)
        for i in 0..<n {
          let sigma = log1p(exp(-abs(Double(rho[i])))) + max(Double(rho[i]), 0)
          let weight = Double(mu[i]) + sigma * Double(noise[i])
          offset = max(offset, abs(weight - Double(w[i])))
          exact += -log(sigma) - 0.5 * Double(noise[i]) * Double(noise[i]) - 0.5 * log(2 * .pi)
          exact -= logPrior(name, weight)
        }
        #expect(offset < 1e-6, "\(level) \(name)")
        #expect(relativeDifference(sum, exact) < 1e-6, "\(level) \(name): \(sum) and \(exact)")
        // A range that starts elsewhere draws the same weights.
        var part = [Float](repeating: .nan, count: 100)
        _ = elbo_posterior_sample(Array(mu[333...]), Array(rho[333...]), 7, 1, 2, 3, 333, nil, &part, 100)
        #expect(part == Array(w[333..<433]), "\(level)")
      }
    }
  }

  private func logPrior(_ name: String, _ w: Double) -> Double {
    func normal(_ s: Double) -> Double { -0.5 * log(2 * .pi) - log(s) - w * w / (2 * s * s) }
    switch name {
    case "gaussian": return normal(Double(Float(0.3)))
    case "laplace": return -abs(w) / Double(Float(0.2)) - log(2 * Double(Float(0.2)))
    default:
      let (a, b) = (normal(1) + log(0.25), normal(Double(Float(0.05))) + log(0.75))
      return max(a, b) + log1p(exp(-abs(a - b)))
    }
  }

  @Test func posteriorEqualToThePriorCostsNothing() {
    let rho = Float(log(expm1(0.3)))
    var prior = Self.priors[0].1
    var w = [Float](repeating: 0, count: 1000)
    let mu = w
    let sum = elbo_posterior_sample(mu, [Float](repeating: rho, count: 1000), 1, 1, 1, 1, 0, &prior, &w, 1000)
    #expect(abs(sum) < 1e-3)  // a sum of 1000 cancelling terms
    #expect(abs(elbo_posterior_kl(mu, [Float](repeating: rho, count: 1000), 0.3, 1000)) < 1e-3)
  }

  @Test func closedFormIsTheMeanOfSamples() {
    // Asymmetric, so that KL(p ‖ q) would be another number; the prior's scale is a deviation: N(0, 4).
    let (n, mean, sigma, scale) = (1_000_000, Float(0.7), 0.4, 2.0)
    var prior = elbo_prior(kind: Int32(ELBO_PRIOR_GAUSSIAN), scale: Float(scale), scale2: 0, share: 0)
    var w = [Float](repeating: 0, count: n)
    let mu = [Float](repeating: mean, count: n)
    let rho = [Float](repeating: Float(log(expm1(sigma))), count: n)
    let sampled = elbo_posterior_sample(mu, rho, 5, 1, 1, 1, 0, &prior, &w, n) / Double(n)
    let closed = elbo_posterior_kl(mu, rho, Float(scale), n) / Double(n)
    let exact = log(scale / sigma) + (sigma * sigma + 0.49) / (2 * scale * scale) - 0.5
    #expect(abs(closed - exact) < 1e-6)
    // The standard deviation of one term is about 0.7.
    #expect(abs(sampled - exact) < 4e-3)
  }

  /// Deviations above log 2 have other formulas: a weight's bits do not depend on whether its neighbours take them.
  @Test func aLargeDeviationLeavesItsNeighboursAlone() {
    onEveryLevel { level in
      let n = 70
      var prior = Self.priors[2].1
      var generator = SplitMix64(seed: 3)
      let mu = (0..<n).map { _ in Float.random(in: -1...1, using: &generator) }
      let rho = (0..<n).map { _ in Float.random(in: -9 ... -0.1, using: &generator) }
      func bits(_ rho: [Float]) -> [[UInt32]] {
        var (w, dmu, drho) = (mu, mu, mu)
        _ = elbo_posterior_sample(mu, rho, 1, 1, 1, 1, 0, &prior, &w, n)
        elbo_posterior_gradient(mu, rho, w, w, mu, nil, 1, 0.1, &prior, &dmu, &drho, n)
        return [w, dmu, drho].map { $0.map(\.bitPattern) }
      }
      let plain = bits(rho)
      for place in [0, 13, 40, 69] {
        var changed = rho
        changed[place] = 1.5
        for (got, want) in zip(bits(changed), plain) {
          for i in 0..<n where i != place { #expect(got[i] == want[i], "\(level), \(i) beside \(place)") }
        }
      }
    }
  }

  @Test func farOutAndAtTheEndsOfRho() {
    var prior = elbo_prior(kind: Int32(ELBO_PRIOR_MIXTURE), scale: 1, scale2: 0.0025, share: 0.5)
    let mu: [Float] = [50, 0.125, 0, 0]
    let rho: [Float] = [-100, -100, 100, -100]
    var (w, dmu, drho) = (
      [Float](repeating: .nan, count: 4), [Float](repeating: .nan, count: 4), [Float](repeating: .nan, count: 4)
    )
    #expect(elbo_posterior_sample(mu, rho, 1, 1, 1, 1, 0, &prior, &w, 4).isFinite)
    #expect(w[0] == 50 && w[1] == 0.125 && abs(w[2]) < 1000)
    elbo_posterior_gradient(mu, rho, w, w, [0, 0, 0, 0], nil, 1, 1, &prior, &dmu, &drho, 4)
    #expect(dmu.allSatisfy(\.isFinite) && drho.allSatisfy(\.isFinite))
    #expect(abs(dmu[0] - 50) < 1e-4)  // w / wide²: the wide part is all there is
    #expect(abs(dmu[1] - 0.125) < 1e-4)  // 50 narrow deviations out
    #expect(drho[1] == -1)  // −σ'/σ, which tends to −1
    var variance = [Float](repeating: .nan, count: 4)
    elbo_posterior_variance(rho, &variance, 4)
    #expect(variance[2] == 10_000 && variance[0] >= 0 && variance[0] < 1e-30)
  }
}
