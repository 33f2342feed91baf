import Foundation
import LinearAlgebra
import Statistics

/// Probabilistic PCA by expectation maximisation (Tipping and Bishop 1999; Bishop 2006, sections 12.2.2 and 12.2.3), for
/// data in any number of parts, with or without missing values.
///
/// The mean is learnt with the loadings, as the loading of a latent column that is always one: with missing values it
/// is not the mean of what was observed. The objective is the log-likelihood in nats of the observed values. With
/// `relevance`, the loadings' columns get priors N(0, 1/α) whose α are maximised too: columns that the data does not need
/// shrink away. The objective then is log p(X, W | α).
public struct ProbabilisticPCA: StatisticsModel {
  public let dimension: Int
  /// q
  public let latentDimension: Int
  /// Whether NaN means missing. Each column then has moments of its own: D (q + 1)(q + 2)/2 more numbers travel.
  public let allowsMissing: Bool
  public let relevance: Relevance?
  /// σ² never falls below it, so that data without noise has an answer.
  public let noiseFloor: Double
  /// Whether the floor is a part of the columns' mean variance, and the limit of relevance a multiple of its inverse, so that they
  /// mean the same in any units; otherwise, and where columns have no variance, they are in squared units of the data.
  public let limitsAreRelative: Bool

  /// Determines which of the loadings' columns the data needs.
  public struct Relevance: Hashable, Sendable {
    /// α never exceeds it, which counts as gone; in inverse squared units of the data, or relative to those.
    public var limit: Double
    public init(limit: Double) { self.limit = limit }
  }

  /// - Throws: `.wrongArgument` for no latent columns or no fewer than columns, or limits that are not positive.
  public init(
    latentDimension: Int, dimension: Int, allowsMissing: Bool = false, relevance: Relevance? = nil,
    noiseFloor: Double = 1e-12, limitsAreRelative: Bool = false
  ) throws(ExactError) {
    guard latentDimension >= 1, latentDimension < dimension, noiseFloor > 0, relevance.map({ $0.limit > 0 }) ?? true
    else {
      throw ExactError(
        .wrongArgument, doing: "making a probabilistic PCA of \(dimension) columns with \(latentDimension) latent ones",
        remedy: "ask for at least one and fewer than \(dimension) latent columns, and positive limits")
    }
    (self.latentDimension, self.dimension) = (latentDimension, dimension)
    (self.allowsMissing, self.relevance) = (allowsMissing, relevance)
    (self.noiseFloor, self.limitsAreRelative) = (noiseFloor, limitsAreRelative)
  }

  var layout: ProbabilisticPCALayout {
    ProbabilisticPCALayout(dimension: dimension, latentDimension: latentDimension, allowsMissing: allowsMissing)
  }

  public var statisticsCount: Int { layout.count }

  public func makeScratch() -> ProbabilisticPCAScratch { ProbabilisticPCAScratch(layout) }

  public func accumulate(
    _ observations: Observations, parameters: ProbabilisticPCAParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: ProbabilisticPCAScratch
  ) throws(ExactError) {
    try scratch.accumulate(observations.inputs, parameters, into: statistics)
  }

