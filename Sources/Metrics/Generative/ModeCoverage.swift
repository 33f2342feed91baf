/// Whether a generator finds all modes of data that is known to have some: points in clusters with known centres.
///
/// A generated point is good if it lies within three standard deviations of the nearest centre (Srivastava et al. 2017,
/// section 4.1). A mode is found if it has a tenth of its fair share of good points: one stray point finds none.
public struct ModeCoverage: Sendable, Hashable {
  /// How many modes were found.
  public let found: Int
  public let modes: Int
  /// The share of good points.
  public let good: Double

  /// - Parameters:
  ///   - points, centres: row by row.
  ///   - deviations: the standard deviation of a coordinate around each centre.
  public init(points: [Double], centres: [Double], deviations: [Double], width: Int) {
    let (count, modes) = (points.count / width, deviations.count)
    precondition(width > 0 && count > 0 && modes > 0 && centres.count == modes * width)
    var hits = [Int](repeating: 0, count: modes)
    for point in 0..<count {
      var (nearest, least) = (0, Double.infinity)
      for mode in 0..<modes {
        var distance = 0.0
        for axis in 0..<width {
          let difference = points[point * width + axis] - centres[mode * width + axis]
          distance += difference * difference
        }
        if distance < least { (nearest, least) = (mode, distance) }
      }
      if least.squareRoot() <= 3 * deviations[nearest] { hits[nearest] += 1 }
    }
    let good = hits.reduce(0, +)
    let share = max(Double(good) / Double(modes) / 10, 1)
    found = hits.count { Double($0) >= share }
    self.modes = modes
    self.good = Double(good) / Double(count)
  }
}
