/// Which of very many points are drawn. A picture has some thousand pixels a side; a million points would take seconds
/// and megabytes and look no different. The numbers beside the picture are all there.
package enum Thinning {
  /// The most points of a cloud that are drawn.
  static let mostPoints = 20_000
  /// The most pieces that a curve is cut into.
  package static let mostPieces = 2_000

  /// The places of the points of a cloud that are drawn, ascending: one at a pseudo-random place in each of `most`
  /// equal parts, so that no pattern in their order shows.
  static func cloud(count: Int, most: Int = mostPoints) -> [Int] {
    guard count > most else { return Array(0..<count) }
    return (0..<most).map { part in
      let start = part * count / most
      let end = (part + 1) * count / most
      return start + Int(mixed(UInt64(part)) % UInt64(end - start))
    }
  }

  /// The places of the points of a curve that are drawn, ascending: in each of `most` equal parts the first, the last
  /// and those where one of `heights` is least or greatest, so that every spike stays. Where a point is not drawable
  /// the curve breaks; such a place stays too, one in each part.
  package static func curve(count: Int, heights: [[Double]], most: Int = mostPieces) -> [Int] {
    guard count > most * 4 else { return Array(0..<count) }
    var places: [Int] = []
    for part in 0..<most {
      let range = part * count / most..<(part + 1) * count / most
      var kept: Set<Int> = [range.lowerBound, range.upperBound - 1]
      for height in heights {
        var (least, greatest, broken): (Int?, Int?, Int?)
        for place in range {
          guard height[place].isFinite else {
            broken = place
            continue
          }
          if height[place] < least.map({ height[$0] }) ?? .infinity { least = place }
          if height[place] > greatest.map({ height[$0] }) ?? -.infinity { greatest = place }
        }
        kept.formUnion([least, greatest, broken].compactMap { $0 })
      }
      places += kept.sorted()
    }
    return places
  }

  /// SplitMix64's finaliser (S. Vigna): every bit of the result depends on every bit of `value`.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var bits = (value &+ 1) &* 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}
