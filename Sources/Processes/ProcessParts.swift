import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra

extension ProcessPresentation {
  /// What each summand of the kernel adds to the function: trend and season. Nothing for a kernel that is no sum, or for
  /// inputs of more than one column.
  func parts(_ data: ExactData, _ process: GaussianProcess) throws -> [Figure] {
    let parts = process.kernel.summands.filter { !$0.isWhite }
    guard parts.count > 1, data.train.width == 1 else { return [] }
    let inputs = process.inputs.elements
    let (least, most) = (inputs.min()!, inputs.max()!)
    let end = most + ahead * (most - least)
    let panels = parts.map { part in
      // A repeating part is drawn where it can be seen.
      let isLong = part.shortestPeriod.map { most - least > 12 * $0 } ?? false
      let first = isLong ? most - 8 * part.shortestPeriod! : least
      let last = isLong ? min(end, most + 4 * part.shortestPeriod!) : end
      let grid = (0...600).map { first + (last - first) * Double($0) / 600 }
      let found = process.predict(part: part, Matrix(rows: grid.count, columns: 1, elements: grid))
      let means = found.means.map { $0 * units.scale }
      let halves = found.variances.map { 2 * $0.squareRoot() * units.scale }
      let x = grid.map { data.train.scaling?.restored($0, column: 0) ?? $0 }
      return Panel(
        title: part.summary, x: Axis(data.name(of: 0), lower: x.first!, upper: x.last!),
        y: Axis(data.target), legend: .none,
        [
          .band(
            Band(
              x: x, lower: means.subtracting(halves), upper: means.adding(halves), color: .palette(0), opacity: 0.25)),
          .line(Line(x: x, y: means, color: .palette(0))), .rule(Rule(.horizontal(0))),
        ])
    }
    return [
      Figure("parts", title: "What each summand of the kernel explains, ± 2 σ", .plot(Plot(panels, columns: 2)))
    ]
  }
}

extension Kernel {
  fileprivate var isWhite: Bool {
    switch self {
    case .white: true
    case .fixed(let inner): inner.isWhite
    default: false
    }
  }

  /// The names in it, and the scales along its input.
  fileprivate var summary: String {
    func number(_ value: Double) -> String { String(format: "%.3g", value) }
    switch self {
    case .rbf(_, let scales): return "rbf(length=\(scales.map(number).joined(separator: ",")))"
    case .matern12(_, let scales): return "matern12(length=\(scales.map(number).joined(separator: ",")))"
    case .matern32(_, let scales): return "matern32(length=\(scales.map(number).joined(separator: ",")))"
    case .matern52(_, let scales): return "matern52(length=\(scales.map(number).joined(separator: ",")))"
    case .rationalQuadratic(_, let scales, let alpha):
      return "rational-quadratic(length=\(scales.map(number).joined(separator: ",")), alpha=\(number(alpha)))"
    case .periodic(_, let scale, let period): return "periodic(length=\(number(scale)), period=\(number(period)))"
    case .linear: return "linear"
    case .constant: return "constant"
    case .white: return "white"
    case .sum(let parts): return parts.map(\.summary).joined(separator: " + ")
    case .product(let parts): return parts.map(\.summary).joined(separator: " × ")
    case .fixed(let inner): return inner.summary
    }
  }
}
