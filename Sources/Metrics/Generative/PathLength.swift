/// The mean of path lengths, robust to the few that are huge.
public enum PathLength {
  /// The mean of the lengths from the 1st to the 99th percentile, these included (Karras, Laine and Aila 2019, in the
  /// program of their metric). Percentiles between two lengths are the outer one.
  /// - Parameter lengths: at least one.
  public static func mean(_ lengths: [Double]) -> Double {
    let sorted = lengths.sorted()
    let last = sorted.count - 1
    // Whole numbers: 99 % of 200 places are 198, which rounding must not make more.
    let kept = sorted[(last / 100)...((99 * last + 99) / 100)]
    let (low, high) = (kept.first!, kept.last!)
    let within = sorted.filter { (low...high).contains($0) }
    return within.reduce(0, +) / Double(within.count)
  }
}
