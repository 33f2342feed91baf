import Figures
import Testing

@Suite struct FigureTests {
  @Test(arguments: [
    ("loss", true), ("latent-space_2.d", true), ("", false), (".hidden", false), ("a/b", false), ("a b", false),
    ("ä", false), ("a\0", false),
  ])
  func namesAreFileStems(name: String, isFileStem: Bool) {
    #expect(Figure.isFileStem(name) == isFileStem)
  }

  @Test(arguments: [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (5, 2, 3), (6, 2, 3), (7, 2, 4), (9, 3, 3), (10, 3, 4)])
  func panelsFindTheirRows(panels: Int, rows: Int, columns: Int) {
    let plot = Plot([Panel](repeating: Panel([]), count: panels))
    #expect(plot.rows == rows && plot.columns == columns)
  }

  @Test func gridCountsItsRows() {
    let grid = ImageGrid(.uint8([UInt8](repeating: 0, count: 7 * 12)), height: 3, width: 4, columns: 3)
    #expect(grid.count == 7 && grid.rows == 3)
  }
}

@Suite struct HistogramTests {
  @Test func countsByHand() {
    let histogram = Histogram(of: [0, 0.1, 0.5, 0.99, 1, 2, -1, .nan, .infinity], bins: 2, range: 0...1)
    #expect(histogram.edges == [0, 0.5, 1])
    #expect(histogram.heights == [2, 3])
  }

  @Test func densityHasUnitArea() {
    let values = (0..<1000).map { Double(($0 * 7919) % 1000) / 100 - 3 }
    let histogram = Histogram(of: values, bins: 13, isDensity: true)
    let area = zip(histogram.heights, zip(histogram.edges, histogram.edges.dropFirst()))
      .reduce(0) { $0 + $1.0 * ($1.1.1 - $1.1.0) }
    #expect(abs(area - 1) < 1e-12)
    #expect(histogram.edges.first == values.min() && histogram.edges.last == values.max())
  }

  @Test(arguments: [
    [], [3], [3, 3, 3], [.nan], [0, .leastNonzeroMagnitude], [1, 1.0.nextUp], [1e-250, 3e-250],
    [-Double.greatestFiniteMagnitude, Double.greatestFiniteMagnitude],
  ])
  func degenerateValuesStillHaveAscendingEdges(values: [Double]) {
    let histogram = Histogram(of: values, bins: 4)
    let ascends = zip(histogram.edges, histogram.edges.dropFirst()).allSatisfy { $0.isFinite && $0 < $1 }
    #expect(ascends)
    #expect(histogram.heights.reduce(0, +) == Double(values.count { $0.isFinite }))
  }
}

@Suite struct EllipsesTests {
  /// Every point of the outline has Mahalanobis distance `deviation` from the mean.
  @Test(arguments: [0.5, 1, 3])
  func outlineLiesAtItsDistance(deviation: Double) {
    let gaussian = Ellipses.Gaussian(meanX: 2, meanY: -1, varianceX: 4, varianceY: 0.5, covariance: -1.2)
    let (x, y) = gaussian.outline(deviation: deviation)
    #expect(x.count == 97 && y.count == 97)
    let determinant = 4 * 0.5 - 1.2 * 1.2
    for (x, y) in zip(x, y) {
      let (dx, dy) = (x - 2, y + 1)
      let squared = (0.5 * dx * dx + 2 * 1.2 * dx * dy + 4 * dy * dy) / determinant
      #expect(abs(squared - deviation * deviation) < 1e-9)
    }
    #expect(abs(x[0] - x[96]) < 1e-12 && abs(y[0] - y[96]) < 1e-12)
  }

  @Test func singularCovarianceIsALine() {
    let (x, y) = Ellipses.Gaussian(meanX: 0, meanY: 0, varianceX: 1, varianceY: 1, covariance: 1).outline(deviation: 1)
    #expect(!x.isEmpty && x == y)
  }

  @Test(arguments: [
    Ellipses.Gaussian(meanX: 0, meanY: 0, varianceX: 1, varianceY: 1, covariance: 2),
    Ellipses.Gaussian(meanX: 0, meanY: 0, varianceX: -1, varianceY: 1),
    Ellipses.Gaussian(meanX: 0, meanY: 0, varianceX: 0, varianceY: 1, covariance: 0.5),
    Ellipses.Gaussian(meanX: .nan, meanY: 0, varianceX: 1, varianceY: 1),
    Ellipses.Gaussian(meanX: 0, meanY: 0, varianceX: .infinity, varianceY: 1),
  ])
  func whatIsNoCovarianceHasNoOutline(gaussian: Ellipses.Gaussian) {
    #expect(gaussian.outline(deviation: 1).x.isEmpty)
  }
}
