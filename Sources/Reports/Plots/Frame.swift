import Figures

/// The ends of a panel's axes, and what its marks share.
struct Frame {
  let x: (lower: Double, upper: Double)
  let y: (lower: Double, upper: Double)
  /// Where bars and filled areas stand: zero, or the end of the y axis nearest to it.
  let floor: Double
  /// Marks of bars that stand side by side.
  let barMarks: Int
  /// The mark whose numbers the panel's colour bar explains.
  let colorBarMark: Int?

  /// Whether both axes can have one unit: an axis shorter than a quarter of the other would be a line.
  var allowsEqualAspect: Bool { (0.25...4).contains((y.upper - y.lower) / (x.upper - x.lower)) }

  init(_ panel: Panel) {
    var horizontal = Extent(scale: panel.x.scale)
    var vertical = Extent(scale: panel.y.scale)
    var (hasFloor, fillsPanel) = (false, !panel.marks.isEmpty)
    for mark in panel.marks {
      switch mark {
      case .line(let line):
        Self.include(line.x, line.y, &horizontal, &vertical)
        if line.shape == .filled {
          vertical.include(0)
          hasFloor = true
        }
      case .points(let points):
        Self.include(points.x, points.y, &horizontal, &vertical)
        for (y, error) in zip(points.y, points.errors) {
          vertical.include(y - error)
          vertical.include(y + error)
        }
      case .band(let band):
        Self.include(band.x, band.lower, &horizontal, &vertical)
        Self.include(band.x, band.upper, &horizontal, &vertical)
      case .bars(let bars):
        horizontal.include([-0.6, Double(bars.heights.count) - 0.4])
        vertical.include(bars.heights + [0])
        for (height, error) in zip(bars.heights, bars.errors) { vertical.include([height - error, height + error]) }
        hasFloor = true
      case .histogram(let histogram):
        horizontal.include(histogram.edges)
        vertical.include(histogram.heights + [0])
        hasFloor = true
      case .rule(let rule):
        switch rule.course {
        case .horizontal(let place): vertical.include(place)
        case .vertical(let place): horizontal.include(place)
        case .diagonal: break
        }
      case .text(let text):
        horizontal.include(text.x)
        vertical.include(text.y)
      case .ellipses(let ellipses):
        let most = ellipses.deviations.max() ?? 0
        for gaussian in ellipses.gaussians {
          let outline = gaussian.outline(deviation: most)
          Self.include(outline.x, outline.y, &horizontal, &vertical)
        }
      case .heatMap(let map):
        guard let cells = Self.cells(of: map) else { continue }
        for x in [map.x.first!, map.x.last!] { horizontal.include([x - cells.width / 2, x + cells.width / 2]) }
        for y in [map.y.first!, map.y.last!] { vertical.include([y - cells.height / 2, y + cells.height / 2]) }
      case .contours(let contours):
        horizontal.include(contours.x)
        vertical.include(contours.y)
      }
      if case .heatMap = mark { continue }
      if case .contours = mark { continue }
      if case .text = mark { continue }
      fillsPanel = false
    }
    // What is known all over a rectangle is drawn up to the panel's edges.
    let margin = fillsPanel ? 0 : 0.04
    let hasBars = panel.marks.contains { if case .bars = $0 { true } else { false } }
    x = horizontal.ends(axis: panel.x, margin: hasBars ? 0 : margin, standsOnZero: false)
    y = vertical.ends(axis: panel.y, margin: margin, standsOnZero: hasFloor)
    floor = panel.y.scale == .log ? y.lower : min(max(0, y.lower), y.upper)
    barMarks = panel.marks.count { if case .bars = $0 { true } else { false } }
    colorBarMark =
      panel.marks.firstIndex { if case .heatMap = $0 { true } else { false } }
      ?? panel.marks.firstIndex { mark in
        if case .points(let points) = mark, case .values = points.coloring { true } else { false }
      }
  }

  /// A point counts only when both of its numbers have a place.
  private static func include(
    _ xs: [Double], _ ys: [Double], _ horizontal: inout Extent, _ vertical: inout Extent
  ) {
    for (x, y) in zip(xs, ys) where horizontal.hasPlace(for: x) && vertical.hasPlace(for: y) {
      horizontal.include(x)
      vertical.include(y)
    }
  }

  /// The size of a heat map's cells; nil when it has none, or when their middles are not numbers.
  static func cells(of map: HeatMap) -> (width: Double, height: Double)? {
    func spacing(_ middles: [Double]) -> Double? {
      guard let first = middles.first, let last = middles.last else { return nil }
      guard middles.allSatisfy({ isDrawable($0, .linear) }) else { return nil }
      return middles.count == 1 ? 1 : abs(last - first) / Double(middles.count - 1)
    }
    guard let width = spacing(map.x), let height = spacing(map.y), width > 0, height > 0 else { return nil }
    return (width, height)
  }
}
