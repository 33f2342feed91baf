import CKernels
import Tensors

/// How exact the numbers are that an exchange adds: `exchange.precision` of a recipe.
///
/// With `bfloat16` every float32 contribution, and every sum of two in the tree over the shards, is rounded to
/// bfloat16 (to the nearest, ties to even). So whatever sum a node sends has bfloat16 numbers already, and half the
/// bytes carry all of it: the result depends on this key, and not on who computes what or how often it was sent.
/// Statistics, which are float64, are never rounded.
public enum ExchangePrecision: String, Sendable, CaseIterable {
  case float32, bfloat16
}

/// bfloat16: the upper half of a float32 (sign, 8 bits of exponent, 7 of fraction).
package enum BFloat16 {
  /// Rounds numbers in place to such as bfloat16 has. An overflow becomes infinite, a NaN stays one.
  package static func round(_ values: UnsafeMutableBufferPointer<Float>) {
    guard let start = values.baseAddress else { return }
    start.withMemoryRebound(to: UInt32.self, capacity: values.count) { words in
      for index in 0..<values.count { words[index] = rounded(words[index]) }
    }
  }

  /// Upper halves of numbers that are rounded.
  package static func encode(_ values: UnsafeBufferPointer<Float>, into halves: UnsafeMutablePointer<UInt16>) {
    guard let start = values.baseAddress else { return }
    start.withMemoryRebound(to: UInt32.self, capacity: values.count) { words in
      for index in 0..<values.count { halves[index] = UInt16(truncatingIfNeeded: words[index] >> 16).littleEndian }
    }
  }

  /// The numbers whose upper halves these are; `bytes` need not be aligned.
  package static func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutablePointer<Float>) {
    guard let start = bytes.baseAddress else { return }
    for index in 0..<bytes.count / 2 {
      let half = UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
      values[index] = Float(bitPattern: UInt32(half) << 16)
    }
  }

  @inline(__always)
  private static func rounded(_ word: UInt32) -> UInt32 {
    let nearest = (word &+ 0x7FFF &+ (word >> 16 & 1)) & 0xFFFF_0000
    let quiet = (word | 0x0040_0000) & 0xFFFF_0000
    return word & 0x7FFF_FFFF > 0x7F80_0000 ? quiet : nearest
  }
}

extension Contribution {
  /// Rounds the numbers if that is asked for and they are float32; statistics stay as they are.
  package func round(to precision: ExchangePrecision) { round(0..<values.layout.count, to: precision) }

  package func round(_ elements: Range<Int>, to precision: ExchangePrecision) {
    guard precision == .bfloat16, values.precision == .float32 else { return }
    let numbers = elements.clamped(to: 0..<values.layout.count)
    BFloat16.round(UnsafeMutableBufferPointer(rebasing: values.float32[numbers]))
  }
}

/// The sum of contributions with every sum in the tree rounded.
struct RoundedSum {
  let parts: [FlatBuffer]

  /// Adds up a range of elements; the result comes to stand in the first part, and other parts' are overwritten.
  func add(_ elements: Range<Int>) { add(parts.startIndex..<parts.endIndex, elements) }

  /// A block of n > 1 parts splits at the largest power of two below n.
  private func add(_ block: Range<Int>, _ elements: Range<Int>) {
    guard block.count > 1 else { return }
    let half = 1 << (Int.bitWidth - 1 - (block.count - 1).leadingZeroBitCount)
    let middle = block.lowerBound + half
    add(block.lowerBound..<middle, elements)
    add(middle..<block.upperBound, elements)
    let target = UnsafeMutableBufferPointer(rebasing: parts[block.lowerBound].float32[elements])
    let other = parts[middle].float32.baseAddress! + elements.lowerBound
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: 2) { starts in
      starts.initializeElement(at: 0, to: UnsafePointer(target.baseAddress!))
      starts.initializeElement(at: 1, to: UnsafePointer(other))
      elbo_sum_tree(starts.baseAddress, 2, target.baseAddress!, elements.count)
    }
    BFloat16.round(target)
  }
}
