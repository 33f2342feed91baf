import CKernels
import Foundation
import Testing

/// A kernel of up to three inputs and one output, all of n elements, for the tests that hold for each of them.
struct Elementwise: Sendable, CustomTestStringConvertible {
  typealias Input = UnsafePointer<Float>
  let name: String
  let inputs: Int
  let range: ClosedRange<Float>
  let run: @Sendable ([Input], UnsafeMutablePointer<Float>, Int) -> Void

  var testDescription: String { name }

  private static func unary(
    _ name: String, over range: ClosedRange<Float> = -5...5,
    _ kernel: @escaping @Sendable (Input?, UnsafeMutablePointer<Float>?, Int) -> Void
  ) -> Elementwise {
    Elementwise(name: name, inputs: 1, range: range) { x, y, n in kernel(x[0], y, n) }
  }

  private static func binary(
    _ name: String, _ kernel: @escaping @Sendable (Input?, Input?, UnsafeMutablePointer<Float>?, Int) -> Void
  ) -> Elementwise {
    Elementwise(name: name, inputs: 2, range: -3...3) { x, y, n in kernel(x[0], x[1], y, n) }
  }

  static let all: [Elementwise] = [
    unary("exp", elbo_exp), unary("log", over: 0.1...9, elbo_log), unary("log1p", over: -0.9...9, elbo_log1p),
    unary("expm1", elbo_expm1), unary("tanh", elbo_tanh), unary("sigmoid", elbo_sigmoid),
    unary("softplus", elbo_softplus), unary("relu", elbo_relu), unary("erf", elbo_erf),
    unary("sqrt", over: 0...9, elbo_sqrt), unary("rsqrt", over: 0.1...9, elbo_rsqrt), unary("square", elbo_square),
    unary("reciprocal", elbo_reciprocal), unary("neg", elbo_neg), unary("abs", elbo_abs), unary("sin", elbo_sin),
    unary("cos", elbo_cos), unary("step", elbo_step), unary("sign", elbo_sign),
    unary("leaky_relu") { elbo_leaky_relu($0, 0.1, $1, $2) },
    unary("scale") { elbo_scale($0, 1.7, $1, $2) }, unary("add_scalar") { elbo_add_scalar($0, 1.7, $1, $2) },
    unary("clamp") { elbo_clamp($0, -1, 2, $1, $2) },
    unary("fill") { elbo_fill(2.5, $1, $2) },
    binary("tanh_grad", elbo_tanh_grad), binary("sigmoid_grad", elbo_sigmoid_grad),
    binary("relu_grad", elbo_relu_grad), binary("softplus_grad", elbo_softplus_grad),
    binary("leaky_relu_grad") { elbo_leaky_relu_grad($0, 0.1, $1, $2, $3) },
    binary("add", elbo_add), binary("sub", elbo_sub), binary("mul", elbo_mul), binary("div", elbo_div),
    binary("max", elbo_max), binary("min", elbo_min), binary("greater", elbo_greater),
    Elementwise(name: "fma", inputs: 3, range: -3...3) { x, y, n in elbo_fma(x[0], x[1], x[2], y, n) },
    Elementwise(name: "reparameterise", inputs: 3, range: -3...3) { x, y, n in
      elbo_reparameterise(x[0], x[1], x[2], y, n)
    },
    Elementwise(name: "reparameterise_grad", inputs: 3, range: -3...3) { x, y, n in
      elbo_reparameterise_grad(x[0], x[1], x[2], y, n)
    },
  ]
}

