import Foundation
import LinearAlgebra

/// How far inputs and targets spread, to a power of ten: what the bounds of a search are relative to, so that a process
/// finds the same in any units. Data with a spread of about one has the bounds 1e-5 … 1e5 of scikit-learn.
public struct ProcessUnits: Hashable, Sendable {
  /// Of the targets around the process's mean.
  public let target: Double
  /// Of each column.
  public let inputs: [Double]

  /// - Parameter target: a deviation; one that is not positive counts as one.
  public init(target: Double, inputs: [Double]) {
    (self.target, self.inputs) = (Self.decade(target), inputs.map(Self.decade))
  }

  public init(inputs: Matrix, targets: [Double], mean: Double) {
    let count = Double(max(targets.count, 1))
    func deviation(_ values: [Double], around centre: Double) -> Double {
      (values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / count).squareRoot()
    }
    self.init(
      target: deviation(targets, around: mean),
      inputs: (0..<inputs.columns).map { column in
        let values = inputs.column(column)
        return deviation(values, around: values.reduce(0, +) / count)
      })
  }

  private static func decade(_ spread: Double) -> Double {
    guard spread.isNormal, spread > 0 else { return 1 }
    return pow(10, log10(spread).rounded())
  }

  /// The bounds of the logarithms of a kernel's free parameters and of the noise variance.
  func bounds(_ kernel: Kernel) -> (lower: [Double], upper: [Double]) {
    let units = kernel.parameterUnits(variance: target * target, inputs: inputs) + [target * target]
    return (units.map { log(1e-5 * $0) }, units.map { log(1e5 * $0) })
  }
}

extension Kernel {
  /// In what units the free parameters are, in their order.
  /// - Parameters:
  ///   - variance: of the functions.
  ///   - inputs: of each column.
  fileprivate func parameterUnits(variance: Double, inputs: [Double]) -> [Double] {
    let all = pow(10, (inputs.reduce(0) { $0 + log10($1) } / Double(max(inputs.count, 1))).rounded())
    func scales(_ own: [Double]) -> [Double] { own.count == inputs.count ? inputs : own.map { _ in all } }
    switch self {
    case .rbf(_, let own), .matern12(_, let own), .matern32(_, let own), .matern52(_, let own):
      return [variance] + scales(own)
    case .rationalQuadratic(_, let own, _): return [variance] + scales(own) + [1]
    // The length scale is relative to the period.
    case .periodic: return [variance, 1, all]
    case .linear: return [variance / (all * all)]
    case .constant, .white: return [variance]
    case .sum(let parts): return parts.flatMap { $0.parameterUnits(variance: variance, inputs: inputs) }
    // One factor has the unit of the function, the others have none.
    case .product(let parts):
      return parts.enumerated().flatMap { index, part in
        part.parameterUnits(variance: index == 0 ? variance : 1, inputs: inputs)
      }
    case .fixed: return []
    }
  }
}
