import Glibc

/// A random order of 0..<count that depends on the seed and on nothing else: neither on the machine nor on the
/// standard library's generators.
///
/// SplitMix64 (Steele, Lea, Flood 2014), started at the seed, drives a Fisher–Yates shuffle from the last position
/// down; an index below n is the high half of a 64 × 64-bit product, redrawn where that would be biased (Lemire 2019).
package struct SplitPermutation {
  package static func indices(count: Int, seed: UInt64) -> [UInt32] {
    precondition(count <= Int(UInt32.max))
    var generator = Stream(seed: seed)
    var order = Array(0..<UInt32(count))
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(generator.below(UInt64(last) + 1)))
    }
    return order
  }

  /// One number after the other from a seed.
  struct Stream {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }

    mutating func below(_ bound: UInt64) -> UInt64 {
      // 2⁶⁴ mod bound products would fall twice on some indices.
      let threshold = (0 &- bound) % bound
      while true {
        let product = next().multipliedFullWidth(by: bound)
        if product.low >= threshold { return product.high }
      }
    }

    /// Standard normal (Box and Muller 1958).
    mutating func normal() -> Double {
      let radius = (-2 * log(1 - Double(next() >> 11) * 0x1p-53)).squareRoot()
      return radius * cos(2 * .pi * Double(next() >> 11) * 0x1p-53)
    }
  }
}

extension ExampleSet {
  /// Cuts off the test examples that the request asks for, if any. The order of the others stays.
  func split(_ request: DataRequest, place: DataPlace) throws(DataError) -> (train: ExampleSet, test: ExampleSet?) {
    guard request.testFraction > 0 else { return (self, nil) }
    let parts = try split(request.testFraction, .testFraction, request.split, seed: request.seed, place: place)
    return (parts.rest, parts.part)
  }

  /// Cuts off a share of the examples. The order within both parts stays.
  /// - Parameter key: says which share it is, in messages.
  func split(
    _ share: Double, _ key: DataKey, _ rule: SplitRule, seed: UInt64, place: DataPlace
  ) throws(DataError) -> (rest: ExampleSet, part: ExampleSet) {
    let partCount = Int((Double(count) * share).rounded())
    guard partCount > 0, partCount < count else {
      throw DataError(
        .badRequest, at: place,
        "\(key) \(share) of \(counted(count, "example")) leaves none to "
          + (partCount == 0 ? key == .testFraction ? "test with" : "validate with" : "train on"),
        advice: "choose another share, or give more data")
    }
    if let groups = captions?.groups, groups.count < count {
      return try split(groups, partCount, rule, seed: seed, place: place)
    }
    switch rule {
    case .position:
      return (try self[0..<count - partCount], try self[count - partCount..<count])
    case .random:
      guard count <= Int(UInt32.max), !inputs.isMapped || inputs.byteCount <= MachineMemory.bytes / 2 else {
        throw DataError(
          .tooLarge, at: place, "a random part of \(inputs.byteCount) bytes would have to be copied into memory",
          advice: "set \(DataKey.split) to position, which copies nothing")
      }
      let order = SplitPermutation.indices(count: count, seed: seed)
      return (try gathering(order[partCount...].sorted()), try gathering(order[..<partCount].sorted()))
    }
  }

  /// The same with groups of examples that stay together: groups are taken for as long as they fit.
  private func split(
    _ groups: [[UInt32]], _ wanted: Int, _ rule: SplitRule, seed: UInt64, place: DataPlace
  ) throws(DataError) -> (rest: ExampleSet, part: ExampleSet) {
    let order =
      rule == .position
      ? groups.indices.reversed() : SplitPermutation.indices(count: groups.count, seed: seed).map { Int($0) }
    var (part, rest): ([UInt32], [UInt32]) = ([], [])
    for group in order.map({ groups[$0] }) {
      if part.count + group.count <= wanted { part += group } else { rest += group }
    }
    guard !part.isEmpty, !rest.isEmpty else {
      throw DataError(
        .badRequest, at: place, "examples that share a caption stay together, and no part of them is \(wanted)",
        advice: "choose another share, or give more data")
    }
    return (try gathering(rest.sorted()), try gathering(part.sorted()))
  }
}
