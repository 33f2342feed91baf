/// A mark's colour. What the palette's colours are is the drawing's affair.
public enum Color: Sendable, Hashable {
  /// The number of colors of the palette, the most marks that it can distinguish.
  public static let paletteCount = 10

  /// The palette's next colour that no other mark of the panel has.
  case automatic
  /// The palette's colour at an index, counted modulo its size: marks that belong together share one.
  case palette(Int)
  /// Grey, for what is compared against.
  case neutral
  /// Black, or what stands out most from the background.
  case foreground
  case rgb(red: UInt8, green: UInt8, blue: UInt8)
}

/// How numbers become colours.
public enum ColorMap: Sendable, Hashable {
  /// From dark blue to yellow, even to the eye and readable by the colour-blind (viridis).
  case sequential
  /// From blue over white to red, for signed numbers; zero is white.
  case diverging
  /// From white to black.
  case grey
}
