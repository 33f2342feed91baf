import Tensors

extension Phase {
  /// Elements of a contribution in all, each as wide as a number of `layout`: those of `layout`, then two for each
  /// statistic. So an exchange sees one flat range.
  package var count: Int { layout.count + Phase.elementsPerStatistic * statistics.count }

  private static let elementsPerStatistic = Precision.float64.stride / Precision.float32.stride

  /// The range of elements cut where the statistics begin, empty parts left out.
  package func regions(of elements: Range<Int>) -> [Range<Int>] {
    let boundary = layout.count
    guard elements.lowerBound < boundary, elements.upperBound > boundary else { return [elements] }
    return [elements.lowerBound..<boundary, boundary..<elements.upperBound]
  }

  /// What the elements of one region are added as.
  package func precision(of region: Range<Int>) -> Precision {
    region.lowerBound < layout.count ? precision : .float64
  }
}

/// The statistics of all shards, added in the fixed tree.
public struct TotalStatistics {
  private let sums: FlatBuffer

  init(_ sums: FlatBuffer) { self.sums = sums }

  /// The sums of one slot of the phase's `statistics`.
  public subscript(slot: Slot) -> UnsafeBufferPointer<Double> { UnsafeBufferPointer(sums.doubles(slot)) }
}
