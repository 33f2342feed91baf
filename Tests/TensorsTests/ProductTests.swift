import COneDNN
import Tensors
import Testing

/// Every product that the shim can be asked for, against sums in double precision.
@Suite("Products")
struct ProductTests {
  /// Exact in float32, different in every place.
  private static func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 &* 7919 &+ seed &* 104729) % 257 - 128) / 64 }
  }

  private enum After: CaseIterable { case nothing, relu, accumulate }

  /// Greatest |difference| over the sum of |terms|, against the naive sums.
  private static func error(
    _ m: Int, _ n: Int, _ k: Int, transposeA: Bool, transposeB: Bool, hasBias: Bool, _ after: After
  ) -> Double {
    let (a, b, bias, before) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n, 3), numbers(m * n, 4))
    var c = before
    var product = elbo_product()
    (product.m, product.n, product.k) = (m, n, k)
    (product.transpose_a, product.transpose_b) = (transposeA, transposeB)
    product.accumulate = after == .accumulate
    product.activation = after == .relu ? ELBO_ACTIVATION_RELU : ELBO_ACTIVATION_NONE
    let status = bias.withUnsafeBufferPointer { elbo_multiply(&product, a, b, hasBias ? $0.baseAddress : nil, &c) }
    guard status == 0 else { return .infinity }
    var worst = 0.0
    for i in 0..<m {
      for j in 0..<n {
        var (sum, magnitude) = (0.0, 0.0)
        for l in 0..<k {
          let term = Double(a[transposeA ? l * m + i : i * k + l]) * Double(b[transposeB ? j * k + l : l * n + j])
          sum += term
          magnitude += abs(term)
        }
        if hasBias { (sum, magnitude) = (sum + Double(bias[j]), magnitude + abs(Double(bias[j]))) }
        switch after {
        case .nothing: break
        case .relu: sum = max(sum, 0)
        case .accumulate:
          (sum, magnitude) = (sum + Double(before[i * n + j]), magnitude + abs(Double(before[i * n + j])))
        }
        worst = max(worst, abs(Double(c[i * n + j]) - sum) / max(magnitude, 1e-30))
      }
    }
    return worst
  }

  @Test(arguments: [1, 2, 7, 16, 33, 100])
  func equalsNaiveSums(m: Int) {
    for n in [1, 3, 16, 65] {
      for k in [1, 5, 32, 127] {
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
          for hasBias in [false, true] {
            for after in After.allCases {
              let error = Self.error(
                m, n, k, transposeA: transposeA, transposeB: transposeB, hasBias: hasBias, after)
              #expect(error < 1e-6, "\(m)×\(k)×\(n) \(transposeA) \(transposeB) \(hasBias) \(after)")
            }
          }
        }
      }
    }
  }

  /// A lane is a thread: which one computes a product has no say in its bits, nor has what it computed before.
  @Test func doesNotDependOnTheThread() async {
    let results = await withTaskGroup(of: [Float].self, returning: Set<[Float]>.self) { group in
      for task in 0..<4 {
        group.addTask {
          for size in 1...(task + 1) { _ = Tensor.zeros([size, 3]).product(with: .zeros([3, size])) }
          let a = Tensor(Self.numbers(37 * 211, 1), [37, 211])
          return a.linear(
            weight: Tensor(Self.numbers(65 * 211, 2), [65, 211]), bias: Tensor(Self.numbers(65, 3), [65]),
            activation: .relu
          ).values
        }
      }
      return await group.reduce(into: []) { $0.insert($1) }
    }
    #expect(results.count == 1)
  }

  @Test func aRefusedProductIsReported() {
    var product = elbo_product()
    (product.m, product.n, product.k) = (2, 2, -1)
    var c: [Float] = [0, 0, 0, 0]
    #expect(elbo_multiply(&product, [1, 2, 3, 4], [1, 2, 3, 4], nil, &c) != 0)
  }

  @Test func knowsItsVersion() {
    var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
    elbo_onednn_version(&major, &minor, &patch)
    #expect(major == 2 || major == 3)
  }
}
