import Figures
import Files
import Glibc
import Images

/// Draws figures into a folder: image grids as NAME.png, plots as NAME.png, NAME.svg or NAME.pdf and their numbers as NAME.csv.
///
/// Plots and labels need gnuplot. Without it, or when it fails, everything else is written all the same, and a note
/// says what is missing: a picture never stops a training.
public struct FigureWriter: Sendable {
  /// Where the files go; made when it is not there.
  public let folder: String
  private let format: PictureFormat
  private let gnuplot: Gnuplot?

  /// - Parameter format: of plots.
  public init(folder: String, format: PictureFormat = .png, gnuplot: Gnuplot? = .find()) {
    self.folder = folder
    self.format = format
    self.gnuplot = gnuplot
  }

  /// What came of figures.
  public struct Outcome: Sendable, Hashable {
    /// The pictures, as paths.
    public var pictures: [String] = []
    /// The tables beside them, as paths.
    public var tables: [String] = []
    /// What is missing and why, each said once, for the user.
    public var notes: [String] = []
  }

  /// Writes figures one after the other; one with the name of an earlier one replaces it.
  public func write(_ figures: [Figure]) async throws(FileError) -> Outcome {
    var outcome = Outcome()
    guard !figures.isEmpty else { return outcome }
    try makeFolder()
    for figure in figures {
      let stem = folder + "/" + figure.name
      switch figure.content {
      case .images(let grid): try await write(grid, to: stem + ".png", &outcome)
      case .plot(let plot): try await write(plot, title: figure.title, to: stem, &outcome)
      }
    }
    return outcome
  }

  /// Writes one image grid to a path of its own.
  public static func write(
    _ grid: ImageGrid, to path: String, gnuplot: Gnuplot? = .find()
  ) async throws(FileError) -> Outcome {
    var outcome = Outcome()
    try await FigureWriter(folder: "", gnuplot: gnuplot).write(grid, to: path, &outcome)
    return outcome
  }

  /// Writes one figure to a path of its own, which ends in .png; a plot's numbers go beside it.
  public static func write(
    _ figure: Figure, to path: String, gnuplot: Gnuplot? = .find()
  ) async throws(FileError) -> Outcome {
    switch figure.content {
    case .images(let grid): return try await write(grid, to: path, gnuplot: gnuplot)
    case .plot(let plot):
      var outcome = Outcome()
      let stem = path.hasSuffix(".png") ? String(path.dropLast(4)) : path
      try await FigureWriter(folder: "", gnuplot: gnuplot).write(plot, title: figure.title, to: stem, &outcome)
      return outcome
    }
  }

  /// Writes the images of a grid as a film of so many frames a second that is repeated without end: an animated PNG.
  public static func write(film grid: ImageGrid, rate: Int, to path: String) throws(FileError) {
    try AtomicFile.write(
      path, encoded(path) { () throws(ImageError) in try AnimatedPNG.encode(grid.frames(), rate: rate) })
  }

  private static func encoded(
    _ path: String, _ encode: () throws(ImageError) -> [UInt8]
  ) throws(FileError) -> [UInt8] {
    do throws(ImageError) {
      return try encode()
    } catch {
      throw FileError("write", path, code: .other, reason: error.reason)
    }
  }

  private func write(_ grid: ImageGrid, to path: String, _ outcome: inout Outcome) async throws(FileError) {
    var picture = grid.raster()
    if let labels = GridLabels(grid, picture: picture) {
      do throws(Gnuplot.Failure) {
        picture = labels.lay(upon: try await drawn(labels.script, width: labels.width, height: labels.height).raster)
      } catch {
        outcome.note("labels of images are left out: \(error.reason)")
      }
    }
    try AtomicFile.write(
      path, FigureWriter.encoded(path) { [picture] () throws(ImageError) in try PNG.encode(picture) })
    outcome.pictures.append(path)
  }

  private func write(_ plot: Plot, title: String, to stem: String, _ outcome: inout Outcome) async throws(FileError) {
    try AtomicFile.write(stem + ".csv", PlotTable(plot).text)
    outcome.tables.append(stem + ".csv")
    let script = PlotScript(plot, title: title, format: format)
    let bytes: [UInt8]
    do throws(Gnuplot.Failure) {
      bytes =
        try await format == .png
        ? drawn(script.text, width: script.width, height: script.height).bytes : drawn(script.text)
    } catch {
      outcome.note("plots are left out, their numbers are in CSV files: \(error.reason)")
      return
    }
    let path = "\(stem).\(format.rawValue)"
    try AtomicFile.write(path, bytes)
    outcome.pictures.append(path)
  }

  /// The document that gnuplot makes of a script.
  private func drawn(_ script: String) async throws(Gnuplot.Failure) -> [UInt8] {
    guard let gnuplot else { throw Gnuplot.Failure.notInstalled }
    let bytes = try await gnuplot.draw(script)
    guard format.isWhole(bytes) else { throw Gnuplot.Failure(reason: "gnuplot drew no \(format.rawValue)") }
    return bytes
  }

  /// The picture that gnuplot makes of a script, checked to be one of that size.
  private func drawn(
    _ script: String, width: Int, height: Int
  ) async throws(Gnuplot.Failure) -> (bytes: [UInt8], raster: Raster) {
    guard let gnuplot else { throw Gnuplot.Failure.notInstalled }
    let bytes = try await gnuplot.draw(script)
    do {
      let raster = try PNG.decode(bytes)
      if raster.width == width && raster.height == height { return (bytes, raster) }
    } catch {
      throw Gnuplot.Failure(reason: "gnuplot drew no picture (\(error))")
    }
    throw Gnuplot.Failure(reason: "gnuplot drew a picture of another size")
  }

  private func makeFolder() throws(FileError) {
    var path = ""
    for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
      path += part + "/"
      guard !part.isEmpty, mkdir(path, 0o777) != 0, errno != EEXIST else { continue }
      throw FileError("create folder", path, systemError: errno)
    }
  }
}

extension FigureWriter.Outcome {
  mutating func note(_ text: String) {
    if !notes.contains(text) { notes.append(text) }
  }
}
