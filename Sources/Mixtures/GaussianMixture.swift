import Foundation
import LinearAlgebra
import Statistics

/// A mixture of Gaussians p(x) = Σₖ πₖ N(x; μₖ, Σₖ), fitted by expectation maximisation (Bishop 2006, section 9.2).
///
/// The statistics are counts and moments under the responsibilities; the objective is the log-likelihood in nats.
/// A component that no row belongs to (Nₖ below 10 machine epsilons) keeps its centre and covariance, and its weight
/// becomes Nₖ/N: the others go on as if it were not there, and it comes back when rows come near.
public struct GaussianMixture: StatisticsModel {
  public let components: Int
  public let dimension: Int
  public let covariance: CovarianceKind
  public let floor: CovarianceFloor
  /// Whether the floor is a part of the columns' own variances over all rows (of their mean when covariances are
  /// spherical), so that it means the same in any units; otherwise it is in squared units of the data.
  public let floorIsRelative: Bool

  /// - Throws: `.wrongArgument` for no components, no columns or a negative floor.
  public init(
    components: Int, dimension: Int, covariance: CovarianceKind = .full, floor: CovarianceFloor = .standard,
    floorIsRelative: Bool = false
  ) throws(ExactError) {
    guard components > 0, dimension > 0, floor.value >= 0 else {
      throw ExactError(
        .wrongArgument, doing: "making a mixture of \(components) components over \(dimension) columns",
        remedy: "ask for at least one component and one column, and a floor that is not negative")
    }
    (self.components, self.dimension, self.covariance) = (components, dimension, covariance)
    (self.floor, self.floorIsRelative) = (floor, floorIsRelative)
  }

  var layout: MixtureLayout { MixtureLayout(components: components, dimension: dimension, kind: covariance) }

  public var statisticsCount: Int { layout.count }

  public func makeScratch() -> MixtureScratch {
    MixtureScratch(components: components, dimension: dimension, kind: covariance)
  }

  /// E-step, and the moments that the M-step needs.
  public func accumulate(
    _ observations: Observations, parameters: GaussianMixtureParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError) {
    parameters.prepare(scratch)
    try scratch.panels.forEachBlock(of: observations.inputs) { (_, count) throws(ExactError) in
      try scratch.evaluate(count: count)
      scratch.collect(count: count)
    }
    scratch.flush(into: statistics)
  }

  /// The moments under given responsibilities, N × K, around the means of `parameters`: what a start from labels needs.
  public func accumulate(
    _ observations: Observations, responsibilities: RowBlock, parameters: GaussianMixtureParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError) {
    precondition(responsibilities.count == observations.count && responsibilities.dimension == components)
    parameters.prepare(scratch)
    try scratch.collect(observations.inputs, responsibilities: responsibilities, into: statistics)
  }

