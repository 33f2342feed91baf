import Figures
import Images

/// The labels of an image grid: gnuplot writes the words on an empty sheet, and the grid is laid upon it.
struct GridLabels {
  private let grid: ImageGrid
  private let rowLabels: [String]
  private let picture: Raster
  private let left: Int
  private let top: Int

  /// Pixels of a line of text, and of the widest of usual letters, at gnuplot's font size 11.
  private static let lineHeight = 26
  private static let letterWidth = 9
  /// Letters of a row's label, where one of Hangul counts as two: room for two captions of forty.
  private static let longestLabel = 84

  /// Nil when the grid has no labels.
  init?(_ grid: ImageGrid, picture: Raster) {
    guard !grid.rowLabels.isEmpty || !grid.columnLabels.isEmpty else { return nil }
    self.grid = grid
    self.picture = picture
    rowLabels = grid.rowLabels.map(Self.shortened)
    let longest = rowLabels.map(\.terminalWidth).max() ?? 0
    left = rowLabels.isEmpty ? 0 : longest * Self.letterWidth + 12
    top = grid.columnLabels.isEmpty ? 0 : Self.lineHeight
  }

  /// What fits beside a picture: a longer text is cut at its end, and not by the edge of the sheet at its beginning.
  private static func shortened(_ text: String) -> String {
    guard text.terminalWidth > longestLabel else { return text }
    var (kept, width) = ("", 0)
    for letter in text {
      width += String(letter).terminalWidth
      guard width < longestLabel else { break }
      kept.append(letter)
    }
    return kept + "…"
  }

  var width: Int { left + picture.width }
  var height: Int { top + picture.height }

  /// The sheet with the words.
  var script: String {
    var lines = [
      "set encoding utf8",
      "set terminal pngcairo size \(width),\(height) enhanced font 'sans,11' background '#ffffff'",
      "unset border; unset tics; unset key",
      "set margins 0,0,0,0",
      "set xrange [0:\(width)]; set yrange [\(height):0]",
    ]
    func label(_ text: String, _ x: Int, _ y: Int, _ alignment: String) {
      let ink = "tc rgb '\(Palette.foreground.hexadecimal)'"
      lines.append("set label \(GnuplotText.literal(text)) noenhanced at \(x),\(y) \(alignment) \(ink)")
    }
    let (imageWidth, imageHeight) = (grid.width * grid.effectiveZoom, grid.height * grid.effectiveZoom)
    for (row, text) in rowLabels.enumerated() {
      label(text, left - 6, top + grid.corner(row: row, column: 0).y + imageHeight / 2, "right")
    }
    for (column, text) in grid.columnLabels.enumerated() {
      label(text, left + grid.corner(row: 0, column: column).x + imageWidth / 2, top / 2 + 2, "center")
    }
    lines.append("plot NaN notitle")
    return lines.joined(separator: "\n") + "\n"
  }

  /// The picture upon the sheet that the script drew, which is width × height pixels.
  func lay(upon sheet: Raster) -> Raster {
    let words = sheet.flattened(over: Background(gray: 255))
    // Words are grey or RGB as gnuplot pleases; the picture becomes RGB when either is.
    let channels = max(words.channels, picture.channels)
    var pixels = [UInt8](repeating: 255, count: width * height * channels)
    func copy(_ raster: Raster, x: Int, y: Int) {
      for row in 0..<raster.height {
        for column in 0..<raster.width {
          let from = (row * raster.width + column) * raster.channels
          let to = ((y + row) * width + x + column) * channels
          for channel in 0..<channels {
            // The sheet is opaque; of a grey raster every color is its one sample.
            if channel == 3, raster.channels < 4 { continue }
            pixels[to + channel] = raster.samples[from + (raster.channels == 1 ? 0 : channel)]
          }
        }
      }
    }
    copy(words, x: 0, y: 0)
    copy(picture, x: left, y: top)
    return Raster(width: width, height: height, channels: channels, samples: pixels)
  }
}
