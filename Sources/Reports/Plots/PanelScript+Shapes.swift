import Figures

/// Points, bars, cells and words.
extension PanelScript {
  mutating func add(_ points: Points, hasColorBar: Bool) {
    let places = Thinning.cloud(count: points.x.count).filter { isDrawable(x: points.x[$0], y: points.y[$0]) }
    let size = points.size ?? Self.symbolSize(count: places.count)
    let symbol = "pt \(Self.symbolNumber(points.symbol)) ps \(GnuplotText.number(size))"
    if !points.errors.isEmpty {
      let bars = places.filter { Reports.isDrawable(points.errors[$0], .linear) }
      errorBars(bars.map { [points.x[$0], points.y[$0], abs(points.errors[$0])] }, Palette.neutral)
    }
    func drawn(_ color: (Int) -> RGB) -> [[Double]] {
      places.map { [points.x[$0], points.y[$0], Double(color($0).number)] }
    }
    switch points.coloring {
    case .single(let color):
      let style = "\(symbol) lc rgb '\(colors.take(color).hexadecimal)'"
      plot(places.map { [points.x[$0], points.y[$0]] }, "using 1:2 with points \(style)")
      entry(points.label, "with points \(style)")
    case .classes(let classes, let names):
      plot(drawn { Palette.color(classes[$0]) }, "using 1:2:3 with points \(symbol) lc rgb variable")
      entries(names, orElse: points.label)
    case .mixture(let weights, let components, let names):
      let rows = drawn { place in
        RGB.mixed((0..<components).map { (Palette.color($0), weights[place * components + $0]) })
      }
      plot(rows, "using 1:2:3 with points \(symbol) lc rgb variable")
      entries(names, orElse: points.label)
    case .values(let values, _, let map):
      let scale = ValueScale(values, colorMap: map)
      if hasColorBar {
        let rows = places.filter { Reports.isDrawable(values[$0], .linear) }
          .map { [points.x[$0], points.y[$0], values[$0]] }
        plot(rows, "using 1:2:3 with points \(symbol) lc palette")
      } else {
        plot(drawn { scale.color(values[$0]) }, "using 1:2:3 with points \(symbol) lc rgb variable")
      }
      entry(points.label, "with points pt 7 ps 1 lc rgb '\(Palette.neutral.hexadecimal)'")
    }
  }

  /// Names in the palette's colors, or one label in none of them.
  private mutating func entries(_ names: [String], orElse label: String) {
    for (index, name) in names.enumerated() {
      entry(name, "with points pt 7 ps 1 lc rgb '\(Palette.color(index).hexadecimal)'")
    }
    if names.isEmpty { entry(label, "with points pt 7 ps 1 lc rgb '\(Palette.neutral.hexadecimal)'") }
  }

  /// Small enough that a cloud shows its density.
  private static func symbolSize(count: Int) -> Double {
    switch count {
    case ...50: 1
    case ...300: 0.7
    case ...2000: 0.45
    default: 0.3
    }
  }

  private static func symbolNumber(_ symbol: Points.Symbol) -> Int {
    switch symbol {
    case .disc: 7
    case .circle: 6
    case .cross: 2
    }
  }

  /// Rows of a rectangle: its middle, then left, right, bottom and top, cut to the frame from below.
  private func rectangle(_ left: Double, _ right: Double, height: Double) -> [Double]? {
    guard isDrawable(x: left, y: panel.y.scale == .log ? 1 : 0), Reports.isDrawable(right, panel.x.scale),
      Reports.isDrawable(height, panel.y.scale)
    else { return nil }
    return [(left + right) / 2, height, left, right, min(frame.floor, height), max(frame.floor, height)]
  }

  private static let solid = "fs solid 0.85 border rgb '#ffffff'"

