import Figures
import Files
import Images
import Reports
import TestSupport
import Testing

@Suite struct ImageGridTests {
  private func picture(_ grid: ImageGrid) async throws -> Raster {
    let folder = TemporaryFolder()
    let path = folder.path + "/grid.png"
    let outcome = try await FigureWriter.write(grid, to: path, gnuplot: nil)
    #expect(outcome.pictures == [path])
    return try PNG.decode(InputFile.read(path))
  }

  @Test func pixelsLieWhereTheyShould() async throws {
    // Three 1 × 2 images in rows of two, one pixel apart.
    let grid = ImageGrid(.uint8([1, 2, 3, 4, 5, 6]), height: 1, width: 2, columns: 2, padding: 1, zoom: 1)
    let raster = try await picture(grid)
    #expect(raster.width == 7 && raster.height == 5 && raster.channels == 1)
    #expect(
      raster.samples == [
        255, 255, 255, 255, 255, 255, 255,
        255, 1, 2, 255, 3, 4, 255,
        255, 255, 255, 255, 255, 255, 255,
        255, 5, 6, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255,
      ])
  }

  @Test func zoomRepeatsPixels() async throws {
    let grid = ImageGrid(.uint8([10, 20]), height: 1, width: 1, columns: 2, padding: 0, zoom: 2)
    #expect(try await picture(grid).samples == [10, 10, 20, 20, 10, 10, 20, 20])
  }

  @Test(arguments: [
    (28, 10, 2, 2), (28, 20, 0, 1), (28, 1, 2, 4), (1000, 10, 0, 1), (64, 3, 2, 4), (64, 4, 2, 3),
  ])
  func zoomIsChosenByTheWidth(width: Int, columns: Int, padding: Int, zoom: Int) {
    let samples = [UInt8](repeating: 0, count: width * columns)
    let grid = ImageGrid(.uint8(samples), height: 1, width: width, columns: columns, padding: padding)
    #expect(grid.effectiveZoom == zoom)
  }

  @Test func floatsAreRoundedAndCut() async throws {
    let samples: [Float] = [0, 1, 0.5, 0.00196, 0.00197, -3, 7, .nan, .infinity, -.infinity]
    let grid = ImageGrid(.float(samples), height: 1, width: 10, columns: 1, padding: 0, zoom: 1)
    #expect(try await picture(grid).samples == [0, 255, 128, 0, 1, 0, 255, 0, 255, 0])
  }

  @Test func channelsFirstAndLastAgree() async throws {
    let (height, width) = (3, 2)
    let last = (0..<2 * height * width * 3).map { UInt8($0) }
    var first: [UInt8] = []
    for image in 0..<2 {
      for channel in 0..<3 {
        for pixel in 0..<height * width { first.append(last[(image * height * width + pixel) * 3 + channel]) }
      }
    }
    func grid(_ samples: [UInt8], _ order: ImageGrid.ChannelOrder) -> ImageGrid {
      ImageGrid(.uint8(samples), height: height, width: width, channels: 3, channelOrder: order, columns: 2)
    }
    let raster = try await picture(grid(last, .last))
    #expect(raster.channels == 3)
    #expect(try await picture(grid(first, .first)) == raster)
  }

  private var labelled: ImageGrid {
    ImageGrid(
      .uint8([UInt8](repeating: 90, count: 4 * 30 * 30)), height: 30, width: 30, columns: 2,
      rowLabels: ["it's_{a}^b", "@x"], columnLabels: ["`c`", "d\n"], zoom: 2)
  }

  @Test func withoutGnuplotLabelsAreLeftOutAndThatIsSaid() async throws {
    let folder = TemporaryFolder()
    let outcome = try await FigureWriter(folder: folder.path, gnuplot: nil).write([
      Figure("a", .images(labelled)), Figure("b", .images(labelled)),
    ])
    #expect(outcome.pictures == [folder.path + "/a.png", folder.path + "/b.png"])
    #expect(
      outcome.notes == ["labels of images are left out: gnuplot is not installed (Debian: gnuplot-nox)"])
    let raster = try PNG.decode(InputFile.read(folder.path + "/a.png"))
    #expect(raster == labelled.raster())
  }

  @Test(
    "A long label has room, or ends with an ellipsis; its beginning is never cut",
    .enabled(if: Gnuplot.find() != nil, "needs gnuplot"), arguments: [70, 83, 400])
  func longLabels(length: Int) async throws {
    let label = String(String(repeating: "a dog runs on the green grass ", count: 20).prefix(length))
    let grid = ImageGrid(
      .uint8([UInt8](repeating: 90, count: 30 * 30)), height: 30, width: 30, columns: 1, rowLabels: [label])
    let folder = TemporaryFolder()
    _ = try await FigureWriter(folder: folder.path).write([Figure("a", .images(grid))])
    let raster = try PNG.decode(InputFile.read(folder.path + "/a.png"))
    func hasInk(_ columns: Range<Int>) -> Bool {
      columns.contains { x in
        (0..<raster.height).contains { raster.samples[($0 * raster.width + x) * raster.channels] < 250 }
      }
    }
    #expect(!hasInk(0..<4) && hasInk(4..<raster.width - grid.raster().width), "\(raster.width)")
    #expect(raster.width < 84 * 9 + 12 + grid.raster().width + 1)
  }

  @Test(.enabled(if: Gnuplot.find() != nil, "needs gnuplot"))
  func labelsStandBesideTheUntouchedPixels() async throws {
    let folder = TemporaryFolder()
    let outcome = try await FigureWriter(folder: folder.path).write([Figure("a", .images(labelled))])
    #expect(outcome.notes == [])
    let raster = try PNG.decode(InputFile.read(folder.path + "/a.png"))
    let grid = labelled.raster()
    let (left, top) = (raster.width - grid.width, raster.height - grid.height)
    #expect(left > 0 && top > 0)
    func pixel(_ raster: Raster, _ x: Int, _ y: Int) -> UInt8 {
      raster.samples[(y * raster.width + x) * raster.channels]
    }
    var (same, ink) = (true, 0)
    for y in 0..<raster.height {
      for x in 0..<raster.width {
        if x >= left && y >= top {
          same = same && pixel(raster, x, y) == pixel(grid, x - left, y - top)
        } else if pixel(raster, x, y) < 128 {
          ink += 1
        }
      }
    }
    #expect(same)
    #expect(ink > 100, "there are words")
  }

  @Test func whatCannotBeWrittenIsNamed() async throws {
    let grid = ImageGrid(.uint8([1]), height: 1, width: 1, columns: 1)
    var found: FileError?
    do { _ = try await FigureWriter.write(grid, to: "/dev/full", gnuplot: nil) } catch { found = error }
    #expect(found?.code == .outOfSpace && found?.path == "/dev/full")
    do {
      _ = try await FigureWriter(folder: "/proc/figures", gnuplot: nil).write([Figure("a", .images(grid))])
    } catch { found = error }
    #expect(found?.operation == "create folder" && found?.path == "/proc/figures/")
  }
}
