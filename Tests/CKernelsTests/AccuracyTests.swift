import CKernels
import Foundation
import Testing

/// One function of one variable: its kernel, what it should be in double, and the bound that the header states.
struct Function: Sendable, CustomTestStringConvertible {
  let name: String
  let bound: Double
  let kernel: @Sendable (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
  let exact: @Sendable (Double) -> Double

  var testDescription: String { name }

  static let all: [Function] = [
    Function(name: "exp", bound: 1.1, kernel: elbo_exp, exact: { exp($0) }),
    Function(name: "log", bound: 1, kernel: elbo_log, exact: { log($0) }),
    Function(name: "log1p", bound: 1.75, kernel: elbo_log1p, exact: { log1p($0) }),
    Function(name: "expm1", bound: 2, kernel: elbo_expm1, exact: { expm1($0) }),
    Function(name: "tanh", bound: 3, kernel: elbo_tanh, exact: { tanh($0) }),
    Function(name: "sigmoid", bound: 2.5, kernel: elbo_sigmoid, exact: { 1 / (1 + exp(-$0)) }),
    Function(name: "softplus", bound: 2.5, kernel: elbo_softplus, exact: softplus),
    Function(name: "erf", bound: 1.25, kernel: elbo_erf, exact: { erf($0) }),
    Function(name: "sin", bound: 1.75, kernel: elbo_sin, exact: { sin($0) }),
    Function(name: "cos", bound: 1.75, kernel: elbo_cos, exact: { cos($0) }),
    Function(name: "sqrt", bound: 0.5, kernel: elbo_sqrt, exact: { $0.squareRoot() }),
    Function(name: "rsqrt", bound: 1.5, kernel: elbo_rsqrt, exact: { 1 / $0.squareRoot() }),
    Function(name: "reciprocal", bound: 0.5, kernel: elbo_reciprocal, exact: { 1 / $0 }),
    Function(name: "square", bound: 0.5, kernel: elbo_square, exact: { $0 * $0 }),
  ]
}

func softplus(_ x: Double) -> Double {
  x.isNaN ? x : max(x, 0) + log1p(exp(-abs(x)))
}

@Suite struct AccuracyTests {
  /// Every 499th bit pattern, or as many as ELBO_ACCURACY_STRIDE says (1 for all): of all signs, exponents, NaNs.
  static let stride = UInt64(ProcessInfo.processInfo.environment["ELBO_ACCURACY_STRIDE"] ?? "") ?? 499

  @Test(arguments: Function.all) func staysWithinItsBoundOverAllFloats(_ function: Function) {
    var worst = Level.all.map { _ in (error: 0.0, at: Float(0)) }
    let block = 4096
    var x = [Float](repeating: 0, count: block)
    var y = x
    var exact = [Double](repeating: 0, count: block)
    var pattern: UInt64 = 0
    while pattern < 1 << 32 {
      for i in 0..<block {
        x[i] = Float(bitPattern: UInt32(truncatingIfNeeded: pattern))
        exact[i] = function.exact(Double(x[i]))
        pattern += Self.stride
      }
      for (index, level) in Level.all.enumerated() {
        level.run { function.kernel(x, &y, block) }
        for i in 0..<block {
          let error = ulps(y[i], from: exact[i])
          if error > worst[index].error { worst[index] = (error, x[i]) }
        }
      }
    }
    for (level, worst) in zip(Level.all, worst) {
      #expect(
        worst.error <= function.bound, "\(function.name), \(level.name): \(worst.error) ulp at \(worst.at)")
      if ProcessInfo.processInfo.environment["ELBO_ACCURACY_REPORT"] != nil {
        print("accuracy", function.name, level.name, worst.error, "at", worst.at)
      }
    }
  }

  @Test(arguments: Level.all) func edgesAreExact(_ level: Level) {
    func check(_ name: String, _ x: Float, _ want: Float, _ line: Int = #line) {
      let function = Function.all.first { $0.name == name }!
      var y: Float = -7
      level.run { withUnsafePointer(to: x) { function.kernel($0, &y, 1) } }
      #expect(
        y.bitPattern == want.bitPattern || (y.isNaN && want.isNaN), "\(name)(\(x)) = \(y), not \(want), line \(line)")
    }
    let inf = Float.infinity
    for name in Function.all.map(\.name) { check(name, .nan, .nan) }
    for name in ["log1p", "expm1", "tanh", "erf", "sin", "sqrt"] {
      check(name, 0, 0)
      check(name, -0.0, -0.0)
    }
    for bits: UInt32 in [1, 0x8000_0001, 0x000c_0000, 0x807f_ffff, 0x0080_0000] {
      let x = Float(bitPattern: bits)  // denormals, and the smallest normal
      for name in ["log1p", "expm1", "tanh", "sin"] { check(name, x, x) }
    }
    check("exp", 0, 1)
    check("exp", -0.0, 1)
    check("exp", inf, inf)
    check("exp", -inf, 0)
    check("exp", 88.72284, inf)
    check("exp", 0x1.62e42ep+6, 0x1.ffff08p+127)
    check("exp", -104, 0)
    check("exp", -103.97, 0x1p-149)
    check("log", 0, -inf)
    check("log", -0.0, -inf)
    check("log", 1, 0)
    check("log", inf, inf)
    check("log", -1, .nan)
    check("log", -inf, .nan)
    check("log", -0x1p-149, .nan)
    check("log1p", -1, -inf)
    check("log1p", -1.5, .nan)
    check("log1p", inf, inf)
    check("log1p", -inf, .nan)
    check("expm1", inf, inf)
    check("expm1", -inf, -1)
    check("expm1", -20, -1)
    check("tanh", inf, 1)
    check("tanh", -inf, -1)
    check("tanh", 10, 1)
    check("sigmoid", inf, 1)
    check("sigmoid", -inf, 0)
    check("sigmoid", 0, 0.5)
    check("sigmoid", 100, 1)
    check("softplus", inf, inf)
    check("softplus", -inf, 0)
    check("softplus", 100, 100)
    check("softplus", 1e30, 1e30)
    check("softplus", -103.9, 0x1p-149)
    check("erf", inf, 1)
    check("erf", -inf, -1)
    check("erf", 5, 1)
    check("sin", inf, .nan)
    check("cos", -inf, .nan)
    check("cos", 0, 1)
    check("sqrt", -1, .nan)
    check("rsqrt", 0, inf)
    check("rsqrt", inf, 0)
    check("rsqrt", 4, 0.5)
    check("reciprocal", -0.0, -inf)
  }

  @Test(arguments: Function.all) func levelsWithAFusedMultiplyAddAgreeInEveryBit(_ function: Function) {
    let fused = Level.all.filter(\.isFused)
    var x = [Float](), pattern: UInt64 = 0
    while pattern < 1 << 32 {
      x.append(Float(bitPattern: UInt32(truncatingIfNeeded: pattern)))
      pattern += 7919
    }
    let results = fused.map { level in
      var y = x
      level.run { function.kernel(x, &y, x.count) }
      return y
    }
    for (level, y) in zip(fused, results) {
      let differing = zip(x, zip(y, results[0])).first { pair in
        let (a, b) = pair.1
        return a.bitPattern != b.bitPattern && !(a.isNaN && b.isNaN)
      }
      #expect(differing == nil, "\(function.name), \(level.name)")
    }
  }
}
