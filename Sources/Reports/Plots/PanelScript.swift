import Figures

/// The commands that draw one panel, collected mark by mark.
struct PanelScript {
  /// Data blocks and contour tables: what must stand before the picture begins.
  var preparation: [String] = []
  /// Comma-separated parts of the `plot` command, the lowest first.
  var parts: [String] = []
  /// Labels and other settings that marks need.
  var settings: [String] = []
  /// Entries of the legend, which stand after what is drawn.
  var legend: [(label: String, command: String)] = []

  let panel: Panel
  let frame: Frame
  private let number: Int
  var colors = ColorCycle()
  private var blocks = 0

  /// - Parameter number: the panel's place in the figure; it keeps the names of data blocks apart.
  init(_ panel: Panel, number: Int) {
    self.panel = panel
    self.number = number
    frame = Frame(panel)
    colors.reserve(panel.marks)
    var bars = 0
    for (index, mark) in panel.marks.enumerated() {
      switch mark {
      case .line(let line): add(line)
      case .points(let points): add(points, hasColorBar: index == frame.colorBarMark)
      case .band(let band): add(band)
      case .bars(let group):
        add(group, place: bars)
        bars += 1
      case .histogram(let histogram): add(histogram)
      case .rule(let rule): add(rule)
      case .text(let text): add(text)
      case .ellipses(let ellipses): add(ellipses)
      case .heatMap(let map): add(map, hasColorBar: index == frame.colorBarMark)
      case .contours(let contours): add(contours)
      }
    }
  }

  /// A name for a data block, which no other has.
  mutating func nextBlock() -> String {
    blocks += 1
    return "$p\(number)_\(blocks)"
  }

  /// Puts rows of numbers into a data block and returns its name; nil stands for a break in a curve, NaN for a number
  /// that is missing.
  mutating func data(_ rows: [[Double]?]) -> String {
    let name = nextBlock()
    var text = "\(name) << EOD\n"
    var canBreak = false
    for row in rows {
      if let row {
        text += row.map { $0.isNaN ? "NaN" : GnuplotText.number($0) }.joined(separator: " ") + "\n"
        canBreak = true
      } else if canBreak {
        // One empty line breaks a curve; two would start another data set.
        text += "\n"
        canBreak = false
      }
    }
    preparation.append(text + "EOD")
    return name
  }

  /// Adds a part of the plot command, unless there is nothing to draw: gnuplot stops at data without points.
  mutating func plot(_ rows: [[Double]?], _ style: String) {
    guard rows.contains(where: { $0 != nil }) else { return }
    parts.append("\(data(rows)) \(style) notitle")
  }

  /// Adds vertical lines, of x, y and half the length.
  mutating func errorBars(_ rows: [[Double]], _ color: RGB) {
    plot(rows, "using 1:($2-$3):(0):(2*$3) with vectors nohead lw 1.5 dt 1 lc rgb '\(color.hexadecimal)'")
  }

  mutating func entry(_ label: String, _ style: String) {
    guard !label.isEmpty else { return }
    legend.append((label, "keyentry \(style) title \(GnuplotText.literal(label))"))
  }

  func isDrawable(x: Double, y: Double) -> Bool {
    Reports.isDrawable(x, panel.x.scale) && Reports.isDrawable(y, panel.y.scale)
  }
}
