import Figures

/// The colours that marks are drawn with.
enum Palette {
  /// Ten colours that stay apart for the colour-blind and on white (M. A. Petroff, "Accessible Color Sequences for
  /// Data Visualization", arXiv:2107.02270, the ten-colour sequence).
  static let colors: [RGB] = [
    RGB(0x3f90da), RGB(0xffa90e), RGB(0xbd1f01), RGB(0x94a4a2), RGB(0x832db6),
    RGB(0xa96b59), RGB(0xe76300), RGB(0xb9ac70), RGB(0x717581), RGB(0x92dadd),
  ]

  static func color(_ index: Int) -> RGB {
    let place = index % colors.count
    return colors[place < 0 ? place + colors.count : place]
  }

  static let neutral = RGB(0x8a8a8a)
  static let foreground = RGB(0x262626)
}

/// A colour of 8 bits a channel.
struct RGB: Hashable, Sendable {
  var red: Double
  var green: Double
  var blue: Double

  init(red: Double, green: Double, blue: Double) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  init(_ hexadecimal: Int) {
    self.init(
      red: Double(hexadecimal >> 16 & 0xFF), green: Double(hexadecimal >> 8 & 0xFF), blue: Double(hexadecimal & 0xFF))
  }

  /// 0xRRGGBB, as gnuplot's `rgb variable` takes it.
  var number: Int {
    let channels = [red, green, blue].map { Int(min(max($0, 0), 255).rounded()) }
    return channels[0] << 16 | channels[1] << 8 | channels[2]
  }

  /// `#RRGGBB`.
  var hexadecimal: String {
    let digits = String(number, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// Whether dark text is the more readable on this colour (relative luminance of sRGB, without its exponent).
  var isLight: Bool { 0.299 * red + 0.587 * green + 0.114 * blue > 140 }

  /// The weighted mean of colours. Weights that are not finite or negative count as zero.
  static func mixed(_ colors: [(color: RGB, weight: Double)]) -> RGB {
    var sum = RGB(red: 0, green: 0, blue: 0)
    var total = 0.0
    for (color, weight) in colors where weight > 0 && weight.isFinite {
      sum.red += color.red * weight
      sum.green += color.green * weight
      sum.blue += color.blue * weight
      total += weight
    }
    guard total > 0 else { return Palette.neutral }
    return RGB(red: sum.red / total, green: sum.green / total, blue: sum.blue / total)
  }
}

extension ColorMap {
  /// Colours at even distances from 0 to 1; between them they are mixed.
  var stops: [RGB] {
    switch self {
    case .sequential:  // viridis (S. van der Walt and N. Smith, CC0)
      [0x440154, 0x472c7a, 0x3b518b, 0x2c718e, 0x21908d, 0x27ad81, 0x5cc863, 0xaadc32, 0xfde725].map { RGB($0) }
    case .diverging:  // ColorBrewer's RdBu, reversed
      [0x2166ac, 0x67a9cf, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xef8a62, 0xb2182b].map { RGB($0) }
    case .grey:
      [0xffffff, 0x000000].map { RGB($0) }
    }
  }

  /// The colour at `place` in 0…1; what lies outside has the end's colour.
  func color(at place: Double) -> RGB {
    let stops = stops
    let position = min(max(place, 0), 1) * Double(stops.count - 1)
    let below = min(Int(position), stops.count - 2)
    let share = position - Double(below)
    return RGB.mixed([(stops[below], 1 - share), (stops[below + 1], share)])
  }
}
