import CKernels
import Foundation
import Testing

@Suite("Draws and updates of posteriors") struct PosteriorTests {
  private static let counts = [0, 1, 7, 33, 1000, 3001]

  @Test(arguments: Level.all) func aDrawIsMeanAndDeviation(_ level: Level) {
    var numbers = Numbers(41)
    for n in Self.counts {
      let mean = numbers.floats(n), precision = numbers.floats(n, 0.1...1e6)
      var noise = [Float](repeating: 0, count: n), draw = noise
      level.run {
        elbo_philox_normal(7, 1, 2, 3, 5, &noise, n)
        elbo_gaussian_sample(mean, precision, 7, 1, 2, 3, 5, &draw, n)
      }
      for i in 0..<n {
        let want = Double(mean[i]) + Double(noise[i]) / Double(precision[i]).squareRoot()
        #expect(abs(Double(draw[i]) - want) <= 4e-7 * (abs(Double(mean[i])) + abs(want) + 1e-3))
      }
    }
  }

  /// The recursion of h as the paper has it, in double precision, for steps that follow one another.
  @Test(arguments: Level.all) func ivonIsThatOfThePaper(_ level: Level) {
    let (examples, delta, forget, beta1, lr, scale) = (500.0, 2e-3, 0.05, 0.9, 0.1, Float(0.25))
    for n in Self.counts {
      var numbers = Numbers(43)
      var mean = numbers.floats(n), h = (0..<n).map { _ in Double(numbers.float(0.01...2)) }
      var precision = h.map { Float(examples * ($0 + delta)) }, momentum = [Float](repeating: 0, count: n)
      var m = mean.map(Double.init), g = [Double](repeating: 0, count: n)
      for t in 1...5 {
        let gradient = numbers.floats(n), noise = numbers.floats(n)
        let w = (0..<n).map { mean[$0] + noise[$0] / precision[$0].squareRoot() }
        let bias = 1 - pow(beta1, Double(t))
        for i in 0..<n {
          let gbar = Double(scale * gradient[i])
          let f = examples * (h[i] + delta) * gbar * (Double(w[i]) - Double(mean[i]))
          g[i] = beta1 * g[i] + (1 - beta1) * gbar
          h[i] = (1 - forget) * h[i] + forget * f + 0.5 * forget * forget * (h[i] - f) * (h[i] - f) / (h[i] + delta)
          let step = (g[i] / bias + delta * m[i]) / (h[i] + delta)
          m[i] -= lr * 0.3 * min(max(step, -2), 2)
        }
        var step = elbo_ivon_step(
          lr: lr, beta1: beta1, bias1: bias, forget: forget, examples: examples, prior: examples * delta, unit: 0.3,
          clip: 2)
        level.run { elbo_ivon(&mean, &precision, &momentum, w, gradient, &step, scale, n) }
        for i in 0..<n {
          #expect(abs(Double(precision[i]) / (examples * (h[i] + delta)) - 1) < 2e-5)
          #expect(abs(Double(mean[i]) - m[i]) < 2e-5)
        }
      }
    }
  }

  /// h' + δ is at least half of h + δ, whatever the gradient (Shen et al. 2024, section 3.1).
  @Test(arguments: Level.all) func precisionsStayPositive(_ level: Level) {
    var numbers = Numbers(47)
    let n = 4096
    var precision = (0..<n).map { _ in expf(numbers.float(-12...12)) }
    var mean = numbers.floats(n), momentum = [Float](repeating: 0, count: n)
    for _ in 0..<50 {
      let before = precision
      let gradient = (0..<n).map { _ in numbers.float(-1...1) * expf(numbers.float(-10...5)) }
      let w = (0..<n).map { mean[$0] + numbers.float(-3...3) / precision[$0].squareRoot() }
      var step = elbo_ivon_step(
        lr: 1e-3, beta1: 0.9, bias1: 1, forget: 0.1, examples: 1000, prior: 2, unit: 0.1, clip: .infinity)
      level.run { elbo_ivon(&mean, &precision, &momentum, w, gradient, &step, 1, n) }
      for i in 0..<n where precision[i].isFinite {
        #expect(precision[i] >= 0.499999 * before[i])
      }
    }
  }

  @Test(arguments: Level.all) func langevinIsFrictionGradientAndNoise(_ level: Level) {
    let (lr, keep, decay, deviation, scale) = (0.02, 0.9, 0.3, 0.05, Float(0.5))
    for n in Self.counts {
      for isNoisy in [true, false] {
        var numbers = Numbers(53)
        let start = numbers.floats(n), velocity = numbers.floats(n), gradient = numbers.floats(n)
        var (w, v, noise) = (start, velocity, [Float](repeating: 0, count: n))
        var step = elbo_langevin_step(lr: lr, keep: keep, decay: decay, deviation: isNoisy ? deviation : 0)
        level.run {
          elbo_philox_normal(9, 4, 5, 6, 3, &noise, n)
          elbo_langevin(&w, &v, gradient, 9, 4, 5, 6, 3, &step, scale, n)
        }
        for i in 0..<n {
          let slope = Double(scale) * Double(gradient[i]) + decay * Double(start[i])
          let want = keep * Double(velocity[i]) - lr * slope + (isNoisy ? deviation * Double(noise[i]) : 0)
          #expect(abs(Double(v[i]) - want) < 1e-6)
          #expect(abs(Double(w[i]) - Double(start[i]) - want) < 1e-6)
        }
      }
    }
  }

  /// The bits of an element depend on its place in the stream alone.
  @Test(arguments: Level.all) func partsAreTheWhole(_ level: Level) {
    var numbers = Numbers(59)
    let n = 2000, precision = numbers.floats(n, 1...9), gradient = numbers.floats(n)
    let start = numbers.floats(n)
    var step = elbo_langevin_step(lr: 0.1, keep: 0.5, decay: 0.1, deviation: 1)
    var draw = start, w = start, v = start
    var (drawnInParts, wInParts, vInParts) = (start, start, start)
    level.run {
      elbo_gaussian_sample(start, precision, 1, 2, 3, 4, 0, &draw, n)
      elbo_langevin(&w, &v, gradient, 1, 2, 3, 4, 0, &step, 1, n)
      for (first, end) in [(0, 333), (333, 1024), (1024, n)] {
        let count = end - first
        drawnInParts.withUnsafeMutableBufferPointer {
          elbo_gaussian_sample(
            Array(start[first..<end]), Array(precision[first..<end]), 1, 2, 3, 4, UInt64(first),
            $0.baseAddress! + first,
            count)
        }
        wInParts.withUnsafeMutableBufferPointer { w in
          vInParts.withUnsafeMutableBufferPointer { v in
            elbo_langevin(
              w.baseAddress! + first, v.baseAddress! + first, Array(gradient[first..<end]), 1, 2, 3, 4, UInt64(first),
              &step, 1, count)
          }
        }
      }
    }
    #expect(draw.bits == drawnInParts.bits)
    #expect(w.bits == wInParts.bits && v.bits == vInParts.bits)
  }
}
