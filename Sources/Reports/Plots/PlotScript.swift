import Figures

/// A plot as commands for gnuplot (5.4 or later), which writes a picture to its standard output.
///
/// Numbers travel as data blocks in the script and words as literals, so nothing that a figure holds is a command.
package struct PlotScript {
  package let text: String
  /// Of the picture, in pixels.
  package let width: Int
  package let height: Int

  package init(_ plot: Plot, title: String, format: PictureFormat = .png) {
    let size = plot.panelSize ?? Self.panelSize(of: plot)
    width = min(size.width * plot.columns, Self.mostPixels)
    let bannerHeight = plot.panels.count > 1 && !title.isEmpty ? 40 : 0
    height = min(size.height * plot.rows + bannerHeight, Self.mostPixels)

    let panels = plot.panels.enumerated().map { PanelScript($1, number: $0) }
    var lines = [
      "set encoding utf8",
      "set terminal \(format.terminal(width: width, height: height))",
    ]
    lines += panels.flatMap(\.preparation)
    lines += Self.style
    if panels.count == 1 {
      // One panel has room for one title; a figure's own comes first.
      lines += Self.commands(panels[0], title: title.isEmpty ? plot.panels[0].title : title, size: size)
    } else {
      let banner = title.isEmpty ? "" : "title \(GnuplotText.literal(title)) noenhanced font ',14' "
      lines.append("set multiplot layout \(plot.rows),\(plot.columns) rowsfirst \(banner)")
      for panel in panels { lines += Self.commands(panel, title: panel.panel.title, size: size) }
      lines.append("unset multiplot")
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  /// A side longer than this is no picture any more.
  private static let mostPixels = 8000

  private static func panelSize(of plot: Plot) -> Plot.PixelSize {
    switch plot.panels.count {
    case 1: .init(width: plot.panels[0].equalAspect ? 760 : 900, height: plot.panels[0].equalAspect ? 700 : 560)
    case ...4: .init(width: 640, height: 480)
    default: .init(width: 480, height: 380)
    }
  }

  /// Thin grey axes on two sides and a light grid behind the data: the data is what stands out.
  private static let style = [
    "set border 3 lw 1 lc rgb '#8a8a8a'",
    "set tics nomirror out scale 0.5 textcolor rgb '#404040'",
    "set grid back lt 1 lw 0.6 lc rgb '#e4e4e4'",
    "set style textbox noborder",
    "set errorbars small",
    "set colorbox noborder",
    "set format cb '%h'",
  ]

  private static func commands(_ script: PanelScript, title: String, size: Plot.PixelSize) -> [String] {
    let panel = script.panel
    let ink = "tc rgb '\(Palette.foreground.hexadecimal)'"
    var lines = [
      "unset label",
      title.isEmpty ? "unset title" : "set title \(GnuplotText.literal(title)) noenhanced font ',13' \(ink)",
      "set size \(panel.equalAspect && script.frame.allowsEqualAspect ? "ratio -1" : "noratio")",
    ]
    lines += commands("x", panel.x, script.frame.x, ink)
    lines += commands("y", panel.y, script.frame.y, ink)
    if let mark = script.frame.colorBarMark {
      switch panel.marks[mark] {
      case .heatMap(let map):
        lines += ValueScale(map).commands(label: map.label)
        lines.append(map.showsScale ? "set colorbox noborder" : "unset colorbox")
      case .points(let points):
        if case .values(let values, let label, let map) = points.coloring {
          lines += ValueScale(values, colorMap: map).commands(label: label) + ["set colorbox noborder"]
        }
      default: break
      }
    }
    lines.append(
      LegendPlace(panel: panel, frame: script.frame, labels: script.legend.map(\.label), size: size).command)
    lines += script.settings
    var parts = script.parts
    if parts.isEmpty {
      lines.append("set label 'no data' at graph 0.5,0.5 center tc rgb '\(Palette.neutral.hexadecimal)'")
      parts.append("NaN notitle")
    }
    lines.append("plot \((parts + script.legend.map(\.command)).joined(separator: ", \\\n  "))")
    return lines
  }

  private static func commands(
    _ name: String, _ axis: Axis, _ ends: (lower: Double, upper: Double), _ ink: String
  ) -> [String] {
    let (first, last) = axis.isReversed ? (ends.upper, ends.lower) : (ends.lower, ends.upper)
    var lines = [
      "set \(name)label \(GnuplotText.literal(axis.label)) noenhanced \(ink)",
      axis.scale == .log ? "set logscale \(name) 10" : "unset logscale \(name)",
      "set \(name)range [\(GnuplotText.number(first)):\(GnuplotText.number(last))]",
    ]
    if axis.categories.isEmpty {
      lines.append("set format \(name) '\(tickFormat(axis, ends))'")
      lines.append("set \(name)tics autofreq norotate enhanced")
    } else {
      let names = axis.categories.enumerated().map { "\(GnuplotText.tickLiteral($1)) \($0)" }
      let isCrowded = name == "x" && axis.categories.reduce(0) { $0 + $1.count + 2 } > 70
      lines.append("set format \(name) '%g'")
      lines.append(
        "set \(name)tics \(isCrowded ? "rotate by -40 left" : "norotate") noenhanced (\(names.joined(separator: ", ")))"
      )
    }
    return lines
  }

  /// Powers of ten on logarithmic axes that span some; else numbers, with a power of ten where they would be long.
  private static func tickFormat(_ axis: Axis, _ ends: (lower: Double, upper: Double)) -> String {
    axis.scale == .log && ends.upper / ends.lower > 100 ? "10^{%T}" : "%h"
  }
}
