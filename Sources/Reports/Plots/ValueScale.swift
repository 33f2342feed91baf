import Figures

/// Which colour a number has: the ends of the colour bar and what lies between.
struct ValueScale {
  let lower: Double
  let upper: Double
  let colorMap: ColorMap

  init(_ values: [Double], colorMap: ColorMap, lower: Double? = nil, upper: Double? = nil) {
    let finite = values.filter { isDrawable($0, .linear) }
    var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    if colorMap == .diverging {  // zero lies in the middle, where the colour is none
      high = max(abs(low), abs(high))
      low = -high
    }
    (low, high) = (lower ?? low, upper ?? high)
    let isEmpty = !(high - low > max(abs(low), abs(high)) * 1e-9)
    self.lower = isEmpty ? low - 0.5 : low
    self.upper = isEmpty ? low + 0.5 : high
    self.colorMap = colorMap
  }

  init(_ map: HeatMap) {
    self.init(map.values, colorMap: map.colorMap, lower: map.lower, upper: map.upper)
  }

  func color(_ value: Double) -> RGB {
    value.isFinite ? colorMap.color(at: (value - lower) / (upper - lower)) : Palette.neutral
  }

  /// The commands that give gnuplot's colour bar the same colours.
  func commands(label: String) -> [String] {
    let stops = colorMap.stops.enumerated().map { "\($0) '\($1.hexadecimal)'" }.joined(separator: ", ")
    return [
      "set palette defined (\(stops))",
      "set cbrange [\(GnuplotText.number(lower)):\(GnuplotText.number(upper))]",
      "set cblabel \(GnuplotText.literal(label)) noenhanced",
    ]
  }
}
