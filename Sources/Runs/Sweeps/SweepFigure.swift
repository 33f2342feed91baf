import Figures
import Foundation
import Metrics

extension SweepOutcome {
  /// The search: the metric over each key that is varied, and with halving over the steps.
  package var figure: Figure {
    let ranking = ranking.filter { $0.failure == nil }
    let keys = sweep.request.axes.enumerated().map { place, axis in panel(place, axis, ranking) }
    let panels = rungs.count > 1 ? keys + [halving(ranking)] : keys
    return Figure("sweep", title: "\(sweep.points.count) points, the best by \(sweep.metric)", .plot(Plot(panels)))
  }

  /// What a share is multiplied with.
  private var unit: Double { MetricUnit.of(name) == "%" ? 100 : 1 }
  private var label: String { MetricUnit.label(name) }
  private var name: String { String(sweep.metric.drop { $0 != "/" }.dropFirst()) }

  private func panel(_ place: Int, _ axis: SweepAxis, _ ranking: [SweepStanding]) -> Panel {
    let texts = ranking.map { sweep.points[$0.point].values[place] }
    let numbers = texts.map { Double($0) ?? .nan }
    let areNumbers = numbers.allSatisfy(\.isFinite)
    let names: [String] = if case .list(let list) = axis.values { list } else { [] }
    let x = areNumbers ? numbers : texts.map { Double(names.firstIndex(of: $0)!) }
    let last = ranking.first?.rung ?? 0
    func points(_ label: String, _ standings: [Int], _ color: Color, symbol: Points.Symbol = .disc) -> Mark {
      .points(
        Points(
          label, x: standings.map { x[$0] }, y: standings.map { unit * ranking[$0].value },
          errors: standings.compactMap { place in ranking[place].error.map { unit * $0 } }, coloring: .single(color),
          symbol: symbol, size: 1.2))
    }
    let (whole, given) = (
      ranking.indices.filter { ranking[$0].rung == last }, ranking.indices.filter { ranking[$0].rung < last }
    )
    var marks: [Mark] = []
    if !given.isEmpty { marks.append(points("given up earlier", given, .neutral)) }
    if whole.count > 1 { marks.append(points("after all steps", Array(whole.dropFirst()), .palette(0))) }
    marks.append(points("best", Array(whole.prefix(1)), .palette(2)))
    return Panel(
      x: Axis(axis.key, scale: areNumbers ? scale(of: x) : .linear, categories: areNumbers ? [] : names),
      y: Axis(label), marks)
  }

  /// Logarithmic where numbers span more than a power of ten.
  private func scale(of numbers: [Double]) -> Axis.Scale {
    guard let least = numbers.min(), let greatest = numbers.max(), least > 0 else { return .linear }
    return greatest / least >= 20 ? .log : .linear
  }

  private func halving(_ ranking: [SweepStanding]) -> Panel {
    let lines = ranking.reversed().map { standing -> Mark in
      let course = rungs.compactMap { rung in rung.first { $0.point == standing.point && $0.failure == nil } }
      let isBest = standing.point == ranking[0].point
      let x = course.map { Double($0.results[0].steps) }
      // What was given up at once has no line.
      guard course.count > 1 else {
        return .points(Points(x: x, y: course.map { unit * $0.value }, coloring: .single(.neutral), size: 0.8))
      }
      return .line(
        Line(isBest ? "best" : "", x: x, y: course.map { unit * $0.value }, color: isBest ? .palette(2) : .palette(0)))
    }
    return Panel(
      x: Axis("steps", scale: scale(of: rungs.map { Double($0[0].results[0].steps) })), y: Axis(label), lines)
  }
}
