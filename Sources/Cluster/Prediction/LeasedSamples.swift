import Messages
import ZeroMQ

/// Samples of some examples as they come from workers, put in the order of their indices.
public final class LeasedSamples: @unchecked Sendable {
  public let examples: Range<Int>
  /// How many samples of each example there are to be.
  public let count: Int
  /// Numbers of one sample of one example.
  public let width: Int
  /// Sample after sample of an example, example after example. Written by the coordinator's thread until it hands this
  /// on; read-only afterwards.
  public private(set) var values: [Float]
  /// What has not come.
  public internal(set) var missing: [LeaseBook<RoutingID>.Cell] = []

  init(examples: Range<Int>, count: Int, width: Int) {
    self.examples = examples
    self.count = count
    self.width = width
    values = [Float](repeating: 0, count: examples.count * count * width)
  }

  /// Puts a result in its place. False when its numbers are not these samples'.
  func put(_ result: SampleResult, _ cell: LeaseBook<RoutingID>.Cell) -> Bool {
    guard LeasedSamples.fits(result, width: width) else { return false }
    result.moments.withUnsafeBytes { bytes in
      values.withUnsafeMutableBufferPointer { values in
        var place = 0
        for sample in cell.samples {
          for example in cell.examples {
            let target = ((example - examples.lowerBound) * count + sample) * width
            for output in 0..<width {
              let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
              values[target + output] = Float(Double(bitPattern: bits))
              place += 8
            }
          }
        }
      }
    }
    return true
  }

  static func fits(_ result: SampleResult, width: Int) -> Bool {
    result.outputs == width && result.statistics == 1
      && result.moments.count == 8 * result.samples.count * result.examples.count * width
  }
}

extension SampleResult {
  /// The result of a lease. A sample's statistic is the number itself: quantiles need every one of them.
  /// - Parameter values: [sample][example][output].
  init(of lease: SampleLease, outputs: Int, values: [Float]) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * values.count)
    for value in values {
      withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    self.init(
      lease: lease.lease, prediction: lease.prediction, samples: lease.samples, examples: lease.examples,
      outputs: outputs, statistics: 1, moments: bytes)
  }
}

/// How many samples of how many examples are leased at a time.
public enum LeaseSize {
  /// Bytes of a result: a message is a few times shorter than the longest that is taken.
  private static let resultBytes = 1 << 20

  /// - Parameters:
  ///   - block: examples that are computed at a time; ranges of leases begin at multiples of it, so that a product has
  ///     the same shape wherever it is made.
  /// - Returns: nil when even one sample of one block is too long a result.
  public static func choose(samples: Int, examples: Int, width: Int, block: Int) -> (samples: Int, examples: Int)? {
    let numbers = resultBytes / 8 / width
    guard numbers >= block || 8 * width * min(block, examples) <= 3 * resultBytes else { return nil }
    // Many examples to a draw of the weights, and some sixteen leases of each range at least.
    let rows = max(min(numbers / 4, 4000) / block * block, block)
    let share = max(numbers / min(rows, examples), 1)
    return (min(share, max((samples + 15) / 16, 1)), rows)
  }
}
