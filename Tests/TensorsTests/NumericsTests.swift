import Tensors
import Testing

/// Numbers at which the textbook formula overflows, cancels or divides by zero.
@Suite("Extreme numbers")
struct NumericsTests {
  /// softplus overflow: ρ = ±100 in Float must leave σ finite, and σ′ right.
  @Test(
    arguments: [
      (-1e30, 0, 0), (-100, Float(bitPattern: 27), Float(bitPattern: 27)), (-20, 2.0611537e-9, 2.0611537e-9),
      (0, 0.6931472, 0.5),
      (20, 20, 1), (100, 100, 1), (1e30, 1e30, 1),
    ] as [(Float, Float, Float)])
  func softplusAndItsDerivative(_ rho: Float, _ sigma: Float, _ slope: Float) {
    for recorded in [false, true] {
      let tape = Tape()
      let x = tape.variable(Tensor(repeating: rho, [19]))
      let y = x.softplus()
      let derivative = tape.gradient(of: y, withRespectTo: [x], recorded: recorded)[0]
      // Where a float is denormal, a processor may be set to treat it as zero.
      let floor: Float = 2e-38
      #expect(y.values.allSatisfy { abs($0 - sigma) <= 1e-6 * sigma + floor })
      #expect(derivative.values.allSatisfy { abs($0 - slope) <= 1e-6 * slope + floor })
    }
  }

  @Test func softmaxOfHugeLogits() {
    let tape = Tape()
    let x = tape.variable(Tensor([1e4, -1e4, 0, -3e38, 3e38, 0, 5, 5, 5], [3, 3]))
    let softmax = x.softmax()
    #expect(softmax.values[..<6] == [1, 0, 0, 0, 1, 0])
    #expect(softmax.values[6...].allSatisfy { abs($0 - 1 / 3) < 1e-7 })
    #expect(x.logSumExpOfRows().values[..<2] == [1e4, 3e38])
    let logs = x.logSoftmax()
    #expect(logs.values[..<3] == [0, -2e4, -1e4])
    for y in [softmax.sumOfRows(), x.logSumExpOfRows(), logs.rows(0..<1).sumOfRows()] {
      let derivative = tape.gradient(of: y, withRespectTo: [x], recorded: true)[0]
      #expect(derivative.values.allSatisfy { $0.isFinite })
    }
  }

  @Test func sigmoidAndTanhSaturate() {
    let tape = Tape()
    let x = tape.variable(Tensor([-1e30, -200, -90, 90, 200, 1e30], [6]))
    #expect(x.tanh().values == [-1, -1, -1, 1, 1, 1])
    let sigmoid = x.sigmoid().values
    #expect(sigmoid[..<3].allSatisfy { $0 >= 0 && $0 < 1e-38 })
    #expect(sigmoid[3...] == [1, 1, 1])
    for y in [x.tanh(), x.sigmoid(), x.erf()] {
      #expect(tape.gradient(of: y, withRespectTo: [x])[0].values.allSatisfy { abs($0) < 1e-37 })
    }
  }

  @Test func digitsAreKeptNearZero() {
    let x = Tensor([1e-9, -1e-9, 1e-20], [3])
    #expect(x.log1p().values == [1e-9, -1e-9, 1e-20])
    #expect(x.expm1().values == [1e-9, -1e-9, 1e-20])
    #expect(x.tanh().values == x.values)
  }

  @Test func sumsKeepDigitsThatFloatsWouldLose() {
    let values = [Float(1 << 25)] + [Float](repeating: 1, count: 1 << 12) + [-Float(1 << 25)]
    #expect(Tensor(values, [values.count]).sum().value == 4096)
    #expect(Tensor(values, [1, values.count]).sumOfRows().values == [4096])
    #expect(Tensor(values, [values.count, 1]).sumOfColumns().values == [4096])
  }

  @Test func notANumberIsNotHidden() {
    let x = Tensor([.nan, 1], [2])
    #expect(x.exp().values[0].isNaN && x.softplus().values[0].isNaN && x.tanh().values[0].isNaN)
    #expect(x.clamped(to: 0...1).values[0].isNaN)
    #expect(Tensor.maximum(x, .zeros([2])).values[0].isNaN && Tensor.minimum(.zeros([2]), x).values[0].isNaN)
    #expect(x.sum().value.isNaN)
    #expect(Tensor([.nan, 1], [1, 2]).softmax().values.allSatisfy { $0.isNaN })
  }

  /// What was clamped to a bound can come away from it again.
  @Test func clampPassesDerivativesAtItsBounds() {
    let tape = Tape()
    let x = tape.variable(Tensor([-1.5, -1, 0, 2, 2.5], [5]))
    #expect(tape.gradient(of: x.clamped(to: -1...2), withRespectTo: [x])[0].values == [0, 1, 1, 1, 0])
  }

  /// At a tie the derivative is counted once.
  @Test func aMaximumOfEqualsHasOneDerivative() {
    let tape = Tape()
    let (a, b) = (tape.variable(Tensor([1, 2], [2])), tape.variable(Tensor([1, 3], [2])))
    for y in [Tensor.maximum(a, b), .minimum(a, b)] {
      let derivatives = tape.gradient(of: y, withRespectTo: [a, b])
      #expect(zip(derivatives[0].values, derivatives[1].values).map(+) == [1, 1])
    }
  }
}
