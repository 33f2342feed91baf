import CKernels
import Foundation
import Testing

@Suite struct StatisticsTests {
  @Test(arguments: Level.all) func bernoulliLikelihoodIsThatOfDoubles(_ level: Level) {
    var numbers = Numbers(31)
    for (rows, cols) in shapes {
      for scale: Float in [4, 200] {
        let logits = numbers.floats(rows * cols, -scale...scale)
        // Grey, black and white pixels.
        let t = (0..<rows * cols).map { _ in min(max(numbers.float(-0.5...1.5), 0), 1) }
        var ll = [Float](repeating: 7, count: rows), residual = [Float](repeating: 7, count: rows * cols), alone = ll
        level.run {
          elbo_bernoulli_ll_rows(logits, t, &ll, &residual, rows, cols)
          elbo_bernoulli_ll_rows(logits, t, &alone, nil, rows, cols)
        }
        #expect(alone.bits == ll.bits)
        for i in 0..<rows {
          var want = 0.0, size = 0.0
          for k in i * cols..<(i + 1) * cols {
            let l = Double(logits[k]), term = Double(t[k]) * l - softplus(l)
            want += term
            size += abs(term)
            #expect(abs(Double(residual[k]) - (Double(t[k]) - 1 / (1 + exp(-l)))) <= 2e-7)
          }
          #expect(abs(Double(ll[i]) - want) <= 2e-7 * size + 1e-35, "\(rows)×\(cols)")
        }
      }
    }
  }

  @Test(arguments: Level.all) func bernoulliLikelihoodOfSureAnswers(_ level: Level) {
    // Right and sure: the tail of the logarithm, not 0 - 0. Wrong and sure: the logit itself.
    let logits: [Float] = [30, -30, 30, -30, 1e30, -1e30, 0]
    let t: [Float] = [1, 0, 0, 1, 1, 0, 0.5]
    let want: [Double] = [-exp(-30), -exp(-30), -30, -30, 0, 0, -log(2)]
    for i in logits.indices {
      var ll: Float = 7
      var residual: Float = 7
      level.run {
        withPointers([[logits[i]], [t[i]]]) { elbo_bernoulli_ll_rows($0[0], $0[1], &ll, &residual, 1, 1) }
      }
      #expect(abs(Double(ll) - want[i]) <= 3e-7 * abs(want[i]) + 2e-38, "\(logits[i])")
      #expect(abs(Double(residual) - (Double(t[i]) - 1 / (1 + exp(-Double(logits[i]))))) <= 1e-7)
    }
  }

  @Test(arguments: Level.all) func gaussianLikelihoodIsThatOfDoubles(_ level: Level) {
    var numbers = Numbers(32)
    for (rows, cols) in shapes {
      let n = rows * cols
      let x = numbers.floats(n), mu = numbers.floats(n), lv = numbers.floats(n, -6...4)
      var ll = [Float](repeating: 7, count: rows), dmu = [Float](repeating: 7, count: n), dlv = dmu, alone = ll
      level.run {
        elbo_gaussian_ll_rows(x, mu, lv, &ll, &dmu, &dlv, rows, cols)
        elbo_gaussian_ll_rows(x, mu, lv, &alone, nil, nil, rows, cols)
        elbo_gaussian_ll_rows(x, mu, lv, nil, &dmu, nil, rows, cols)
      }
      #expect(alone.bits == ll.bits)
      for i in 0..<rows {
        var want = 0.0, size = 0.0
        for k in i * cols..<(i + 1) * cols {
          let d = Double(x[k]) - Double(mu[k]), v = Double(lv[k]), precision = exp(-v)
          want -= 0.5 * (log(2 * Double.pi) + v + d * d * precision)
          size += 1 + abs(v) + d * d * precision
          #expect(abs(Double(dmu[k]) - d * precision) <= 3e-7 * precision * (abs(d) + 1))
          let slope = 0.5 * (d * d * precision - 1)
          #expect(abs(Double(dlv[k]) - slope) <= 5e-7 * (1 + d * d * precision))
        }
        #expect(abs(Double(ll[i]) - want) <= 4e-7 * size, "\(rows)×\(cols)")
      }
    }
  }

  @Test(arguments: Level.all) func gaussianDivergenceIsThatOfDoubles(_ level: Level) {
    var numbers = Numbers(33)
    for (rows, cols) in shapes {
      let n = rows * cols
      let mu = numbers.floats(n), lv = numbers.floats(n, -9...4)
      var kl = [Float](repeating: 7, count: rows), dmu = [Float](repeating: 7, count: n), dlv = dmu, alone = kl
      level.run {
        elbo_gaussian_kl_rows(mu, lv, &kl, &dmu, &dlv, rows, cols)
        elbo_gaussian_kl_rows(mu, lv, &alone, nil, nil, rows, cols)
      }
      #expect(alone.bits == kl.bits)
      #expect(dmu == mu)
      for i in 0..<rows {
        var want = 0.0
        for k in i * cols..<(i + 1) * cols {
          let m = Double(mu[k]), v = Double(lv[k])
          want += 0.5 * (m * m + expm1(v) - v)
          #expect(abs(Double(dlv[k]) - 0.5 * expm1(v)) <= 2e-7 * abs(expm1(v)))
        }
        #expect(abs(Double(kl[i]) - want) <= 3e-7 * want, "\(rows)×\(cols)")
      }
    }
  }

  @Test(arguments: Level.all) func divergenceFromThePriorItselfIsZeroAndNearItKeepsItsDigits(_ level: Level) {
    func kl(_ mu: Float, _ lv: Float) -> Float {
      var y: Float = 7
      level.run { withPointers([[mu], [lv]]) { elbo_gaussian_kl_rows($0[0], $0[1], &y, nil, nil, 1, 1) } }
      return y
    }
    #expect(kl(0, 0) == 0)
    // lv²/4 for a small lv; exp(lv) - 1 - lv from a rounded exponential would be off by 6 %.
    #expect(abs(Double(kl(0, 1e-3)) - 2.5004e-7) < 1e-10)
    #expect(kl(1, 0) == 0.5)
    // N(2, 4) from N(0, 1), closed form: (4 + 4 - 1 - log 4) / 2. The other direction would be 0.8181.
    #expect(abs(Double(kl(2, Float(log(4.0)))) - 2.806852819440055) < 1e-6)
  }

  @Test func levelsWithAFusedMultiplyAddAgree() {
    var numbers = Numbers(34)
    let rows = 5, cols = 131, n = rows * cols
    let x = numbers.floats(n), mu = numbers.floats(n), lv = numbers.floats(n)
    let results = Level.all.filter(\.isFused).map { level in
      level.run { () -> [UInt32] in
        var a = [Float](repeating: 0, count: rows), b = x, c = x, d = a, e = x, f = a, g = x, h = x, p = x, q = a
        elbo_gaussian_ll_rows(x, mu, lv, &a, &b, &c, rows, cols)
        elbo_bernoulli_ll_rows(x, mu, &d, &e, rows, cols)
        elbo_gaussian_kl_rows(mu, lv, &f, &g, &h, rows, cols)
        elbo_softmax_rows(x, &p, rows, cols)
        elbo_logsumexp_rows(x, &q, rows, cols)
        return (a + b + c + d + e + f + g + h + p + q).bits
      }
    }
    #expect(Set(results).count <= 1)
  }
}
