import Figures
import Reports
import Testing

@Suite struct PlotScriptTests {
  private func script(_ marks: [Mark], x: Axis = Axis(), y: Axis = Axis(), title: String = "") -> String {
    PlotScript(Plot(Panel(x: x, y: y, marks)), title: title).text
  }

  /// The rows of the first data block, breaks as empty ones.
  private func rows(_ script: String) -> [String] {
    let lines = script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("$p0_1 <<") }) else { return [] }
    return Array(lines[(start + 1)...].prefix { $0 != "EOD" })
  }

  @Test func titlesAreLiterals() {
    let title = "it's \"q\" 5% @m {x}_y^2 `id` a\\b $HOME\nnext\r\u{1B}[2J\u{2028}\u{85}\u{0}end\\"
    let text = script([], x: Axis(title), title: title)
    let literal = "'it''s \"q\" 5% @m {x}_y^2 `id` a\\b $HOME next  [2J   end\\'"
    #expect(text.contains("set title \(literal) noenhanced"))
    #expect(text.contains("set xlabel \(literal) noenhanced"))
  }

  @Test func wordsNeverEndTheirLine() {
    let hostile = "'\nsystem 'touch /tmp/x'\n!id\n\u{85}\u{2028}\u{2029}\u{B}\u{C}"
    let text = PlotScript(
      Plot([
        Panel(
          title: hostile, x: Axis(hostile, categories: [hostile]), y: Axis(hostile),
          [
            .line(Line(hostile, x: [1], y: [1])), .text(Text(hostile, x: 1, y: 1)),
            .points(Points(hostile, x: [1], y: [1], coloring: .classes([0], names: [hostile]))),
            .heatMap(HeatMap(hostile, x: [1], y: [1], values: [1])),
          ]), Panel([]),
      ]), title: hostile
    ).text
    for line in text.split(whereSeparator: \.isNewline) {
      #expect(!line.hasPrefix("system") && !line.hasPrefix("!"))
      // Every literal is closed: quotes come in pairs.
      #expect(line.count { $0 == "'" } % 2 == 0, "\(line)")
    }
  }

  @Test func percentSignsOfTickMarksAreDoubled() {
    #expect(script([.bars(Bars(heights: [1]))], x: Axis(categories: ["5%"])).contains("('5%%' 0)"))
  }

  @Test func classesAndWeightsBecomeColors() {
    let classes = script([.points(Points(x: [1, 2, 3], y: [4, 5, 6], coloring: .classes([0, 1, 10])))])
    let blue = 0x3f90da
    #expect(rows(classes) == ["1.0 4.0 \(blue).0", "2.0 5.0 \(0xffa90e).0", "3.0 6.0 \(blue).0"])
    let mixture = script([
      .points(Points(x: [1, 2, 3], y: [4, 5, 6], coloring: .mixture(weights: [1, 0, 1, 1, .nan, 0], components: 2)))
    ])
    #expect(rows(mixture) == ["1.0 4.0 \(blue).0", "2.0 5.0 \(0x9f9d74).0", "3.0 6.0 \(0x8a8a8a).0"])
  }

  @Test func partsOfAMixtureHaveALegend() {
    let text = script([
      .points(
        Points(
          x: [1, 2], y: [4, 5], coloring: .mixture(weights: [1, 0, 0, 1], components: 2, names: ["one", "two"])))
    ])
    #expect(text.contains("lc rgb '#3f90da' title 'one'") && text.contains("lc rgb '#ffa90e' title 'two'"))
  }

  @Test("Numbers in cells have the digits that tell them apart")
  func numbersInCells() {
    func cells(_ values: [Double], lower: Double? = nil, upper: Double? = nil) -> [String] {
      let map = HeatMap(
        rows: 1, columns: values.count, values: values, lower: lower, upper: upper, showsValues: true)
      return script([.heatMap(map)]).matches(of: /set label '([^']*)' noenhanced/).map { String($0.1) }
    }
    #expect(cells([0, 0.98213, 5.96e-06, 0.000929, 1], lower: 0, upper: 1) == ["0", "0.98", "0.00", "0.00", "1"])
    #expect(cells([0.0012, 0.0049]) == ["0.00120", "0.00490"])
    #expect(cells([12, 1204.4]) == ["12", "1204"])
    #expect(cells([-3.1e-9, 2e-9]) == ["-3.1e-09", "2e-09"])
  }

  @Test("Axes have one unit unless one would be a line")
  func equalAspect() {
    func text(_ y: [Double]) -> String {
      PlotScript(Plot(Panel(equalAspect: true, [.points(Points(x: [0, 1], y: y))])), title: "").text
    }
    #expect(text([0, 2]).contains("set size ratio -1"))
    #expect(!text([0, 20]).contains("set size ratio -1") && !text([0, 0.05]).contains("set size ratio -1"))
  }

  @Test func curvesBreakWhereTheyAreNotNumbers() {
    let line = Line(x: [0, 1, 2, 3, 4, 5, 6], y: [.nan, 1, .infinity, -.infinity, 4, 1e301, 6])
    #expect(rows(script([.line(line)])) == ["1.0 1.0", "", "4.0 4.0", "", "6.0 6.0"])
  }

  @Test func pointsThatAreNoNumbersAreLeftOut() {
    let points = Points(x: [0, .nan, 2], y: [1, 2, .infinity])
    #expect(rows(script([.points(points)])) == ["0.0 1.0"])
  }

  @Test func logarithmicAxesDrawPositiveNumbers() {
    let line = Line(x: [-1, 0, 1, 10], y: [1, 1, 1, 0.1])
    let text = script([.line(line)], x: Axis(scale: .log), y: Axis(scale: .log))
    #expect(rows(text) == ["1.0 1.0", "10.0 0.1"])
    #expect(text.contains("set logscale x 10"))
  }

  private static let kinds: [Mark] = [
    .line(Line("l", x: [], y: [])), .line(Line("l", x: [], y: [], shape: .steps)),
    .line(Line("l", x: [], y: [], shape: .filled)), .points(Points("p", x: [], y: [])),
    .points(Points("p", x: [], y: [], coloring: .classes([], names: ["a"]))),
    .points(Points("p", x: [], y: [], coloring: .values([]))), .band(Band("b", x: [], lower: [], upper: [])),
    .bars(Bars("b", heights: [])), .histogram(Histogram("h", edges: [0], heights: [])),
    .histogram(Histogram("h", edges: [0], heights: [], style: .outline)), .ellipses(Ellipses([], label: "e")),
    .heatMap(HeatMap("m", x: [], y: [], values: [])),
    .contours(Contours("c", x: [], y: [], values: [], levels: [])),
  ]

  @Test(arguments: kinds)
  func emptyMarksLeaveAnEmptyPanel(mark: Mark) {
    let text = script([mark])
    #expect(text.contains("'no data'") && text.contains("plot NaN notitle"))
    #expect(!text.contains("<<"))
  }

  @Test func marksThatShareColors() {
    let text = script([
      .line(Line("a", x: [1, 2], y: [1, 2])), .line(Line("b", x: [1, 2], y: [1, 2], color: .palette(0))),
      .line(Line("c", x: [1, 2], y: [1, 2])),
    ])
    let colors = text.matches(of: /lc rgb '(#......)' notitle/).map { String($0.output.1) }
    #expect(colors == ["#ffa90e", "#3f90da", "#bd1f01"])
  }

  @Test(arguments: [
    (Axis(), [5.0, 5.0], "[4.5:5.5]"), (Axis(), [0.0, 100.0], "[-4.0:104.0]"), (Axis(), [], "[-0.04:1.04]"),
    (Axis(lower: 0, upper: 1), [5.0, 7.0], "[0.0:1.0]"), (Axis(lower: 9), [5.0, 7.0], "[9.0:9.9]"),
    (Axis(upper: 1), [5.0, 7.0], "[0.508:1.0]"), (Axis(lower: .nan, upper: .infinity), [0.0, 100.0], "[-4.0:104.0]"),
    (Axis(lower: 3, upper: 3), [1.0, 2.0], "[2.7:3.0]"), (Axis(isReversed: true), [0.0, 100.0], "[104.0:-4.0]"),
    (Axis(scale: .log), [1.0, 1.0], "[0.31622776601683794:3.1622776601683795]"),
  ])
  func axesAreNeverEmpty(axis: Axis, values: [Double], expected: String) {
    let text = script([.points(Points(x: values, y: values.map { _ in 1 }))], x: axis)
    #expect(text.contains("set xrange \(expected)"))
  }

  @Test func barsStandOnZero() {
    #expect(script([.bars(Bars(heights: [2, 4]))]).contains("set yrange [0.0:4.16]"))
    #expect(script([.bars(Bars(heights: [-2, 4]))]).contains("set yrange [-2.24:4.24]"))
    let text = script([.bars(Bars(heights: [2])), .bars(Bars(heights: [-3]))])
    #expect(rows(text) == ["-0.2 2.0 -0.4 0.0 0.0 2.0"])
  }
}

