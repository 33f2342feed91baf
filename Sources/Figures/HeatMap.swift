/// A number for each cell of a rectangle, as colour.
public struct HeatMap: Sendable, Hashable {
  /// Says what the numbers are, at the colour bar.
  public let label: String
  /// The cells' middles, evenly spaced, ascending or descending.
  public let x: [Double]
  public let y: [Double]
  /// y.count × x.count, row by row: the row at y[0] first.
  public let values: [Double]
  public let colorMap: ColorMap
  /// The numbers at the ends of the colours; nil is chosen by the data (even around zero for signed colours).
  public let lower: Double?
  public let upper: Double?
  /// Whether each cell shows its number: for a confusion matrix.
  public let showsValues: Bool
  /// Whether a colour bar says which colour is which number: densities to be compared by eye need none.
  public let showsScale: Bool

  public init(
    _ label: String = "", x: [Double], y: [Double], values: [Double], colorMap: ColorMap = .sequential,
    lower: Double? = nil, upper: Double? = nil, showsValues: Bool = false, showsScale: Bool = true
  ) {
    precondition(values.count == x.count * y.count, "one value for each x and y")
    self.label = label
    self.x = x
    self.y = y
    self.values = values
    self.colorMap = colorMap
    self.lower = lower
    self.upper = upper
    self.showsValues = showsValues
    self.showsScale = showsScale
  }

  /// A matrix: cell (row, column) lies at x = column, y = row. With ``Axis/categories`` on both axes, and the y axis
  /// reversed, it reads like one.
  public init(
    _ label: String = "", rows: Int, columns: Int, values: [Double], colorMap: ColorMap = .sequential,
    lower: Double? = nil, upper: Double? = nil, showsValues: Bool = false
  ) {
    self.init(
      label, x: (0..<columns).map(Double.init), y: (0..<rows).map(Double.init), values: values, colorMap: colorMap,
      lower: lower, upper: upper, showsValues: showsValues)
  }
}

/// Lines of equal height of a function known on a grid: a density, or where a classifier is undecided.
public struct Contours: Sendable, Hashable {
  public let label: String
  /// Ascending.
  public let x: [Double]
  /// Ascending.
  public let y: [Double]
  /// y.count × x.count, row by row: the row at y[0] first.
  public let values: [Double]
  /// The heights at which lines are drawn.
  public let levels: [Double]
  public let color: Color

  public init(
    _ label: String = "", x: [Double], y: [Double], values: [Double], levels: [Double], color: Color = .neutral
  ) {
    precondition(values.count == x.count * y.count, "one value for each x and y")
    self.label = label
    self.x = x
    self.y = y
    self.values = values
    self.levels = levels
    self.color = color
  }
}
