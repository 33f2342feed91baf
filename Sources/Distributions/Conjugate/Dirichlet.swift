import Foundation
import LinearAlgebra

/// The Dirichlet distribution over K probabilities.
public struct Dirichlet: Hashable, Sendable {
  public let concentration: [Double]

  public init(concentration: [Double]) {
    precondition(!concentration.isEmpty && concentration.allSatisfy { $0 > 0 }, "concentrations are positive")
    self.concentration = concentration
  }

  public var mean: [Double] {
    let total = concentration.reduce(0, +)
    return concentration.map { $0 / total }
  }

  public var variance: [Double] {
    let total = concentration.reduce(0, +)
    return mean.map { $0 * (1 - $0) / (total + 1) }
  }

  /// With respect to the first K − 1 probabilities.
  public func logDensity(_ π: [Double]) -> Double {
    precondition(π.count == concentration.count, "a probability for each category")
    return zip(concentration, π).reduce(-logMultivariateBeta(concentration)) { sum, pair in
      pair.0 == 1 ? sum : sum + (pair.0 - 1) * log(pair.1)
    }
  }

  public func sample(using generator: inout some RandomNumberGenerator) -> [Double] {
    generator.dirichlet(concentration)
  }
}
