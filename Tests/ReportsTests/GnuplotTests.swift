import Figures
import Files
import Foundation
import Images
import Reports
import TestSupport
import Testing

/// One panel of each kind, with words that gnuplot would take for commands or markup.
///
/// - Parameter trap: a file that exists once gnuplot has taken words for a command.
private func everything(trap: String) -> Plot {
  let x = (0..<50).map { Double($0) / 10 }
  let words = "it's 5% @m {x}_y^2 `touch \(trap)` \\ \" $x\nnext"
  let grid = (0..<12).map { Double($0) - 6 }
  let density = grid.flatMap { y in grid.map { x in x * y } }
  return Plot([
    Panel(
      title: words, x: Axis(words), y: Axis(words, lower: -2),
      [
        .band(Band(words, x: x, lower: x, upper: x.map { $0 + 1 })), .line(Line(words, x: x, y: x)),
        .line(Line("steps", x: x, y: x, shape: .steps, stroke: .dotted)), .rule(Rule(.horizontal(1), label: "r")),
        .rule(Rule(.vertical(1), label: "r")), .rule(Rule(.diagonal)), .text(Text(words, x: 1, y: 1)),
      ]),
    Panel(
      x: Axis(categories: [words, "b"]),
      [.bars(Bars("a", heights: [1, .nan], errors: [0.1, 0.1])), .bars(Bars("b", heights: [2, -1]))]),
    Panel(
      equalAspect: true,
      [
        .points(Points(x: x, y: x, coloring: .classes(x.map { Int($0) }, names: [words, "b"]))),
        .points(Points(x: x, y: x, errors: x, coloring: .mixture(weights: x + x, components: 2), symbol: .circle)),
        .ellipses(Ellipses([.standard], label: "σ")),
      ]),
    Panel(
      y: Axis(isReversed: true),
      [
        .heatMap(HeatMap(words, x: grid, y: grid, values: density, colorMap: .diverging, showsValues: true)),
        .contours(Contours("c", x: grid, y: grid, values: density, levels: [1, -1])),
      ]),
    Panel([.heatMap(HeatMap(x: [Double](x), y: [0, 1], values: x + x)), .text(Text("t", x: 0, y: 0))]),
    Panel([.heatMap(HeatMap(rows: 60, columns: 60, values: (0..<3600).map { $0 == 7 ? .nan : Double($0) }))]),
    Panel(
      x: Axis(scale: .log), y: Axis(scale: .log),
      [
        .histogram(Histogram("h", edges: [0, 1, 2, 3], heights: [0, 2, 3])),
        .histogram(Histogram("o", edges: [1, 2, 3], heights: [2, 3], style: .outline)),
        .line(Line("f", x: x, y: x, shape: .filled)),
      ]),
    Panel([.points(Points(x: x, y: x, coloring: .values(x, label: words, .grey), symbol: .cross))]),
    Panel([.line(Line("nothing", x: [.nan], y: [1]))]), Panel([]),
    Panel([.points(Points(x: [1e300, -1e300], y: [1e-300, .leastNonzeroMagnitude]))]),
  ])
}

