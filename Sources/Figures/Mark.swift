/// One thing drawn in a panel.
///
/// Every mark with a label has an entry in the panel's legend. Points that are not finite are not drawn; they break a
/// line where they stand.
public enum Mark: Sendable, Hashable {
  case line(Line)
  case points(Points)
  case band(Band)
  case bars(Bars)
  case histogram(Histogram)
  case rule(Rule)
  case text(Text)
  case ellipses(Ellipses)
  case heatMap(HeatMap)
  case contours(Contours)
}

/// A curve through points, in their order.
public struct Line: Sendable, Hashable {
  public enum Shape: Sendable, Hashable {
    case straight
    /// Constant from each point to the next.
    case steps
    /// The area between the curve and zero is filled: a density.
    case filled
  }

  public enum Stroke: Sendable, Hashable { case solid, dashed, dotted }

  public let label: String
  public let x: [Double]
  public let y: [Double]
  public let color: Color
  public let shape: Shape
  public let stroke: Stroke

  public init(
    _ label: String = "", x: [Double], y: [Double], color: Color = .automatic, shape: Shape = .straight,
    stroke: Stroke = .solid
  ) {
    precondition(x.count == y.count, "one y for each x")
    self.label = label
    self.x = x
    self.y = y
    self.color = color
    self.shape = shape
    self.stroke = stroke
  }
}

/// A cloud of points.
public struct Points: Sendable, Hashable {
  public enum Coloring: Sendable, Hashable {
    case single(Color)
    /// The palette's colour at each point's class. Names, where given, stand in the legend instead of the label.
    case classes([Int], names: [String] = [])
    /// The palette's first `components` colours mixed by each point's weights (points × components, row by row;
    /// responsibilities of a mixture). Names, where given, stand in the legend instead of the label.
    case mixture(weights: [Double], components: Int, names: [String] = [])
    /// By a number for each point, with a colour bar.
    case values([Double], label: String = "", ColorMap = .sequential)
  }

  public enum Symbol: Sendable, Hashable { case disc, circle, cross }

  public let label: String
  public let x: [Double]
  public let y: [Double]
  /// Half the length of a vertical error bar for each point, or none.
  public let errors: [Double]
  public let coloring: Coloring
  public let symbol: Symbol
  /// The symbol's size, 1 being readable among hundreds. Nil: by the number of points.
  public let size: Double?

  public init(
    _ label: String = "", x: [Double], y: [Double], errors: [Double] = [], coloring: Coloring = .single(.automatic),
    symbol: Symbol = .disc, size: Double? = nil
  ) {
    precondition(x.count == y.count, "one y for each x")
    precondition(errors.isEmpty || errors.count == x.count, "one error for each point")
    switch coloring {
    case .single: break
    case .classes(let classes, _): precondition(classes.count == x.count, "one class for each point")
    case .mixture(let weights, let components, _):
      precondition(components > 0 && weights.count == x.count * components, "one weight for each point and component")
    case .values(let values, _, _): precondition(values.count == x.count, "one value for each point")
    }
    self.label = label
    self.x = x
    self.y = y
    self.errors = errors
    self.coloring = coloring
    self.symbol = symbol
    self.size = size
  }
}

/// The area between two curves: an interval of a prediction.
public struct Band: Sendable, Hashable {
  public let label: String
  public let x: [Double]
  public let lower: [Double]
  public let upper: [Double]
  public let color: Color
  /// 0 is invisible, 1 hides what lies below.
  public let opacity: Double

  public init(
    _ label: String = "", x: [Double], lower: [Double], upper: [Double], color: Color = .automatic,
    opacity: Double = 0.25
  ) {
    precondition(x.count == lower.count && x.count == upper.count, "one lower and upper end for each x")
    precondition((0...1).contains(opacity), "opacity is in 0…1")
    self.label = label
    self.x = x
    self.lower = lower
    self.upper = upper
    self.color = color
    self.opacity = opacity
  }
}

/// One bar for each of the x axis's categories. Several marks of this kind in a panel stand side by side.
public struct Bars: Sendable, Hashable {
  public let label: String
  /// The bar at 0, 1, 2 …
  public let heights: [Double]
  /// Half the length of an error bar for each, or none.
  public let errors: [Double]
  public let color: Color

  public init(_ label: String = "", heights: [Double], errors: [Double] = [], color: Color = .automatic) {
    precondition(errors.isEmpty || errors.count == heights.count, "one error for each bar")
    self.label = label
    self.heights = heights
    self.errors = errors
    self.color = color
  }
}

/// A straight line across the whole panel.
public struct Rule: Sendable, Hashable {
  public enum Course: Sendable, Hashable {
    case horizontal(Double)
    case vertical(Double)
    /// y = x.
    case diagonal
  }

  public let label: String
  public let course: Course
  public let color: Color
  public let stroke: Line.Stroke

  public init(_ course: Course, label: String = "", color: Color = .neutral, stroke: Line.Stroke = .dashed) {
    self.label = label
    self.course = course
    self.color = color
    self.stroke = stroke
  }
}

/// Words at a place.
public struct Text: Sendable, Hashable {
  public enum Alignment: Sendable, Hashable { case left, center, right }

  public let text: String
  public let x: Double
  public let y: Double
  public let alignment: Alignment
  public let color: Color

  public init(_ text: String, x: Double, y: Double, alignment: Alignment = .center, color: Color = .foreground) {
    self.text = text
    self.x = x
    self.y = y
    self.alignment = alignment
    self.color = color
  }
}
