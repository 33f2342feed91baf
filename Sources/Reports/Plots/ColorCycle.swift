import Figures

/// Gives marks that ask for no colour of their own one that is not taken.
struct ColorCycle {
  private var taken: Set<Int> = []

  /// Takes the colours that marks name, so that none of them is given to another mark.
  mutating func reserve(_ marks: [Mark]) {
    for mark in marks {
      switch mark {
      case .line(let line): reserve(line.color)
      case .band(let band): reserve(band.color)
      case .bars(let bars): reserve(bars.color)
      case .histogram(let histogram): reserve(histogram.color)
      case .rule(let rule): reserve(rule.color)
      case .text(let text): reserve(text.color)
      case .contours(let contours): reserve(contours.color)
      case .ellipses(let ellipses):
        if let color = ellipses.color { reserve(color) } else { taken.formUnion(ellipses.gaussians.indices) }
      case .points(let points):
        switch points.coloring {
        case .single(let color): reserve(color)
        case .classes(let classes, _): taken.formUnion(Set(classes))
        case .mixture(_, let components, _): taken.formUnion(0..<components)
        case .values: break
        }
      case .heatMap: break
      }
    }
  }

  private mutating func reserve(_ color: Color) {
    if case .palette(let index) = color { taken.insert(index) }
  }

  mutating func take(_ color: Color) -> RGB {
    switch color {
    case .automatic:
      var index = 0
      while taken.contains(index) { index += 1 }
      taken.insert(index)
      return Palette.color(index)
    case .palette(let index): return Palette.color(index)
    case .neutral: return Palette.neutral
    case .foreground: return Palette.foreground
    case .rgb(let red, let green, let blue):
      return RGB(red: Double(red), green: Double(green), blue: Double(blue))
    }
  }
}
