import CKernels

/// Names a stream of random numbers. Philox4x32-10: key = seed; counter = (element, tensor, sample, step).
public struct RandomKey: Sendable, Hashable {
  public var seed: UInt64
  public var tensor: UInt32 = 0
  public var sample: UInt32 = 0
  public var step: UInt32 = 0

  public init(seed: UInt64) { self.seed = seed }

  public func at(step: UInt32) -> RandomKey { with(self) { $0.step = step } }
  public func at(sample: UInt32) -> RandomKey { with(self) { $0.sample = sample } }
  public func at(tensor: UInt32) -> RandomKey { with(self) { $0.tensor = tensor } }

  private func with(_ key: RandomKey, _ change: (inout RandomKey) -> Void) -> RandomKey {
    var key = key
    change(&key)
    return key
  }

  public func permutation(_ count: Int) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: count)
    elbo_philox_words(seed, tensor, sample, step, 0, &words, count)
    var result = (0..<UInt32(count)).map { $0 }
    for i in stride(from: count - 1, to: 0, by: -1) {
      let j = Int((UInt64(words[i]) * UInt64(i + 1)) >> 32)
      result.swapAt(i, j)
    }
    return result
  }
}

extension Tensor {
  /// Standard normal noise, a row for each example: row i is a function of the key and of `rows[i]` alone.
  public static func normal(_ key: RandomKey, rows: [UInt32], columns: Int) -> Tensor {
    let noise = Tensor(uninitialized: [rows.count, columns])
    elbo_philox_normal_rows(key.seed, key.tensor, rows, key.step, rows.count, columns, noise.pointer)
    return noise
  }
}
