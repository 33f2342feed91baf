import CKernels
import Testing

/// An instruction set of this machine. Selecting one holds for the calling thread, so tests of different levels run
/// beside each other; the test's body must not suspend.
struct Level: Sendable, CustomTestStringConvertible {
  let number: Int32
  let name: String

  static let all: [Level] = (0..<3 as Range<Int32>).compactMap { number in
    guard elbo_kernels_select(number) == 0 else { return nil }
    defer { elbo_kernels_select(-1) }
    return Level(number: number, name: String(cString: elbo_kernels_name()))
  }

  var testDescription: String { name }

  func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    precondition(elbo_kernels_select(number) == 0)
    defer { elbo_kernels_select(-1) }
    return try body()
  }

  /// Whether two levels promise the same bits for everything: those with a fused multiply-add do.
  var isFused: Bool { name != "sse2" && name != "portable" }
}

/// Numbers for tests, from a fixed sequence (SplitMix64).
struct Numbers {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func float(_ range: ClosedRange<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * Float(next() >> 40) * 0x1p-24
  }

  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -3...3) -> [Float] {
    (0..<count).map { _ in float(range) }
  }
}

extension [Float] {
  var bits: [UInt32] { map(\.bitPattern) }
}

/// The distance of y from the exact value, in units of the last place of the exact value as a float.
func ulps(_ y: Float, from exact: Double) -> Double {
  if exact.isNaN || y.isNaN { return exact.isNaN && y.isNaN ? 0 : .infinity }
  // A result beyond the range counts as 2^128, where the next float would lie.
  let end = 0x1p128
  let want = Swift.min(Swift.max(exact, -end), end)
  let got = y.isInfinite ? (y > 0 ? end : -end) : Double(y)
  if got == 0, want == 0 { return y.sign == exact.sign ? 0 : .infinity }
  let exponent = Swift.max(want == 0 ? -126 : want.exponent, -126)
  return abs(got - want) / Double(sign: .plus, exponent: Int(exponent) - 23, significand: 1)
}
