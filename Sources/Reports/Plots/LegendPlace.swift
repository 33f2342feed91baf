import Figures
import Glibc

/// Where a panel's legend covers the least.
struct LegendPlace {
  let panel: Panel
  let frame: Frame
  /// The words of the legend's entries.
  let labels: [String]
  /// Of the whole panel, in pixels.
  let size: Plot.PixelSize

  /// The panel's `set key` command.
  var command: String {
    let place =
      switch panel.legend {
      case .none: ""
      case .automatic where labels.count == 1 && panel.marks.count == 1: ""
      case .automatic: corner.map { "inside \($0.rawValue)" } ?? "outside right center"
      case .topLeft: "inside \(Corner.topLeft.rawValue)"
      case .topRight: "inside \(Corner.topRight.rawValue)"
      case .bottomLeft: "inside \(Corner.bottomLeft.rawValue)"
      case .bottomRight: "inside \(Corner.bottomRight.rawValue)"
      case .beside: "outside right center"
      }
    if place.isEmpty || labels.isEmpty { return "unset key" }
    return "set key \(place) Left reverse noenhanced samplen 1.8 spacing 1.15 width 0 opaque fc rgb '#40ffffff' nobox"
  }

  private enum Corner: String, CaseIterable {
    case topRight = "top right"
    case topLeft = "top left"
    case bottomRight = "bottom right"
    case bottomLeft = "bottom left"

    /// Whether a place in the unit square lies under a legend of that width and height.
    func covers(_ x: Double, _ y: Double, width: Double, height: Double) -> Bool {
      let besideIt = self == .topRight || self == .bottomRight ? x > 1 - width : x < width
      let levelWithIt = self == .topRight || self == .topLeft ? y > 1 - height : y < height
      return besideIt && levelWithIt
    }
  }

  /// The corner where a legend covers next to nothing; nil when there is none.
  private var corner: Corner? {
    // About 8 pixels a letter and 20 a line at font size 11; axes and titles take about 120 pixels.
    let longest = labels.map(\.count).max() ?? 0
    let width = Double(longest * 8 + 70) / Double(max(size.width - 120, 1))
    let height = Double(labels.count * 20 + 24) / Double(max(size.height - 120, 1))
    guard width < 0.6, height < 0.6 else { return nil }
    func place(_ value: Double, _ ends: (lower: Double, upper: Double), _ axis: Axis) -> Double {
      let onAxis: (Double) -> Double = axis.scale == .log ? { log10($0) } : { $0 }
      let share = (onAxis(value) - onAxis(ends.lower)) / (onAxis(ends.upper) - onAxis(ends.lower))
      return axis.isReversed ? 1 - share : share
    }
    let across = (0...50).map { Double($0) / 50 }
    var drawn = panel.marks.flatMap { mark -> [(x: Double, y: Double)] in
      guard case .rule(let rule) = mark else { return [] }
      switch rule.course {
      case .horizontal(let y): return across.map { ($0, place(y, frame.y, panel.y)) }
      case .vertical(let x): return across.map { (place(x, frame.x, panel.x), $0) }
      case .diagonal: return []  // a legend may touch it: it goes through two corners anyway
      }
    }
    drawn += panel.marks.flatMap { Self.samples(of: $0, floor: frame.floor) }
      .filter { isDrawable($0.x, panel.x.scale) && isDrawable($0.y, panel.y.scale) }
      .map { (x: place($0.x, frame.x, panel.x), y: place($0.y, frame.y, panel.y)) }
    let covered = Corner.allCases.map { corner in
      drawn.count { corner.covers($0.x, $0.y, width: width, height: height) }
    }
    let least = covered.min()!
    return least * 100 <= drawn.count ? Corner.allCases[covered.firstIndex(of: least)!] : nil
  }

  /// Some hundred places that a mark covers.
  private static func samples(of mark: Mark, floor: Double) -> [(x: Double, y: Double)] {
    switch mark {
    case .line(let line): along(line.x, line.y)
    case .band(let band): along(band.x, band.lower) + along(band.x, band.upper)
    case .points(let points):
      Thinning.cloud(count: points.x.count, most: 400).flatMap { place in
        let error = points.errors.isEmpty ? 0 : points.errors[place]
        return (error == 0 ? [0] : [-error, 0, error]).map { (points.x[place], points.y[place] + $0) }
      }
    case .ellipses(let ellipses):
      ellipses.gaussians.flatMap { gaussian in
        let outline = gaussian.outline(deviation: ellipses.deviations.max() ?? 0, count: 33)
        return Array(zip(outline.x, outline.y)).map { (x: $0, y: $1) }
      }
    case .bars(let bars):
      bars.heights.enumerated().flatMap { index, height in
        let error = bars.errors.isEmpty ? 0 : bars.errors[index] * (height < floor ? -1 : 1)
        // Bars of several marks stand side by side around their number.
        return [-0.3, 0, 0.3].flatMap { column(Double(index) + $0, from: floor, to: height + error) }
      }
    case .histogram(let histogram):
      histogram.heights.enumerated().flatMap { index, height in
        column((histogram.edges[index] + histogram.edges[index + 1]) / 2, from: floor, to: height)
      }
    case .text(let text): [(text.x, text.y)]
    case .rule, .heatMap, .contours: []
    }
  }

  /// Places along a curve, also between its points.
  private static func along(_ x: [Double], _ y: [Double]) -> [(x: Double, y: Double)] {
    guard x.count > 1 else { return Array(zip(x, y)).map { (x: $0, y: $1) } }
    return (0..<200).map { sample in
      let position = Double(sample) / 199 * Double(x.count - 1)
      let below = min(Int(position), x.count - 2)
      let share = position - Double(below)
      return (x[below] * (1 - share) + x[below + 1] * share, y[below] * (1 - share) + y[below + 1] * share)
    }
  }

  private static func column(_ x: Double, from floor: Double, to height: Double) -> [(x: Double, y: Double)] {
    (0...10).map { (x, floor + (height - floor) * Double($0) / 10) }
  }
}