  /// M-step.
  /// - Throws: `.tooFewRows` without rows; `.singular` when a covariance collapses and no floor holds it.
  public func update(
    _ parameters: GaussianMixtureParameters, statistics values: [Double]
  ) throws(ExactError) -> Improvement<GaussianMixtureParameters> {
    let statistics = MixtureStatistics(values, layout)
    guard statistics.rows > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a mixture", remedy: "give at least one row")
    }
    let counts = statistics.counts
    let used = counts.map { $0 >= 10 * Double.ulpOfOne }
    var means = parameters.means
    var shifts: [[Double]] = []
    for k in 0..<components {
      shifts.append(statistics.first(k).scaled(by: used[k] ? 1 / counts[k] : 0))
      for j in 0..<dimension { means[k, j] += shifts[k][j] }
    }
    let weights = counts.map { $0 / statistics.rows }
    var covariances = covariances(statistics, shifts: shifts, used: used, before: parameters.covariances)
    do {
      let units = units(weights: weights, means: means, covariances: covariances)
      covariances = try floored(covariances, units: units, used: used)
    } catch {
      throw ExactError(error, doing: "updating covariances", remedy: "scale the columns to similar magnitudes")
    }
    let next = try GaussianMixtureParameters(
      weights: weights, means: means, covariances: covariances, floor: floor)
    return Improvement(parameters: next, objective: statistics.logLikelihood)
  }

  /// Maximum likelihood, without the floor; components without rows keep what they had.
  private func covariances(
    _ statistics: MixtureStatistics, shifts: [[Double]], used: [Bool], before: MixtureCovariances
  ) -> MixtureCovariances {
    switch before {
    case .full(var matrices):
      for k in 0..<components where used[k] {
        matrices[k] = (1 / statistics.count(k)) * statistics.secondMatrix(k)
        matrices[k].addOuterProduct(shifts[k], factor: -1)
      }
      return .full(matrices)
    case .tied:
      var matrix = statistics.secondMatrix(0)
      for k in 0..<components { matrix.addOuterProduct(shifts[k], factor: -statistics.count(k)) }
      return .tied((1 / statistics.rows) * matrix)
    case .diagonal(var variances):
      for k in 0..<components where used[k] {
        let second = statistics.secondDiagonal(k)
        for j in 0..<dimension {
          variances[k, j] = max(second[j] / statistics.count(k) - shifts[k][j] * shifts[k][j], 0)
        }
      }
      return .diagonal(variances)
    case .spherical(var variances):
      for k in 0..<components where used[k] {
        let spread = statistics.secondTrace(k) / statistics.count(k) - dot(shifts[k], shifts[k])
        variances[k] = max(spread / Double(dimension), 0)
      }
      return .spherical(variances)
    }
  }

  private func floored(
    _ covariances: MixtureCovariances, units: [Double], used: [Bool]
  ) throws(LinearAlgebraError) -> MixtureCovariances {
    switch covariances {
    case .full(var matrices):
      for k in 0..<components where used[k] { matrices[k] = try floor.applied(to: matrices[k], units: units) }
      return .full(matrices)
    case .tied(let matrix): return .tied(try floor.applied(to: matrix, units: units))
    case .diagonal(var variances):
      for k in 0..<components where used[k] {
        for j in 0..<dimension { variances[k, j] = floor.applied(to: variances[k, j], unit: units[j]) }
      }
      return .diagonal(variances)
    case .spherical(var variances):
      for k in 0..<components where used[k] { variances[k] = floor.applied(to: variances[k], unit: units[0]) }
      return .spherical(variances)
    }
  }

  /// Free parameters: K − 1 weights, the means, the covariances.
  public var freeParameters: Int {
    components - 1 + components * dimension
      + covariance.freeParameters(components: components, dimension: dimension)
  }

  /// Akaike's criterion, 2p − 2 log L: smaller is better.
  public func akaikeCriterion(logLikelihood: Double) -> Double { 2 * Double(freeParameters) - 2 * logLikelihood }

  /// Schwarz's criterion, p log N − 2 log L: smaller is better.
  public func bayesianCriterion(logLikelihood: Double, rows: Int) -> Double {
    Double(freeParameters) * log(Double(rows)) - 2 * logLikelihood
  }

  /// E_q[log p(x, z | θ)] + H(q) for the responsibilities q under which the statistics were taken: the lower bound of
  /// the variational view (Bishop 2006, section 9.4), with log p(x | θ) = bound + KL(q ‖ p(z | x, θ)).
  ///
  /// With `parameters` = `takenWith` the E-step has just been made and the bound is the log-likelihood; with the
  /// updated ones it is what the M-step maximised, and what it is short of their log-likelihood is the KL divergence
  /// that the next E-step removes.
  public func bound(
    _ parameters: GaussianMixtureParameters, statistics values: [Double],
    takenWith before: GaussianMixtureParameters
  ) -> Double {
    let statistics = MixtureStatistics(values, layout)
    var bound = statistics.entropy
    var tied = covariance == .tied ? statistics.secondMatrix(0) : Matrix(rows: 0, columns: 0)
    for k in 0..<components where statistics.count(k) > 0 {
      let (n, first) = (statistics.count(k), statistics.first(k))
      bound += n * parameters.constants[k]
      let move = parameters.means.row(k).subtracting(before.means.row(k))
      // Σ r (x − μ)(x − μ)ᵀ = S − s mᵀ − m sᵀ + N m mᵀ, for centres that moved by m.
      switch parameters.shape {
      case .whitening(let matrices):
        var moments = covariance == .full ? statistics.secondMatrix(k) : Matrix(rows: dimension, columns: dimension)
        for i in 0..<dimension {
          for j in 0..<dimension {
            moments[i, j] += n * move[i] * move[j] - first[i] * move[j] - move[i] * first[j]
          }
        }
        if covariance == .tied { tied = tied + moments } else { bound -= 0.5 * trace(matrices[k], moments) }
      case .precisions(let precisions):
        for j in 0..<dimension {
          let moved = n * move[j] * move[j] - 2 * first[j] * move[j]
          let second = covariance == .diagonal ? statistics.secondDiagonal(k)[j] : 0
          bound -= 0.5 * precisions[k, j] * (second + moved)
        }
        if covariance == .spherical { bound -= 0.5 * precisions[k, 0] * statistics.secondTrace(k) }
      }
    }
    if case .whitening(let matrices) = parameters.shape, covariance == .tied { bound -= 0.5 * trace(matrices[0], tied) }
    return bound
  }

  /// tr(Σ⁻¹ M) by the whitening matrix W, Σ⁻¹ = Wᵀ W.
  private func trace(_ whitening: Matrix, _ moments: Matrix) -> Double {
    Matrix.product(whitening * moments, whitening, transposed: .right).trace
  }
}
