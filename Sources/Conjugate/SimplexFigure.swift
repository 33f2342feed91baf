import Distributions
import Figures
import Foundation
import LinearAlgebra

/// Densities of Dirichlet distributions over three probabilities, on the triangle that they fill (Bishop 2006, figure
/// 2.5): a corner is where one probability is 1.
func simplexPanels(_ states: [(title: String, dirichlet: Dirichlet)], names: [String]) -> [Panel] {
  let height = 3.0.squareRoot() / 2
  let cells = (across: 120, up: 104)  // nearly square
  let x = (0...cells.across).map { Double($0) / Double(cells.across) }
  let y = (0...cells.up).map { height * Double($0) / Double(cells.up) }
  // Densities may be infinite at the border: colours are for what lies a little inside it.
  let margin = 0.02
  func probabilities(_ a: Double, _ b: Double) -> [Double] {
    let third = b / height
    let second = a - 0.5 * third
    return [1 - second - third, second, third]
  }
  return states.map { title, dirichlet in
    let mode = place(ofModeOf: dirichlet, height: height)
    var (values, top) = ([Double](), 0.0)
    for b in y {
      for a in x {
        var point = probabilities(a, b)
        guard point.allSatisfy({ $0 > 0 }) else {
          values.append(.nan)
          continue
        }
        if let mode {
          // After thousands of observations the peak is narrower than a cell: a cell shows its point nearest to the mode.
          let (halfWidth, halfHeight) = (0.5 / Double(cells.across), 0.5 * height / Double(cells.up))
          let nearest = probabilities(
            min(max(mode.x, a - halfWidth), a + halfWidth), min(max(mode.y, b - halfHeight), b + halfHeight))
          if nearest.allSatisfy({ $0 > 0 }) { point = nearest }
        }
        let density = exp(dirichlet.logDensity(point))
        values.append(density)
        if mode != nil || point.min()! > margin { top = max(top, density) }
      }
    }
    let corners: [(x: Double, y: Double, alignment: Text.Alignment)] = [
      (0, -0.06, .left), (1, -0.06, .right), (0.5, height + 0.05, .center),
    ]
    let words = corners.enumerated().map { index, corner in
      Mark.text(
        Text(
          index < names.count ? names[index] : "category \(index)", x: corner.x, y: corner.y,
          alignment: corner.alignment))
    }
    return Panel(
      title: title, x: Axis(lower: -0.05, upper: 1.05), y: Axis(lower: -0.12, upper: height + 0.12),
      equalAspect: true, legend: .none,
      [
        .heatMap(
          HeatMap("density", x: x, y: y, values: values, lower: 0, upper: top > 0 && top.isFinite ? top : 1)),
        .line(Line(x: [0, 1, 0.5, 0], y: [0, 0, height, 0], color: .foreground)),
      ] + words)
  }
}

/// Where on the triangle the density is greatest; nil: at its border, where it may be infinite.
private func place(ofModeOf dirichlet: Dirichlet, height: Double) -> (x: Double, y: Double)? {
  let concentration = dirichlet.concentration
  guard concentration.allSatisfy({ $0 > 1 }) else { return nil }
  let total = concentration.reduce(0, +) - 3
  let (second, third) = ((concentration[1] - 1) / total, (concentration[2] - 1) / total)
  return (second + 0.5 * third, height * third)
}

/// The marginal density of each probability, a Beta distribution; before the data grey.
func marginalPanel(prior: Dirichlet, posterior: Dirichlet, names: [String]) -> Panel {
  let x = (0...400).map { (Double($0) + 0.5) / 401 }
  func marginals(_ dirichlet: Dirichlet) -> [Beta] {
    let total = dirichlet.concentration.reduce(0, +)
    return dirichlet.concentration.map { Beta(a: $0, b: total - $0) }
  }
  func line(_ beta: Beta, _ label: String, _ color: Color, _ stroke: Line.Stroke) -> Mark {
    .line(Line(label, x: x, y: x.map { exp(beta.logDensity($0)) }, color: color, stroke: stroke))
  }
  let after = marginals(posterior)
  // A prior that says the same of every probability is drawn once.
  let before = Set(prior.concentration).count == 1 ? [marginals(prior)[0]] : marginals(prior)
  let top = after.flatMap { beta in x.map { exp(beta.logDensity($0)) } }.filter(\.isFinite).max() ?? 1
  return Panel(
    title: "The density of each probability", x: Axis("probability", lower: 0, upper: 1),
    y: Axis("density", lower: 0, upper: 1.1 * top),
    before.enumerated().map { line($1, $0 == 0 ? "prior" : "", .neutral, .dashed) }
      + after.enumerated().map { line($1, $0 < names.count ? names[$0] : "category \($0)", .palette($0), .solid) })
}
