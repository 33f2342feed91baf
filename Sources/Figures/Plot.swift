/// One or more panels in a grid.
public struct Plot: Sendable, Hashable {
  /// Row by row.
  public let panels: [Panel]
  /// Panels in a row.
  public let columns: Int
  /// Pixels of one panel. Nil: chosen by the number of panels.
  public let panelSize: PixelSize?

  public struct PixelSize: Sendable, Hashable {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) {
      precondition(width > 0 && height > 0, "a panel has a size")
      self.width = width
      self.height = height
    }
  }

  public var rows: Int { (panels.count + columns - 1) / columns }

  /// - Parameter columns: panels in a row; nil puts up to three in one row, four in two, and more in rows of three or
  ///   four, so that the last row is not left empty.
  public init(_ panels: [Panel], columns: Int? = nil, panelSize: PixelSize? = nil) {
    precondition(!panels.isEmpty, "a plot has panels")
    precondition((columns ?? 1) > 0, "rows have columns")
    self.panels = panels
    let few =
      switch panels.count {
      case ...3: panels.count
      case 4: 2
      case 5, 6, 9: 3
      default: 4
      }
    self.columns = min(columns ?? few, panels.count)
    self.panelSize = panelSize
  }

  public init(_ panel: Panel, size: PixelSize? = nil) {
    self.init([panel], panelSize: size)
  }
}

/// One pair of axes with what is drawn between them, the first mark lowest.
public struct Panel: Sendable, Hashable {
  public let title: String
  public let x: Axis
  public let y: Axis
  public let marks: [Mark]
  /// One unit is as long on the x axis as on the y axis, unless one would be four times longer than the other: for latent
  /// spaces and whatever has a geometry.
  public let equalAspect: Bool
  public let legend: Legend

  public enum Legend: Sendable, Hashable {
    /// In the corner where it covers next to nothing, or beside the panel; none when the panel's only mark has the
    /// only label.
    case automatic
    case none
    case topLeft, topRight, bottomLeft, bottomRight
    /// Beside the panel, on its right.
    case beside
  }

  public init(
    title: String = "", x: Axis = Axis(), y: Axis = Axis(), equalAspect: Bool = false, legend: Legend = .automatic,
    _ marks: [Mark]
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.equalAspect = equalAspect
    self.legend = legend
    self.marks = marks
  }
}

public struct Axis: Sendable, Hashable {
  public enum Scale: Sendable, Hashable {
    case linear
    /// Base 10; numbers that are not positive are not drawn.
    case log
  }

  /// What the axis counts, with its unit: "step", "ELBO (nats)".
  public let label: String
  public let scale: Scale
  /// The ends of the axis; nil is chosen by the data.
  public let lower: Double?
  public let upper: Double?
  /// Names at 0, 1, 2 … in place of numbers: for bar charts and confusion matrices.
  public let categories: [String]
  /// Whether the axis grows downwards or leftwards: the first row of a matrix belongs at the top.
  public let isReversed: Bool

  public init(
    _ label: String = "", scale: Scale = .linear, lower: Double? = nil, upper: Double? = nil,
    categories: [String] = [], isReversed: Bool = false
  ) {
    self.label = label
    self.scale = scale
    self.lower = lower
    self.upper = upper
    self.categories = categories
    self.isReversed = isReversed
  }
}