@Suite(.enabled(if: Gnuplot.find() != nil, "needs gnuplot")) struct RealGnuplotTests {
  @Test("Plots as vectors; grids of images stay PNG", arguments: [PictureFormat.svg, .pdf])
  func vectors(_ format: PictureFormat) async throws {
    let folder = TemporaryFolder()
    let grid = ImageGrid(.float([0, 1, 0.5, 0]), height: 2, width: 2, columns: 1)
    let figures = [
      Figure("plot", title: "a & <b>", .plot(Plot([Panel([.line(Line("", x: [0, 1], y: [1, 0]))])]))),
      Figure("grid", .images(grid)),
    ]
    let outcome = try await FigureWriter(folder: folder.path, format: format).write(figures)
    #expect(outcome.notes.isEmpty)
    #expect(outcome.pictures == ["\(folder.path)/plot.\(format.rawValue)", "\(folder.path)/grid.png"])
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: outcome.pictures[0])), as: UTF8.self)
    #expect(format == .pdf ? text.hasPrefix("%PDF-") : text.contains("a &amp; &lt;b>"))
  }

  @Test func whatIsNoDocumentIsLeftOut() async throws {
    let folder = TemporaryFolder()
    let gnuplot = Gnuplot(path: "/bin/true")
    let plot = Figure("plot", .plot(Plot([Panel([])])))
    let outcome = try await FigureWriter(folder: folder.path, format: .svg, gnuplot: gnuplot).write([plot])
    #expect(outcome.pictures.isEmpty && outcome.tables.count == 1 && outcome.notes.count == 1)
  }

  @Test func everyKindOfMarkIsDrawn() async throws {
    let folder = TemporaryFolder()
    let trap = folder.path + "/trap"
    let figure = Figure("everything", title: "it's `touch \(trap)`", .plot(everything(trap: trap)))
    let outcome = try await FigureWriter(folder: folder.path + "/a/b").write([figure])
    #expect(outcome.notes == [])
    #expect(outcome.pictures == [folder.path + "/a/b/everything.png"])
    #expect(outcome.tables == [folder.path + "/a/b/everything.csv"])
    let raster = try PNG.decode(InputFile.read(#require(outcome.pictures.first)))
    #expect(raster.width == 4 * 480 && raster.height == 3 * 380 + 40)
    #expect(folder.names == ["a"], "words are no commands")
  }

  /// Each panel alone, so that one that gnuplot refuses is named.
  @Test(arguments: everything(trap: "").panels.indices)
  func everyPanelIsDrawnAlone(index: Int) async throws {
    let folder = TemporaryFolder()
    let plot = Plot(everything(trap: "").panels[index], size: .init(width: 400, height: 300))
    let outcome = try await FigureWriter(folder: folder.path).write([Figure("p", .plot(plot))])
    #expect(outcome.notes == [])
    let raster = try PNG.decode(InputFile.read(folder.path + "/p.png"))
    #expect(raster.width == 400 && raster.height == 300)
    #expect(Set(raster.samples).count > 2, "something is drawn")
  }

  @Test func colorsAreTheMarks() async throws {
    let folder = TemporaryFolder()
    let bar = Histogram(edges: [0, 1], heights: [1], color: .rgb(red: 10, green: 200, blue: 30))
    let map = HeatMap(x: [0.5], y: [0.5], values: [0], lower: 0, upper: 1)
    let axes = (Axis(lower: 0, upper: 1), Axis(lower: 0, upper: 1))
    for (mark, expected) in [(Mark.heatMap(map), [0x44, 0x01, 0x54]), (.histogram(bar), [47, 208, 64])] {
      let plot = Plot(Panel(x: axes.0, y: axes.1, [mark]), size: .init(width: 300, height: 200))
      _ = try await FigureWriter(folder: folder.path).write([Figure("p", .plot(plot))])
      let raster = try PNG.decode(InputFile.read(folder.path + "/p.png"))
      let middle = (100 * raster.width + 150) * raster.channels
      // Bars let a little of the grid through; how that is rounded is the drawing library's affair.
      let differences = zip(raster.samples[middle...], expected).map { abs(Int($0) - $1) }
      #expect(differences.max()! <= 2)
    }
  }
}

@Suite struct AbsentGnuplotTests {
  private let figures = [
    Figure("a", .plot(Plot(Panel([.line(Line("l", x: [1, 2], y: [3, 4]))])))),
    Figure("b", .plot(Plot(Panel([])))),
  ]

  /// A program in place of gnuplot.
  private func program(_ script: String, in folder: borrowing TemporaryFolder) throws -> Gnuplot {
    let path = folder.path + "/gnuplot"
    try AtomicFile.write(path, "#!/bin/sh\n" + script + "\n")
    chmod(path, 0o755)
    return try #require(Gnuplot.find(searchPath: "relative::/nowhere:" + folder.path))
  }

  @Test(arguments: ["", ":", "/nowhere", "bin:.", "/dev"])
  func isNotFoundWhereItIsNot(searchPath: String) {
    #expect(Gnuplot.find(searchPath: searchPath) == nil)
  }

  @Test func theNumbersAreWrittenAndOneLineSaysWhatIsMissing() async throws {
    let folder = TemporaryFolder()
    let writer = FigureWriter(folder: folder.path, gnuplot: .find(searchPath: ""))
    let outcome = try await writer.write(figures)
    #expect(folder.names == ["a.csv", "b.csv"])
    #expect(outcome.pictures == [] && outcome.tables == [folder.path + "/a.csv", folder.path + "/b.csv"])
    #expect(
      outcome.notes == [
        "plots are left out, their numbers are in CSV files: gnuplot is not installed (Debian: gnuplot-nox)"
      ])
  }

  @Test(arguments: [
    ("cat > /dev/null; echo 'line 0: no such terminal' >&2; exit 1", "gnuplot: line 0: no such terminal"),
    ("cat > /dev/null", "gnuplot drew no picture (not a PNG file)"),
    ("exit 0", "gnuplot drew no picture (not a PNG file)"),
    ("cat > /dev/null; head -c 100000 /dev/zero", "gnuplot drew no picture (not a PNG file)"),
    ("kill -9 $$", "gnuplot: signaled(9)"),
  ])
  func failuresAreToldAndNothingElseHappens(script: String, reason: String) async throws {
    let tools = TemporaryFolder()
    let folder = TemporaryFolder()
    let writer = try FigureWriter(folder: folder.path, gnuplot: program(script, in: tools))
    // More than a pipe holds, so that a program that does not read leaves the rest unread.
    let x = (0..<8000).map(Double.init)
    let outcome = try await writer.write([Figure("a", .plot(Plot(Panel([.line(Line(x: x, y: x))]))))])
    #expect(outcome.notes == ["plots are left out, their numbers are in CSV files: " + reason])
    #expect(folder.names == ["a.csv"])
  }

  @Test func aProgramThatNeverEndsIsEnded() async throws {
    let tools = TemporaryFolder()
    let folder = TemporaryFolder()
    let endless = try program("exec sleep 1000", in: tools)
    let writer = FigureWriter(folder: folder.path, gnuplot: Gnuplot(path: endless.path, limit: .milliseconds(1)))
    let outcome = try await writer.write([figures[0]])
    #expect(outcome.notes.first?.contains("took longer than") == true)
  }
}