@Suite struct ElementwiseTests {
  @Test(arguments: Level.all, Elementwise.all)
  func bitsDependOnTheInputsAlone(_ level: Level, _ kernel: Elementwise) {
    let count = 200
    var numbers = Numbers(1)
    let x = (0..<kernel.inputs).map { _ in numbers.floats(count, kernel.range) }
    level.run {
      // One element at a time is what every range must agree with.
      var want = [Float](repeating: 0, count: count)
      for i in 0..<count {
        withPointers(x) { p in
          want.withUnsafeMutableBufferPointer { kernel.run(p.map { $0 + i }, $0.baseAddress! + i, 1) }
        }
      }
      for n in Array(0...70) + [95, 96, 97, 127, 128, 129, 160] {
        for start in [0, 1, 3, 17] where start + n < count {
          var y = [Float](repeating: -77, count: count)
          withPointers(x) { p in
            y.withUnsafeMutableBufferPointer { kernel.run(p.map { $0 + start }, $0.baseAddress! + start, n) }
          }
          #expect(y[start..<start + n].map(\.bitPattern) == want[start..<start + n].map(\.bitPattern), "\(start), \(n)")
          // Nothing is written outside.
          #expect(y[..<start].allSatisfy { $0 == -77 } && y[(start + n)...].allSatisfy { $0 == -77 }, "\(start), \(n)")
        }
      }
    }
  }

  @Test(arguments: Level.all, Elementwise.all) func theResultMayReplaceAnInput(_ level: Level, _ kernel: Elementwise) {
    let n = 131
    var numbers = Numbers(2)
    let x = (0..<kernel.inputs).map { _ in numbers.floats(n, kernel.range) }
    level.run {
      var want = [Float](repeating: 0, count: n)
      withPointers(x) { kernel.run($0, &want, n) }
      for replaced in 0..<kernel.inputs {
        var y = x[replaced]
        withPointers(x) { p in
          y.withUnsafeMutableBufferPointer { y in
            var p = p
            p[replaced] = UnsafePointer(y.baseAddress!)
            kernel.run(p, y.baseAddress!, n)
          }
        }
        #expect(y.bits == want.bits)
      }
    }
  }

  @Test(arguments: Elementwise.all) func levelsWithAFusedMultiplyAddAgree(_ kernel: Elementwise) {
    let n = 1000
    var numbers = Numbers(3)
    let x = (0..<kernel.inputs).map { _ in numbers.floats(n, kernel.range) }
    let results = Level.all.filter(\.isFused).map { level in
      var y = [Float](repeating: 0, count: n)
      level.run { withPointers(x) { kernel.run($0, &y, n) } }
      return y.bits
    }
    #expect(Set(results).count <= 1)
  }

  @Test(arguments: Level.all) func exactOperationsAreExact(_ level: Level) {
    let special: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, .nan, 0x1p-149, -0x1p-130, 3.5, -2.25, 1e38]
    var a = [Float](), b = [Float]()
    for x in special { for y in special { a.append(x); b.append(y) } }
    func check(
      _ name: String,
      _ kernel: (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void,
      _ want: (Float, Float) -> Float
    ) {
      var y = a
      level.run { kernel(a, b, &y, a.count) }
      for i in a.indices {
        let w = want(a[i], b[i])
        #expect(y[i] == w || (y[i].isNaN && w.isNaN), "\(name)(\(a[i]), \(b[i])) = \(y[i])")
      }
    }
    check("add", elbo_add) { $0 + $1 }
    check("sub", elbo_sub) { $0 - $1 }
    check("mul", elbo_mul) { $0 * $1 }
    check("div", elbo_div) { $0 / $1 }
    check("max", elbo_max) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    check("min", elbo_min) { $0.isNaN || $1.isNaN ? .nan : min($0, $1) }
    check("greater", elbo_greater) { $0 > $1 ? 1 : 0 }
    check("relu_grad", elbo_relu_grad) { $0 > 0 ? $1 : 0 }
    check("leaky_relu_grad", { elbo_leaky_relu_grad($0, 0.5, $1, $2, $3) }) { $0 > 0 ? $1 : 0.5 * $1 }
    check("relu", { x, _, y, n in elbo_relu(x, y, n) }) { x, _ in x.isNaN ? .nan : max(x, 0) }
    check("leaky_relu", { x, _, y, n in elbo_leaky_relu(x, 0.5, y, n) }) { x, _ in x > 0 ? x : 0.5 * x }
    check("neg", { x, _, y, n in elbo_neg(x, y, n) }) { x, _ in -x }
    check("abs", { x, _, y, n in elbo_abs(x, y, n) }) { x, _ in abs(x) }
    check("step", { x, _, y, n in elbo_step(x, y, n) }) { x, _ in x > 0 ? 1 : 0 }
    check("sign", { x, _, y, n in elbo_sign(x, y, n) }) { x, _ in x.isNaN ? .nan : x > 0 ? 1 : x < 0 ? -1 : 0 }
    check("clamp", { x, _, y, n in elbo_clamp(x, -1.5, 2, y, n) }) { x, _ in x.isNaN ? .nan : min(max(x, -1.5), 2) }
    check("scale", { x, _, y, n in elbo_scale(x, 0.3, y, n) }) { x, _ in 0.3 * x }
    check("add_scalar", { x, _, y, n in elbo_add_scalar(x, 0.3, y, n) }) { x, _ in x + 0.3 }
    check("fill", { _, _, y, n in elbo_fill(0.3, y, n) }) { _, _ in 0.3 }
  }

