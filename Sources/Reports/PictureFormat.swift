/// What gnuplot draws a plot as. Pictures that are made of pixels, such as grids of images, are PNG always.
public enum PictureFormat: String, CaseIterable, Sendable {
  case png, svg, pdf

  /// What gnuplot is to write to standard output.
  /// - Parameters:
  ///   - width: in pixels; of a PDF at 96 an inch.
  ///   - height: as `width`.
  func terminal(width: Int, height: Int) -> String {
    let options = "enhanced font 'sans,11' background '#ffffff'"
    return switch self {
    case .png: "pngcairo size \(width),\(height) \(options)"
    case .svg: "svg size \(width),\(height) dynamic \(options)"
    // A point of a font is a pixel of a PNG, which has 96 pixels an inch here.
    case .pdf: "pdfcairo size \(Double(width) / 96)in,\(Double(height) / 96)in fontscale 0.75 \(options)"
    }
  }

  /// Whether the bytes are a whole document of this kind; of a PNG its decoder says more.
  func isWhole(_ bytes: [UInt8]) -> Bool {
    func ends(_ text: String) -> Bool {
      bytes.suffix(64).split(whereSeparator: { $0 == 10 || $0 == 13 }).last.map { $0.elementsEqual(text.utf8) } ?? false
    }
    return switch self {
    case .png: !bytes.isEmpty
    case .svg: bytes.starts(with: Array("<?xml".utf8)) && ends("</svg>")
    case .pdf: bytes.starts(with: Array("%PDF-".utf8)) && ends("%%EOF")
    }
  }
}
