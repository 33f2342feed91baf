import Figures

/// Curves and what lies between them.
extension PanelScript {
  private func dash(_ stroke: Line.Stroke) -> String {
    switch stroke {
    case .solid: "dt 1"
    case .dashed: "dt (8,5)"
    case .dotted: "dt (2,4)"
    }
  }

  mutating func add(_ line: Line) {
    let color = colors.take(line.color).hexadecimal
    let rows = Thinning.curve(count: line.x.count, heights: [line.y]).map { place -> [Double]? in
      isDrawable(x: line.x[place], y: line.y[place]) ? [line.x[place], line.y[place]] : nil
    }
    // Many points are noise more often than not, and thick noise is a wall.
    let stroke = "lw \(line.x.count > 1000 ? 1 : 2) \(dash(line.stroke)) lc rgb '\(color)'"
    switch line.shape {
    case .straight:
      plot(rows, "using 1:2 with lines \(stroke)")
      entry(line.label, "with lines \(stroke)")
    case .steps:
      plot(rows, "using 1:2 with steps \(stroke)")
      entry(line.label, "with lines \(stroke)")
    case .filled:
      let area = "fs transparent solid 0.25 noborder fc rgb '\(color)'"
      plot(rows, "using 1:2 with filledcurves y=\(GnuplotText.number(frame.floor)) \(area)")
      plot(rows, "using 1:2 with lines \(stroke)")
      entry(line.label, "with lines \(stroke)")
    }
  }

  mutating func add(_ band: Band) {
    let color = colors.take(band.color).hexadecimal
    let places = Thinning.curve(count: band.x.count, heights: [band.lower, band.upper])
    let rows = places.map { place -> [Double]? in
      let (x, lower, upper) = (band.x[place], band.lower[place], band.upper[place])
      return isDrawable(x: x, y: lower) && isDrawable(x: x, y: upper) ? [x, lower, upper] : nil
    }
    let fill = "fs transparent solid \(GnuplotText.number(band.opacity)) noborder fc rgb '\(color)'"
    plot(rows, "using 1:2:3 with filledcurves \(fill)")
    entry(band.label, "with boxes \(fill)")
  }

  mutating func add(_ rule: Rule) {
    let stroke = "lw 1.5 \(dash(rule.stroke)) lc rgb '\(colors.take(rule.color).hexadecimal)'"
    let (x, y) = (frame.x, frame.y)
    let rows: [[Double]]
    switch rule.course {
    case .horizontal(let place):
      rows = isDrawable(x: x.lower, y: place) ? [[x.lower, place], [x.upper, place]] : []
    case .vertical(let place):
      rows = isDrawable(x: place, y: y.lower) ? [[place, y.lower], [place, y.upper]] : []
    case .diagonal:
      let (lower, upper) = (max(x.lower, y.lower), min(x.upper, y.upper))
      rows = lower < upper ? [[lower, lower], [upper, upper]] : []
    }
    plot(rows, "using 1:2 with lines \(stroke)")
    entry(rule.label, "with lines \(stroke)")
  }

  mutating func add(_ ellipses: Ellipses) {
    for (index, gaussian) in ellipses.gaussians.enumerated() {
      let color = colors.take(ellipses.color ?? .palette(index)).hexadecimal
      var rows: [[Double]?] = []
      for deviation in ellipses.deviations {
        let outline = gaussian.outline(deviation: deviation)
        rows += zip(outline.x, outline.y).map { isDrawable(x: $0, y: $1) ? [$0, $1] : nil } + [nil]
      }
      plot(rows, "using 1:2 with lines lw 2 lc rgb '\(color)'")
    }
    entry(ellipses.label, "with lines lw 2 lc rgb '\(colors.take(ellipses.color ?? .neutral).hexadecimal)'")
  }

  mutating func add(_ contours: Contours) {
    let levels = contours.levels.filter { Reports.isDrawable($0, .linear) }
    guard contours.x.count > 1, contours.y.count > 1, !levels.isEmpty else { return }
    var rows: [[Double]?] = []
    for (row, y) in contours.y.enumerated() {
      for (column, x) in contours.x.enumerated() {
        let value = contours.values[row * contours.x.count + column]
        guard isDrawable(x: x, y: y), Reports.isDrawable(value, .linear) else { return }
        rows.append([x, y, value])
      }
      rows.append(nil)
    }
    let grid = data(rows)
    let lines = nextBlock()
    preparation += [
      "set contour base; unset surface; set cntrparam linear",
      "set cntrparam levels discrete \(levels.map(GnuplotText.number).joined(separator: ","))",
      "set table \(lines); splot \(grid) using 1:2:3; unset table",
      "unset contour; set surface",
    ]
    let stroke = "lw 1.5 lc rgb '\(colors.take(contours.color).hexadecimal)'"
    parts.append("\(lines) using 1:2 with lines \(stroke) notitle")
    entry(contours.label, "with lines \(stroke)")
  }
}
