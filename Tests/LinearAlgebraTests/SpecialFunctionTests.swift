import LinearAlgebra
import ReferenceSupport
import Testing

private let golden = Golden("special-functions")

/// The largest |f − reference| / max(|reference|, floor) over a table: `floor` is 1 where the function has a root.
private func largestError(_ name: String, floor: Double = 0, _ f: ([Double]) -> Double) -> Double {
  let table = golden[name]
  return zip(table["arguments"].list.map(\.doubles), table["values"].doubles).map { arguments, expected in
    let value = f(arguments)
    if value == expected { return 0 }
    let error = abs(value - expected) / max(abs(expected), floor)
    return error.isNaN ? .infinity : error
  }.max()!
}

@Suite struct SpecialFunctionTests {
  @Test func gammaFunctions() {
    #expect(largestError("digamma", floor: 1) { digamma($0[0]) } < 3e-15)
    #expect(largestError("trigamma") { trigamma($0[0]) } < 1e-15)
    #expect(largestError("polygamma") { polygamma(Int($0[0]), $0[1]) } < 1e-13)
    #expect(largestError("logGamma", floor: 1) { logGamma($0[0]) } < 1e-15)
    #expect(largestError("logBeta") { logBeta($0[0], $0[1]) } < 1e-14)
    #expect(largestError("logMultivariateGamma") { logMultivariateGamma($0[0], dimension: 4) } < 1e-14)
    #expect(abs(logMultivariateBeta([2, 3]) - logBeta(2, 3)) < 1e-15)
  }

  @Test func polesAndWrongArguments() {
    #expect(digamma(0).isNaN && digamma(-2).isNaN)
    #expect(trigamma(0).isNaN && polygamma(2, 0).isNaN)
    #expect(logGamma(0) == .infinity)
    #expect(normalQuantile(-0.1).isNaN && normalQuantile(1.1).isNaN && normalQuantile(.nan).isNaN)
    #expect(regularizedGamma(0, 1).lower.isNaN && regularizedBeta(1, -1, 0.5).lower.isNaN)
    #expect(betaQuantile(2, 1, 1).isNaN && gammaQuantile(-1, shape: 1).isNaN && studentTQuantile(7, degrees: 1).isNaN)
  }

  @Test func incompleteFunctions() {
    #expect(largestError("gammaLower") { regularizedGamma($0[0], $0[1]).lower } < 1e-12)
    #expect(largestError("gammaUpper") { regularizedGamma($0[0], $0[1]).upper } < 1e-12)
    #expect(largestError("betaLower") { regularizedBeta($0[0], $0[1], $0[2]).lower } < 1e-12)
    #expect(largestError("betaUpper") { regularizedBeta($0[0], $0[1], $0[2]).upper } < 1e-12)
    #expect(regularizedGamma(2, 0) == (0, 1) && regularizedGamma(2, .infinity) == (1, 0))
    #expect(regularizedBeta(2, 3, 0) == (0, 1) && regularizedBeta(2, 3, 1) == (1, 0))
  }

  @Test func normalDistribution() {
    #expect(largestError("normalCDF") { normalCDF($0[0]) } < 1e-13)
    #expect(largestError("logNormalCDF") { logNormalCDF($0[0]) } < 1e-13)
    #expect(largestError("normalQuantile") { normalQuantile($0[0]) } < 1e-15)
    #expect(normalQuantile(0) == -.infinity && normalQuantile(1) == .infinity)
  }

  @Test func studentT() {
    #expect(largestError("studentTLogDensity") { studentTLogDensity($0[0], degrees: $0[1]) } < 1e-13)
    #expect(largestError("studentTCDF") { studentTCDF($0[0], degrees: $0[1]) } < 1e-12)
    #expect(studentTCDF(-.infinity, degrees: 3) == 0 && studentTCDF(.infinity, degrees: 3) == 1)
    let shifted = studentTLogDensity(7, degrees: 3, location: 1, scale: 2)
    #expect(abs(shifted - (studentTLogDensity(3, degrees: 3) - 0.6931471805599453)) < 1e-15)
  }

  @Test func quantilesInvertTheirDistributionFunctions() {
    for p in [1e-9, 1e-3, 0.2, 0.5, 0.8, 0.999] {
      for a in [0.3, 1, 7.5, 400, 1e5] {
        #expect(abs(regularizedGamma(a, gammaQuantile(p, shape: a)).lower - p) < 1e-11 * p + 1e-14)
        for b in [0.5, 2, 90] {
          // Near one, a step of one unit in the last place of x is itself visible.
          let x = betaQuantile(p, a, b)
          let step = regularizedBeta(a, b, x.nextUp).lower - regularizedBeta(a, b, x.nextDown).lower
          #expect(abs(regularizedBeta(a, b, x).lower - p) < 1e-11 + step)
        }
      }
      for degrees in [0.7, 1, 3, 40, 1e5] {
        #expect(abs(studentTCDF(studentTQuantile(p, degrees: degrees), degrees: degrees) - p) < 1e-13)
      }
    }
  }

  @Test func logSumExpNeitherOverflowsNorLosesInfinities() {
    #expect(logSumExp([1000, 1000]) == 1000 + logSumExp([0, 0]))
    #expect(logSumExp([-.infinity, -.infinity]) == -.infinity)
    #expect(logSumExp([Double]()) == -.infinity)
    #expect(logSumExp([1, .infinity]) == .infinity)
  }

  @Test func sigmoidAndSoftplusAtTheirEnds() {
    #expect(sigmoid(-800) == 0 && sigmoid(800) == 1 && sigmoid(0) == 0.5)
    #expect(softplus(-800) == 0 && softplus(800) == 800)
    #expect(abs(softplus(1) - 1.3132616875182228) < 1e-15)
  }
}
