import Foundation
import LinearAlgebra
import Statistics

/// A set of Gaussian components whose densities are read and whose moments are taken under weights from elsewhere: what a
/// model with a hidden state for each row needs of a mixture.
public protocol GaussianComponents {
  associatedtype Parameters: Sendable

  /// log N(x | k), or its expectation under a posterior, of each row and component.
  /// - Parameter target: N × K, row by row.
  /// - Throws: `.notFinite` for rows with infinities or NaN.
  func logDensities(
    of rows: RowBlock, _ parameters: Parameters, into target: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError)

  /// Adds the moments of rows under given responsibilities, N × K, to statistics.
  func accumulate(
    _ observations: Observations, responsibilities: RowBlock, parameters: Parameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError)
}

extension GaussianMixture: GaussianComponents {
  public func logDensities(
    of rows: RowBlock, _ parameters: GaussianMixtureParameters, into target: UnsafeMutablePointer<Double>,
    scratch: MixtureScratch
  ) throws(ExactError) {
    parameters.prepare(scratch)
    try scratch.logDensities(of: rows, less: parameters.weights.map { log($0) }, into: target)
  }
}

extension VariationalMixture: GaussianComponents {
  public func logDensities(
    of rows: RowBlock, _ parameters: VariationalMixtureParameters, into target: UnsafeMutablePointer<Double>,
    scratch: MixtureScratch
  ) throws(ExactError) {
    parameters.prepare(scratch)
    try scratch.logDensities(of: rows, less: parameters.weights.expectedLogs, into: target)
  }

  public func accumulate(
    _ observations: Observations, responsibilities: RowBlock, parameters: VariationalMixtureParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError) {
    parameters.prepare(scratch)
    try scratch.collect(observations.inputs, responsibilities: responsibilities, into: statistics)
  }
}

extension MixtureScratch {
  /// The log-densities of rows without the components' weights.
  fileprivate func logDensities(
    of rows: RowBlock, less logWeights: [Double], into target: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    try panels.forEachBlock(of: rows) { (first, count) throws(ExactError) in
      logDensities()
      for row in 0..<count {
        let start = target + (first + row) * components
        for k in 0..<components { start[k] = density(row: row, component: k) - logWeights[k] }
      }
    }
  }

  /// The moments of rows under given responsibilities.
  func collect(
    _ rows: RowBlock, responsibilities: RowBlock, into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    try panels.forEachBlock(of: rows) { (first, count) throws(ExactError) in
      setResponsibilities(responsibilities.rows(first..<(first + count)))
      collect(count: count)
    }
    flush(into: statistics)
  }
}
