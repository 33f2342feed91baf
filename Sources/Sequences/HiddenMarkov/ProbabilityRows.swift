import Foundation
import LinearAlgebra

/// What is estimated of parameters.
public enum Estimation: String, CaseIterable, Sendable, Hashable {
  /// The most likely parameters.
  case likelihood
  /// The most probable parameters under a prior.
  case posterior
  /// A distribution over parameters, by variational Bayes.
  case variational
}

/// How rows of probabilities are estimated: each row of a matrix is a categorical distribution, with a symmetric Dirichlet
/// prior where the estimation wants one. An entry of 0 is impossible and stays 0, and the prior leaves it out.
///
/// The values of a row are probabilities, or the concentrations of a Dirichlet posterior.
public struct ProbabilityRows: Sendable, Hashable {
  public let estimation: Estimation
  /// α of the prior: at least 1 for a posterior mode, above 0 for a distribution.
  public let concentration: Double

  public init(_ estimation: Estimation = .likelihood, concentration: Double = 1) {
    precondition(concentration > 0 && (estimation != .posterior || concentration >= 1), "a prior with a mode")
    (self.estimation, self.concentration) = (estimation, concentration)
  }

  /// Values that stand for probabilities as if they had been seen `count` times.
  func values(_ probabilities: Matrix, count: Double) -> Matrix {
    guard estimation == .variational else { return probabilities }
    return probabilities.mapping { $0 > 0 ? concentration + count * $0 : 0 }
  }

  /// What the recursions compute with: probabilities, or exp E[log p], whose sum is below 1 (Beal 2003, equation 3.70).
  func weights(_ values: Matrix) -> Matrix {
    guard estimation == .variational else { return values }
    return values.mappingRows { row in
      let total = digamma(row.reduce(0, +))
      return row.map { $0 > 0 ? exp(digamma($0) - total) : 0 }
    }
  }

  /// Probabilities: the expected ones of a distribution.
  public func means(_ values: Matrix) -> Matrix {
    guard estimation == .variational else { return values }
    return values.mappingRows { row in
      let total = row.reduce(0, +)
      return row.map { $0 / total }
    }
  }

  /// The values that expected counts lead to. A row that nothing was counted in keeps its probabilities.
  func updated(_ values: Matrix, counts: [Double]) -> Matrix {
    var result = values
    for i in 0..<values.rows {
      let possible = (0..<values.columns).filter { values[i, $0] > 0 }
      func count(_ j: Int) -> Double { counts[i * values.columns + j] }
      switch estimation {
      case .variational:
        for j in possible { result[i, j] = concentration + count(j) }
      case .likelihood, .posterior:
        let extra = estimation == .posterior ? concentration - 1 : 0
        let total = possible.reduce(0) { $0 + count($1) + extra }
        guard total >= 10 * Double.ulpOfOne else { continue }
        for j in possible { result[i, j] = (count(j) + extra) / total }
      }
    }
    return result
  }

  /// What the prior adds to the objective: its log-density, or −KL(q ‖ prior), in nats.
  func penalty(_ values: Matrix) -> Double {
    guard estimation != .likelihood else { return 0 }
    return (0..<values.rows).reduce(0) { sum, i in
      let row = values.row(i).filter { $0 > 0 }
      let prior = row.map { _ in concentration }
      guard estimation == .variational else {
        guard concentration != 1 else { return sum - logMultivariateBeta(prior) }
        return row.reduce(sum - logMultivariateBeta(prior)) { $0 + (concentration - 1) * log($1) }
      }
      let total = digamma(row.reduce(0, +))
      let divergence = row.reduce(logMultivariateBeta(prior) - logMultivariateBeta(row)) {
        $0 + ($1 - concentration) * (digamma($1) - total)
      }
      return sum - divergence
    }
  }

  /// Free parameters: one less in each row than it has possible entries.
  func freeParameters(_ values: Matrix) -> Int {
    (0..<values.rows).reduce(0) { $0 + values.row($1).count { $0 > 0 } - 1 }
  }
}

extension Matrix {
  func mapping(_ change: (Double) -> Double) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: elements.map(change))
  }

  func mappingRows(_ change: ([Double]) -> [Double]) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: (0..<rows).flatMap { change(row($0)) })
  }
}