  @Test(arguments: Level.all) func derivativesAndSumsOfProductsAreClose(_ level: Level) {
    var numbers = Numbers(4)
    let n = 500
    let a = numbers.floats(n, -1...1), b = numbers.floats(n), c = numbers.floats(n)
    func check(_ name: String, _ y: [Float], _ want: (Int) -> Double) {
      for i in 0..<n {
        #expect(abs(Double(y[i]) - want(i)) <= 4e-7 * (1 + abs(want(i))), "\(name)[\(i)] = \(y[i]), not \(want(i))")
      }
    }
    level.run {
      var y = c
      elbo_tanh_grad(a, b, &y, n)
      check("tanh_grad", y) { Double(b[$0]) * (1 - Double(a[$0]) * Double(a[$0])) }
      elbo_sigmoid_grad(a, b, &y, n)
      check("sigmoid_grad", y) { Double(b[$0]) * Double(a[$0]) * (1 - Double(a[$0])) }
      elbo_softplus_grad(a, b, &y, n)
      check("softplus_grad", y) { Double(b[$0]) / (1 + exp(-Double(a[$0]))) }
      elbo_fma(a, b, c, &y, n)
      check("fma", y) { Double(a[$0]) * Double(b[$0]) + Double(c[$0]) }
      y = c
      elbo_axpy(0.7, a, &y, n)
      check("axpy", y) { Double(Float(0.7)) * Double(a[$0]) + Double(c[$0]) }
      elbo_reparameterise(a, b, c, &y, n)
      check("reparameterise", y) { Double(a[$0]) + exp(Double(b[$0]) / 2) * Double(c[$0]) }
      elbo_reparameterise_grad(b, c, a, &y, n)
      check("reparameterise_grad", y) { Double(a[$0]) * Double(c[$0]) * exp(Double(b[$0]) / 2) / 2 }
    }
  }

  @Test(arguments: Level.all) func multiplyAddIsRoundedOnce(_ level: Level) {
    var a = [Float](), b = [Float](), c = [Float]()
    // 4097² lies halfway between two floats: what is added decides, however small. A sum rounded to double first loses
    // it, and the tie goes to the even neighbour.
    for sign: Float in [1, -1] {
      for factor: Float in [4097, 4097 * 3, 4099] {
        for exponent in -100 ... -20 {
          for addend: Float in [1, -1] {
            a.append(sign * factor)
            b.append(4097)
            c.append(addend * Float(sign: .plus, exponent: exponent, significand: 1.25))
          }
        }
      }
    }
    let special: [Float] = [0, -0.0, 1, -1.5, .infinity, -.infinity, .nan, Float(bitPattern: 1), 1e38, 0x1p-100]
    for x in special { for y in special { for z in special { a.append(x); b.append(y); c.append(z) } } }
    var numbers = Numbers(6)
    for _ in 0..<100_000 {
      a.append(numbers.float(-2...2))
      b.append(numbers.float(-2...2))
      c.append(numbers.float(-2...2) * Float(sign: .plus, exponent: -Int(numbers.next() % 60), significand: 1))
    }
    var y = a
    level.run { elbo_fma(a, b, c, &y, y.count) }
    let wrong = y.indices.filter { i in
      let want = c[i].addingProduct(a[i], b[i])
      return y[i].bitPattern != want.bitPattern && !(y[i].isNaN && want.isNaN)
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(3).map { (a[$0], b[$0], c[$0], y[$0]) })")
  }

