import CKernels
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

func logarithm(_ x: Double) -> Double { log(x) }

/// Where noise comes from: a stream of the counter-based generator (Philox4x32-10) for every row, named by the row's
/// example. Whatever lane, shard or node computes an example, and beside which others, its noise is the same.
public struct RowNoise: Sendable {
  public let seed: UInt64
  /// What the noise is for, and when: two words of the counter.
  public let step: UInt32
  public let purpose: UInt32

  public init(seed: UInt64, step: UInt32, purpose: UInt32) {
    (self.seed, self.step, self.purpose) = (seed, step, purpose)
  }

  /// Standard normal numbers: one row of `columns` for every row identifier.
  public func normal(rows identifiers: UnsafeBufferPointer<UInt32>, columns: Int) -> Tensor {
    let noise = Tensor(uninitialized: [identifiers.count, columns])
    elbo_philox_normal_rows(
      seed, step, identifiers.baseAddress, purpose, identifiers.count, columns, noise.pointer)
    return noise
  }

  /// Uniform numbers in [0, 1): one row of `columns` for every row identifier.
  public func uniform(rows identifiers: UnsafeBufferPointer<UInt32>, columns: Int) -> Tensor {
    let noise = Tensor(uninitialized: [identifiers.count, columns])
    elbo_philox_uniform_rows(
      seed, step, identifiers.baseAddress, purpose, identifiers.count, columns, noise.pointer)
    return noise
  }
}
