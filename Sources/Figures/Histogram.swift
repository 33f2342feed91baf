/// Bars that touch, each over its own interval: a histogram, or the bins of a reliability diagram.
public struct Histogram: Sendable, Hashable {
  public enum Style: Sendable, Hashable {
    case bars
    /// Only the upper edge, so that several stay distinguishable.
    case outline
  }

  public let label: String
  /// Ascending, one more than there are bars.
  public let edges: [Double]
  public let heights: [Double]
  public let color: Color
  public let style: Style

  public init(
    _ label: String = "", edges: [Double], heights: [Double], color: Color = .automatic, style: Style = .bars
  ) {
    precondition(edges.count == heights.count + 1, "one more edge than bars")
    self.label = label
    self.edges = edges
    self.heights = heights
    self.color = color
    self.style = style
  }

  /// Counts the finite values in `bins` equal intervals.
  ///
  /// - Parameters:
  ///   - range: the ends of the first and last interval; nil takes the smallest and the largest value. Values
  ///     outside are not counted; the last interval holds its upper end.
  ///   - isDensity: heights are divided so that the area is the share of the values that were counted.
  public init(
    _ label: String = "", of values: [Double], bins: Int = 40, range: ClosedRange<Double>? = nil,
    isDensity: Bool = false, color: Color = .automatic, style: Style = .bars
  ) {
    precondition(bins > 0, "a histogram has bins")
    let finite = values.filter(\.isFinite)
    var lower = range?.lowerBound ?? finite.min() ?? 0
    var upper = range?.upperBound ?? finite.max() ?? 1
    if upper / 2 - lower / 2 <= max(abs(lower), abs(upper), 1e-300) * 1e-12 {
      // All values are one, as far as numbers can be distinguished: a bar around it.
      let half = max(abs(lower) * 0.5, 0.5)
      (lower, upper) = (lower - half, upper + half)
    }
    // Halves, since the range of finite numbers may exceed the largest one.
    let halfWidth = upper / 2 - lower / 2
    var heights = [Double](repeating: 0, count: bins)
    for value in finite where value >= lower && value <= upper {
      let place = (value / 2 - lower / 2) / halfWidth * Double(bins)
      heights[min(Int(place), bins - 1)] += 1
    }
    if isDensity && !finite.isEmpty {
      let unit = Double(finite.count) * (halfWidth / Double(bins)) * 2
      for bin in heights.indices { heights[bin] /= unit }
    }
    let edges = (0...bins).map { edge in
      let share = Double(edge) / Double(bins)
      return lower * (1 - share) + upper * share
    }
    self.init(label, edges: edges, heights: heights, color: color, style: style)
  }
}
