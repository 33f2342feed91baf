import Figures
import Reports
import Testing

@Suite struct PlotTableTests {
  private func table(_ marks: [Mark], x: Axis = Axis()) -> [String] {
    PlotTable(Plot(Panel(x: x, marks))).text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func curvesAreLong() {
    let text = PlotTable(
      Plot([
        Panel(title: "ELBO", [.line(Line("train", x: [1, 2], y: [-0.1, .nan])), .line(Line("", x: [1], y: [1e-7]))]),
        Panel(title: "KL", [.rule(Rule(.horizontal(3), label: "best"))]),
      ])
    ).text
    #expect(
      text == """
        panel,mark,series,x,y
        ELBO,line,train,1.0,-0.1
        ELBO,line,train,2.0,
        ELBO,line,,1.0,1e-07
        KL,rule,best,,3.0

        """)
  }

  @Test func panelsWithoutTitlesHaveNumbers() {
    let panel = Panel(title: "same", [.line(Line(x: [1], y: [2]))])
    #expect(PlotTable(Plot([panel, panel])).text.contains("\n1,line,,1.0,2.0\n2,line,,1.0,2.0\n"))
  }

  @Test func wordsAreQuoted() {
    let rows = table([.line(Line("a,\"b\"\nc", x: [1], y: [2])), .text(Text("x,y", x: 0, y: .infinity))])
    #expect(rows[0] == "panel,mark,series,x,y,text")
    #expect(rows[1...2].joined(separator: "\n") == "1,line,\"a,\"\"b\"\"\nc\",1.0,2.0,")
    #expect(rows[3] == "1,text,,0.0,inf,\"x,y\"")
  }

  @Test func everyMarkHasItsColumns() {
    #expect(
      table([.band(Band("b", x: [1], lower: [2], upper: [3]))]).prefix(2) == [
        "panel,mark,series,x,y,lower,upper", "1,band,b,1.0,,2.0,3.0",
      ])
    #expect(
      table([.points(Points("p", x: [1], y: [2], errors: [0.5], coloring: .classes([1], names: ["a", "b,c"])))])
        .prefix(2) == ["panel,mark,series,x,y,lower,upper,class", "1,points,p,1.0,2.0,1.5,2.5,\"b,c\""])
    #expect(
      table([.points(Points(x: [1], y: [2], coloring: .mixture(weights: [0.25, 0.75], components: 2)))])
        .prefix(2) == ["panel,mark,series,x,y,w0,w1", "1,points,,1.0,2.0,0.25,0.75"])
    #expect(
      table([.points(Points(x: [1], y: [2], coloring: .values([7])))])
        .prefix(2) == ["panel,mark,series,x,y,value", "1,points,,1.0,2.0,7.0"])
    #expect(
      table([.bars(Bars("b", heights: [2], errors: [1]))], x: Axis(categories: ["MAP"]))
        .prefix(2) == ["panel,mark,series,x,y,lower,upper,class", "1,bars,b,0.0,2.0,1.0,3.0,MAP"])
    #expect(
      table([.histogram(Histogram("h", edges: [0, 1, 3], heights: [5, 6]))])
        .prefix(3) == ["panel,mark,series,x,y,x2", "1,histogram,h,0.0,5.0,1.0", "1,histogram,h,1.0,6.0,3.0"])
    let gaussian = Ellipses.Gaussian(meanX: 1, meanY: 2, varianceX: 3, varianceY: 5, covariance: 4)
    #expect(
      table([.ellipses(Ellipses([gaussian], label: "e"))])
        .prefix(2) == ["panel,mark,series,x,y,xx,xy,yy", "1,ellipse,e,1.0,2.0,3.0,4.0,5.0"])
    #expect(
      table([.heatMap(HeatMap("m", x: [1, 2], y: [3, 4], values: [5, 6, 7, 8]))])
        .prefix(4) == [
          "panel,mark,series,x,y,value", "1,cell,m,1.0,3.0,5.0", "1,cell,m,2.0,3.0,6.0", "1,cell,m,1.0,4.0,7.0",
        ])
    #expect(
      table([.contours(Contours("c", x: [1], y: [2], values: [3], levels: [1]))])
        .prefix(2) == ["panel,mark,series,x,y,value", "1,contour,c,1.0,2.0,3.0"])
    #expect(
      table([.rule(Rule(.vertical(4))), .rule(Rule(.diagonal))]).prefix(3) == [
        "panel,mark,series,x,y", "1,rule,,4.0,", "1,rule,,,",
      ])
  }

  @Test func numbersReadBackAsTheyWere() throws {
    let values = [0.1 + 0.2, 1.0 / 3, Double.leastNonzeroMagnitude, 1.7976931348623157e308, -0.0]
    let rows = table([.line(Line(x: values, y: values))])
    for (row, value) in zip(rows.dropFirst(), values) {
      let field = try #require(row.split(separator: ",").last)
      #expect(Double(field)?.bitPattern == value.bitPattern)
    }
  }
}
