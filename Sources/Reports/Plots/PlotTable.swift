import Figures

/// The numbers of a plot as a CSV file (RFC 4180, UTF-8, one header line), in long form: one row for each thing that
/// has a place.
///
/// | column | holds |
/// |---|---|
/// | `panel` | the panel's title; its number, from 1, when titles are empty or repeat |
/// | `mark` | `line`, `points`, `band`, `bars`, `histogram`, `rule`, `text`, `ellipse`, `cell` or `contour` |
/// | `series` | the mark's label |
/// | `x`, `y` | the place; of an ellipse its centre, of a bar of a histogram its left edge and height |
/// | `x2` | the right edge of a histogram's bar |
/// | `lower`, `upper` | the ends of a band or of an error bar |
/// | `value` | the number of a heat map's cell, of a grid that contours belong to, or that colours a point |
/// | `class` | a point's class, or the name of a bar |
/// | `xx`, `xy`, `yy` | the covariance of an ellipse |
/// | `w0`, `w1` … | a point's weight for each component of a mixture |
/// | `text` | the words of a text |
///
/// Only columns that some mark has are written. All numbers are there, also those that are not drawn, with as many
/// digits as give back the same Double; NaN is an empty field, infinities are `inf` and `-inf`.
package struct PlotTable {
  package let text: String

  package init(_ plot: Plot) {
    let titles = plot.panels.map(\.title)
    let hasTitles = !titles.contains("") && Set(titles).count == titles.count
    var parts: [(panel: String, part: Part)] = []
    for (index, panel) in plot.panels.enumerated() {
      for mark in panel.marks {
        parts += Self.parts(of: mark, x: panel.x).map { (hasTitles ? panel.title : "\(index + 1)", $0) }
      }
    }
    let columns = parts.reduce(into: [.x, .y] as Set<Column>) { $0.formUnion($1.part.fields.keys) }.sorted()

    var text = (["panel", "mark", "series"] + columns.map(\.name)).joined(separator: ",") + "\n"
    for (panel, part) in parts {
      let start = [panel, part.mark, part.series].map(CSVText.field).joined(separator: ",")
      let fields = columns.map { part.fields[$0] }
      for row in 0..<part.count {
        text += start
        for field in fields {
          text += ","
          text += field?(row) ?? ""
        }
        text += "\n"
      }
    }
    self.text = text
  }

  enum Column: Hashable, Comparable {
    case x, y, x2, lower, upper, value, category, xx, xy, yy, weight(Int), text

    var name: String {
      switch self {
      case .category: "class"
      case .weight(let component): "w\(component)"
      default: "\(self)"
      }
    }
  }

  /// Rows that have the same columns.
  struct Part {
    let mark: String
    let series: String
    let count: Int
    /// The field of each row, as it stands in the file.
    var fields: [Column: (Int) -> String]

    init(_ mark: String, _ series: String, count: Int, _ numbers: [Column: [Double]]) {
      self.mark = mark
      self.series = series
      self.count = count
      fields = numbers.mapValues { values in { PlotTable.number(values[$0]) } }
    }
  }

  private static func number(_ value: Double) -> String {
    value.isNaN ? "" : "\(value)"
  }
}

extension PlotTable {
  private static func parts(of mark: Mark, x axis: Axis) -> [Part] {
    switch mark {
    case .line(let line):
      return [Part("line", line.label, count: line.x.count, [.x: line.x, .y: line.y])]
    case .points(let points):
      return [part(points)]
    case .band(let band):
      // The middle is no number of the band's own; its place is x alone.
      return [
        Part("band", band.label, count: band.x.count, [.x: band.x, .lower: band.lower, .upper: band.upper])
      ]
    case .bars(let bars):
      let places = bars.heights.indices
      var part = Part("bars", bars.label, count: places.count, [.x: places.map(Double.init), .y: bars.heights])
      if !bars.errors.isEmpty {
        part.fields[.lower] = { number(bars.heights[$0] - bars.errors[$0]) }
        part.fields[.upper] = { number(bars.heights[$0] + bars.errors[$0]) }
      }
      part.fields[.category] = { $0 < axis.categories.count ? CSVText.field(axis.categories[$0]) : "" }
      return [part]
    case .histogram(let histogram):
      let edges = histogram.edges
      return [
        Part(
          "histogram", histogram.label, count: histogram.heights.count,
          [.x: Array(edges.dropLast()), .x2: Array(edges.dropFirst()), .y: histogram.heights])
      ]
    case .rule(let rule):
      switch rule.course {
      case .horizontal(let place): return [Part("rule", rule.label, count: 1, [.y: [place]])]
      case .vertical(let place): return [Part("rule", rule.label, count: 1, [.x: [place]])]
      case .diagonal: return [Part("rule", rule.label, count: 1, [:])]
      }
    case .text(let text):
      var part = Part("text", "", count: 1, [.x: [text.x], .y: [text.y]])
      part.fields[.text] = { _ in CSVText.field(text.text) }
      return [part]
    case .ellipses(let ellipses):
      let gaussians = ellipses.gaussians
      return [
        Part(
          "ellipse", ellipses.label, count: gaussians.count,
          [
            .x: gaussians.map(\.meanX), .y: gaussians.map(\.meanY), .xx: gaussians.map(\.varianceX),
            .xy: gaussians.map(\.covariance), .yy: gaussians.map(\.varianceY),
          ])
      ]
    case .heatMap(let map):
      return [grid("cell", map.label, x: map.x, y: map.y, values: map.values)]
    case .contours(let contours):
      return [grid("contour", contours.label, x: contours.x, y: contours.y, values: contours.values)]
    }
  }

  private static func part(_ points: Points) -> Part {
    var part = Part("points", points.label, count: points.x.count, [.x: points.x, .y: points.y])
    if !points.errors.isEmpty {
      part.fields[.lower] = { number(points.y[$0] - points.errors[$0]) }
      part.fields[.upper] = { number(points.y[$0] + points.errors[$0]) }
    }
    switch points.coloring {
    case .single: break
    case .classes(let classes, let names):
      part.fields[.category] = {
        names.indices.contains(classes[$0]) ? CSVText.field(names[classes[$0]]) : "\(classes[$0])"
      }
    case .mixture(let weights, let components, _):
      for component in 0..<components {
        part.fields[.weight(component)] = { number(weights[$0 * components + component]) }
      }
    case .values(let values, _, _):
      part.fields[.value] = { number(values[$0]) }
    }
    return part
  }

  private static func grid(_ mark: String, _ label: String, x: [Double], y: [Double], values: [Double]) -> Part {
    var part = Part(mark, label, count: values.count, [.value: values])
    part.fields[.x] = { number(x[$0 % x.count]) }
    part.fields[.y] = { number(y[$0 / x.count]) }
    return part
  }
}