  mutating func add(_ bars: Bars, place: Int) {
    let color = colors.take(bars.color).hexadecimal
    let group = frame.barMarks
    let width = 0.8 / Double(group)
    func left(_ index: Int) -> Double { Double(index) - 0.4 + Double(place) * width }
    let rows = bars.heights.enumerated().compactMap { index, height in
      rectangle(left(index), left(index) + width, height: height)
    }
    plot(rows, "using 1:2:3:4:5:6 with boxxyerror \(Self.solid) fc rgb '\(color)'")
    if !bars.errors.isEmpty {
      let errors = bars.heights.indices.filter {
        Reports.isDrawable(bars.heights[$0], panel.y.scale) && Reports.isDrawable(bars.errors[$0], .linear)
      }
      errorBars(
        errors.map { [left($0) + width / 2, bars.heights[$0], abs(bars.errors[$0])] }, Palette.foreground)
    }
    entry(bars.label, "with boxes \(Self.solid) fc rgb '\(color)'")
  }

  mutating func add(_ histogram: Histogram) {
    let color = colors.take(histogram.color).hexadecimal
    switch histogram.style {
    case .bars:
      let rows = histogram.heights.enumerated().compactMap { index, height in
        rectangle(histogram.edges[index], histogram.edges[index + 1], height: height)
      }
      plot(rows, "using 1:2:3:4:5:6 with boxxyerror \(Self.solid) fc rgb '\(color)'")
      entry(histogram.label, "with boxes \(Self.solid) fc rgb '\(color)'")
    case .outline:
      var rows: [[Double]?] = []
      let edges = histogram.edges
      for (index, height) in histogram.heights.enumerated() {
        guard let box = rectangle(edges[index], edges[index + 1], height: height) else {
          rows.append(nil)
          continue
        }
        if index == 0 { rows.append([box[2], frame.floor]) }
        rows += [[box[2], height], [box[3], height]]
        if index == histogram.heights.count - 1 { rows.append([box[3], frame.floor]) }
      }
      plot(rows, "using 1:2 with lines lw 2 lc rgb '\(color)'")
      entry(histogram.label, "with lines lw 2 lc rgb '\(color)'")
    }
  }

  mutating func add(_ text: Text) {
    guard isDrawable(x: text.x, y: text.y) else { return }
    label(text.text, x: text.x, y: text.y, "\(text.alignment) tc rgb '\(colors.take(text.color).hexadecimal)'")
  }

  private mutating func label(_ text: String, x: Double, y: Double, _ style: String) {
    let place = "\(GnuplotText.number(x)),\(GnuplotText.number(y))"
    settings.append("set label \(GnuplotText.literal(text)) noenhanced at first \(place) front \(style)")
  }

  /// Up to so many cells are drawn one by one, which keeps their edges sharp; more are one image.
  private static let mostCells = 2500
  /// Up to so many cells show their numbers; in more they would be unreadable.
  private static let mostNumbers = 900

  mutating func add(_ map: HeatMap, hasColorBar: Bool) {
    guard let cells = Frame.cells(of: map) else { return }
    let scale = ValueScale(map)
    var rows: [[Double]] = []
    let isImage = hasColorBar && map.values.count > Self.mostCells && map.x.count > 1 && map.y.count > 1
    for (row, y) in map.y.enumerated() {
      for (column, x) in map.x.enumerated() {
        let value = map.values[row * map.x.count + column]
        guard Reports.isDrawable(value, .linear) else {
          if isImage { rows.append([x, y, .nan]) }  // an image has all its cells
          continue
        }
        let edges = [
          x - cells.width / 2, x + cells.width / 2, y - cells.height / 2, y + cells.height / 2,
        ]
        let color = hasColorBar ? value : Double(scale.color(value).number)
        rows.append(isImage ? [x, y, value] : [x, y] + edges + [color])
        if map.showsValues && map.values.count <= Self.mostNumbers {
          let ink = scale.color(value).isLight ? Palette.foreground.hexadecimal : "#ffffff"
          label(GnuplotText.short(value, among: scale.upper - scale.lower), x: x, y: y, "center tc rgb '\(ink)'")
        }
      }
    }
    if isImage {
      plot(rows, "using 1:2:3 with image")
    } else {
      plot(
        rows, "using 1:2:3:4:5:6:7 with boxxyerror fs solid 1 noborder fc \(hasColorBar ? "palette" : "rgb variable")")
    }
  }
}