  public func update(
    _ parameters: ProbabilisticPCAParameters, statistics: [Double]
  ) throws(ExactError) -> Improvement<ProbabilisticPCAParameters> {
    guard statistics[ProbabilisticPCALayout.rows] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a probabilistic PCA", remedy: "give at least one row")
    }
    let columns = try loadings(parameters, statistics)
    var (error, observed, spread) = (0.0, 0.0, 0.0)
    for j in 0..<dimension {
      let column = layout.column(j, statistics)
      error += column.squaredError(columns.row(j))
      observed += column.count
      let sum = column.products[latentDimension]
      spread += column.count > 0 ? max(column.squares - sum * sum / column.count, 0) : 0
    }
    let noise = observed > 0 ? max(error / observed, floor(of: spread / observed)) : parameters.noiseVariance
    var (mean, loadings) = (parameters.mean, Matrix(rows: dimension, columns: latentDimension))
    for j in 0..<dimension {
      for k in 0..<latentDimension { loadings[j, k] = columns[j, k] }
      mean[j] += columns[j, latentDimension]
    }
    if relevance != nil { loadings = try turned(loadings) }
    let next = try ProbabilisticPCAParameters(
      mean: mean, loadings: loadings, noiseVariance: noise, relevance: relevances(loadings, noiseVariance: noise))
    return Improvement(
      parameters: next, objective: statistics[ProbabilisticPCALayout.logLikelihood] + logPrior(parameters))
  }

  /// - Parameter variance: the mean of the columns.
  private func floor(of variance: Double) -> Double {
    limitsAreRelative && variance > 0 ? noiseFloor * variance : noiseFloor
  }

  /// D × (q + 1): the new loadings of each column, and what its mean moves by.
  private func loadings(_ parameters: ProbabilisticPCAParameters, _ statistics: [Double]) throws(ExactError) -> Matrix {
    var result = Matrix(rows: dimension, columns: latentDimension + 1)
    var shared: Cholesky?
    for j in 0..<dimension {
      let column = layout.column(j, statistics)
      guard column.count > 0 else {
        // Never observed: it stays as it is.
        for k in 0..<latentDimension { result[j, k] = parameters.loadings[j, k] }
        continue
      }
      let factor: Cholesky
      if let shared, !allowsMissing {
        factor = shared
      } else {
        do {
          factor = try Cholesky(penalised(column.moments, parameters), jitter: .rounding)
        } catch {
          throw ExactError(error, doing: "updating loadings", remedy: "scale the columns to similar magnitudes")
        }
        shared = factor
      }
      let solution = factor.solve(column.products)
      for k in 0...latentDimension { result[j, k] = solution[k] }
    }
    return result
  }

  /// The precision of the prior over a column's loadings, in the units of its moments: A + σ² diag(α, 0).
  private func penalised(_ moments: Matrix, _ parameters: ProbabilisticPCAParameters) -> Matrix {
    guard let relevance = parameters.relevance else { return moments }
    var result = moments
    for (k, α) in relevance.enumerated() { result[k, k] += parameters.noiseVariance * α }
    return result
  }

  /// α = D/‖w‖², the maximum of the objective, up to the limit (Bishop 2006, equation 12.62).
  func relevances(_ loadings: Matrix, noiseVariance: Double) -> [Double]? {
    relevanceLimit(loadings, noiseVariance: noiseVariance).map { limit in
      (0..<latentDimension).map { k in
        let column = loadings.column(k)
        return min(Double(dimension) / dot(column, column), limit)
      }
    }
  }

  /// The α at which a latent column counts as gone, in inverse squared units of the data; nil without relevance.
  private func relevanceLimit(_ loadings: Matrix, noiseVariance: Double) -> Double? {
    guard let relevance, limitsAreRelative else { return relevance?.limit }
    // The mean variance of a column under the model: tr(W Wᵀ + σ² I) / D.
    return relevance.limit / (dot(loadings.elements, loadings.elements) / Double(dimension) + noiseVariance)
  }

  /// How many of the latent columns the data needs; nil without relevance.
  public func relevantCount(_ parameters: ProbabilisticPCAParameters) -> Int? {
    guard let limit = relevanceLimit(parameters.loadings, noiseVariance: parameters.noiseVariance) else { return nil }
    return parameters.relevance?.count { $0 < limit }
  }

  /// The loadings with their columns turned until they are orthogonal, the longest first. The likelihood does not notice,
  /// and the prior with its best α grows: it is a convex function of the columns' squared lengths, which orthogonal
  /// columns spread furthest. Without turning, two columns that share a direction would part only slowly.
  private func turned(_ loadings: Matrix) throws(ExactError) -> Matrix {
    do {
      let eigen = try SymmetricEigen(loadings.gram)
      let rotation = Matrix((0..<latentDimension).reversed().map(eigen.vectors.row))
      return Matrix.product(loadings, rotation, transposed: .right)
    } catch {
      throw ExactError(error, doing: "turning loadings", remedy: "scale the columns to similar magnitudes")
    }
  }

  /// log p(W | α); 0 without a prior.
  private func logPrior(_ parameters: ProbabilisticPCAParameters) -> Double {
    (parameters.relevance ?? []).enumerated().reduce(0) { sum, item in
      let (k, α) = item
      let column = parameters.loadings.column(k)
      return sum + 0.5 * Double(dimension) * (log(α) - logTwoPi) - 0.5 * α * dot(column, column)
    }
  }

  /// E_q[log p(x, z | θ)] + H(q) (+ log p(W | α)), for the latent posterior q of `takenWith`, with which the statistics
  /// were taken: see `GaussianMixture.bound`. Not for updates with `relevance`, which turn the latent columns too.
  public func bound(
    _ parameters: ProbabilisticPCAParameters, statistics: [Double], takenWith before: ProbabilisticPCAParameters
  ) -> Double {
    let rows = statistics[ProbabilisticPCALayout.rows]
    var bound =
      statistics[ProbabilisticPCALayout.entropy] - 0.5 * statistics[ProbabilisticPCALayout.latentTrace]
      - 0.5 * rows * Double(latentDimension) * logTwoPi + logPrior(parameters)
    for j in 0..<dimension {
      let column = layout.column(j, statistics)
      let weights = parameters.loadings.row(j) + [parameters.mean[j] - before.mean[j]]
      bound -=
        0.5 * column.count * (logTwoPi + log(parameters.noiseVariance))
        + 0.5 * column.squaredError(weights) / parameters.noiseVariance
    }
    return bound
  }

  /// Random loadings, half of the variance to them and half to noise, around the mean of what is observed.
  /// - Throws: `.tooFewRows` without rows; `.notFinite` for infinities, and for NaN unless it means missing.
  public func start(
    from sample: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> ProbabilisticPCAParameters {
    let doing = "starting a probabilistic PCA"
    guard sample.count > 0 else { throw ExactError(.tooFewRows, doing: doing, remedy: "give at least one row") }
    var (mean, variance, observed) = ([Double](), 0.0, 0.0)
    for j in 0..<dimension {
      let values = (0..<sample.count).map { sample[$0, j] }.filter { !(allowsMissing && $0.isNaN) }
      guard values.allSatisfy({ $0.isFinite }) else {
        throw ExactError(.notFinite, doing: doing, remedy: "remove or impute values that are infinite or NaN")
      }
      let centre = values.first ?? 0
      let average = values.reduce(0) { $0 + ($1 - centre) } / Double(max(values.count, 1))
      mean.append(centre + average)
      variance += values.reduce(0) { $0 + ($1 - centre - average) * ($1 - centre - average) }
      observed += Double(values.count)
    }
    variance /= max(observed, 1)
    variance = max(variance, 2 * floor(of: variance))
    let scale = (0.5 * variance / Double(latentDimension)).squareRoot()
    let elements = (0..<(dimension * latentDimension)).map { _ in scale * generator.normal() }
    let loadings = Matrix(rows: dimension, columns: latentDimension, elements: elements)
    return try ProbabilisticPCAParameters(
      mean: mean, loadings: loadings, noiseVariance: variance / 2,
      relevance: relevances(loadings, noiseVariance: variance / 2))
  }
}