@Suite struct ThinningTests {
  private func dataRows(_ mark: Mark) -> [String] {
    let text = PlotScript(Plot(Panel([mark])), title: "").text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = lines.firstIndex { $0.hasPrefix("$p0_1 <<") }!
    return Array(lines[(start + 1)...].prefix { $0 != "EOD" })
  }

  @Test func aMillionPointsOfACurveKeepTheirSpikes() {
    let x = (0..<1_000_000).map(Double.init)
    var y = x.map { ($0 * 0.618).truncatingRemainder(dividingBy: 1) }
    y[123_456] = 50
    y[654_321] = -50
    y[777_777] = .nan
    let rows = dataRows(.line(Line(x: x, y: y)))
    #expect(rows.count < 10_000)
    #expect(rows.contains("123456.0 50.0") && rows.contains("654321.0 -50.0"))
    #expect(rows.contains(""), "the break stays")
    #expect(rows.first?.hasPrefix("0.0 ") == true && rows.last?.hasPrefix("999999.0 ") == true)
  }

  @Test func aMillionPointsOfACloudStayEven() {
    let count = 1_000_000
    let x = (0..<count).map { Double($0 % 5) }
    let rows = dataRows(.points(Points(x: x, y: [Double](repeating: 1, count: count))))
    #expect(rows.count == 20_000)
    // A pattern in the points' order does not show: each of five kinds keeps its fifth.
    for kind in 0..<5 {
      let share = Double(rows.count { $0.hasPrefix("\(kind).0") }) / 20_000
      #expect(abs(share - 0.2) < 0.02)
    }
  }

  @Test func fewPointsAllStay() {
    let x = (0..<8000).map(Double.init)
    #expect(dataRows(.line(Line(x: x, y: x))).count == 8000)
    #expect(dataRows(.points(Points(x: x, y: x))).count == 8000)
  }

  @Test func bandsKeepBothEnds() {
    let x = (0..<100_000).map(Double.init)
    var (lower, upper) = (x.map { _ in -1.0 }, x.map { _ in 1.0 })
    lower[5000] = -9
    upper[70_001] = 9
    let rows = dataRows(.band(Band(x: x, lower: lower, upper: upper)))
    #expect(rows.count < 12_000)
    #expect(rows.contains("5000.0 -9.0 1.0") && rows.contains("70001.0 -1.0 9.0"))
  }
}