  @Test(arguments: Level.all) func bytesAreScaledAndGathered(_ level: Level) {
    let rows = 9, cols = 37
    let src = (0..<rows * cols).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let floats = src.map(Float.init)
    let index: [UInt32] = [8, 0, 3, 3, 5]
    level.run {
      var y = [Float](repeating: 0, count: src.count)
      elbo_bytes_to_float(src, 0.5, -1, &y, src.count)
      #expect(y == src.map { Float($0) * 0.5 - 1 })
      var gathered = [Float](repeating: 0, count: index.count * cols)
      let want: [Float] = index.flatMap { row in floats[Int(row) * cols..<(Int(row) + 1) * cols] }
      elbo_gather_bytes(src, index, index.count, cols, 0.25, 3, &gathered)
      #expect(gathered == want.map { $0 * 0.25 + 3 })
      elbo_gather_floats(floats, index, index.count, cols, &gathered)
      #expect(gathered == want)
    }
  }

  @Test(arguments: Level.all) func bfloat16RoundsToNearestEven(_ level: Level) {
    var numbers = Numbers(5)
    // The last six: halfway cases both ways, the step to infinity, NaNs whose payload lies in the lower half only.
    var bits = (0..<10_000).map { _ in UInt32(truncatingIfNeeded: numbers.next()) }
    bits += [0x3f80_8000, 0x3f81_8000, 0x7f7f_8000, 0x7f7f_7fff, 0x7f80_0001, 0xff80_0001, 0, 0x8000_0000, 0x7f80_0000]
    let x = bits.map(Float.init(bitPattern:))
    level.run {
      var y = [UInt16](repeating: 0, count: x.count)
      elbo_float_to_bf16(x, &y, x.count)
      var back = [Float](repeating: 0, count: x.count)
      elbo_bf16_to_float(y, &back, x.count)
      for i in x.indices {
        #expect(back[i].bitPattern == UInt32(y[i]) << 16)
        if x[i].isNaN {
          #expect(back[i].isNaN && back[i].sign == x[i].sign)
          continue
        }
        let low = UInt32(bits[i] & 0xffff_0000), up = low &+ 0x1_0000
        let rest = bits[i] & 0xffff
        let want = rest < 0x8000 ? low : rest > 0x8000 ? up : (low >> 16) % 2 == 0 ? low : up
        #expect(UInt32(y[i]) << 16 == want, "\(x[i])")
      }
    }
  }

  @Test func denormalsAreFlushedOnTheThreadThatAsksForIt() {
    final class Seen: @unchecked Sendable { var product: Float = 1 }
    let seen = Seen()
    let done = DispatchSemaphore(value: 0)
    // A thread of its own: the switch must not stay on in a pool's thread.
    Thread {
      elbo_flush_denormals()
      var y: Float = 0
      withUnsafePointer(to: Float(0x1p-100)) { x in elbo_scale(x, 0x1p-40, &y, 1) }
      seen.product = y
      done.signal()
    }.start()
    done.wait()
    var y: Float = 0
    withUnsafePointer(to: Float(0x1p-100)) { x in elbo_scale(x, 0x1p-40, &y, 1) }
    #expect(y == 0x1p-140)
    #if arch(x86_64) || arch(arm64)
      #expect(seen.product == 0)
    #endif
  }

  @Test func aLevelIsSelectedForTheThreadAndAnUnknownOneRefused() {
    let usual = elbo_kernels_level()
    for level in Level.all {
      #expect(level.run { elbo_kernels_level() } == level.number)
      #expect(level.run { String(cString: elbo_kernels_name()) } == level.name)
    }
    #expect(elbo_kernels_select(3) == -1)
    #expect(elbo_kernels_level() == usual)
    #expect(Level.all.contains { $0.number == usual })
  }
}

/// Runs the body with a pointer to each array.
func withPointers<Result>(_ arrays: [[Float]], _ body: ([UnsafePointer<Float>]) -> Result) -> Result {
  let buffers = arrays.map { array in
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: Swift.max(array.count, 1))
    _ = buffer.initialize(from: array)
    return buffer
  }
  defer { buffers.forEach { $0.deallocate() } }
  return body(buffers.map { UnsafePointer($0.baseAddress!) })
}
