import Distributions
import Foundation
import LinearAlgebra
import Statistics

/// Probabilistic PCA: z ~ N(0, I), x | z ~ N(W z + μ, σ² I), and so x ~ N(μ, W Wᵀ + σ² I) (Tipping and Bishop 1999).
public struct ProbabilisticPCAParameters: Hashable, Sendable {
  /// μ
  public let mean: [Double]
  /// W, D × q.
  public let loadings: Matrix
  /// σ²
  public let noiseVariance: Double
  /// α: the precisions of the prior over W's columns, when their relevance is determined from data.
  public let relevance: [Double]?
  /// M = Wᵀ W + σ² I, q × q.
  let latent: Cholesky

  public var dimension: Int { mean.count }
  public var latentDimension: Int { loadings.columns }

  /// - Throws: `.wrongArgument` for parameters that make no density.
  public init(
    mean: [Double], loadings: Matrix, noiseVariance: Double, relevance: [Double]? = nil
  ) throws(ExactError) {
    let doing = "taking a probabilistic PCA of \(mean.count) columns"
    guard loadings.rows == mean.count, noiseVariance > 0, noiseVariance.isFinite, mean.allSatisfy({ $0.isFinite })
    else {
      throw ExactError(
        .wrongArgument, doing: doing, remedy: "give a finite mean, D × q loadings and a noise variance above zero")
    }
    var matrix = loadings.gram
    matrix.addToDiagonal(noiseVariance)
    do {
      latent = try Cholesky(matrix, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: doing, remedy: "raise the noise variance")
    }
    (self.mean, self.loadings, self.noiseVariance, self.relevance) = (mean, loadings, noiseVariance, relevance)
  }

  /// The maximum of the likelihood in closed form: W = U (Λ − σ² I)^½ with the q leading eigenvectors and eigenvalues of
  /// the covariance (N in the denominator), σ² the mean of the others (Tipping and Bishop 1999, equations 7 and 8).
  /// The rotation that the likelihood leaves open is none; columns are signed as the eigenvectors are, their element of
  /// largest magnitude positive.
  /// - Throws: `.wrongArgument` for q < 1 or q ≥ D; `.tooFewRows` without rows; `.singular` when the data has no
  ///   variance left beside the q components, to a 1e-12th of its variance.
  public init(maximisingLikelihoodOf moments: GaussianMoments, latentDimension q: Int) throws(ExactError) {
    let d = moments.dimension
    let doing = "fitting a probabilistic PCA of \(d) columns with \(q) latent ones"
    guard q >= 1, q < d else {
      throw ExactError(.wrongArgument, doing: doing, remedy: "ask for at least one and fewer than \(d) latent columns")
    }
    guard moments.count >= 1 else {
      throw ExactError(.tooFewRows, doing: doing, remedy: "give at least one row")
    }
    let eigen: SymmetricEigen
    do {
      eigen = try SymmetricEigen((1 / moments.count) * moments.scatter)
    } catch {
      throw ExactError(error, doing: doing, remedy: "scale the columns to similar magnitudes")
    }
    let noise = eigen.values.prefix(d - q).reduce(0, +) / Double(d - q)
    guard noise > 1e-12 * eigen.values.reduce(0, +) else {
      throw ExactError(
        .singular, doing: doing,
        remedy: "ask for fewer latent columns: these leave no noise, so the likelihood has no maximum")
    }
    var loadings = Matrix(rows: d, columns: q)
    for k in 0..<q {
      let scale = max(eigen.values[d - 1 - k] - noise, 0).squareRoot()
      for j in 0..<d { loadings[j, k] = scale * eigen.vectors[d - 1 - k, j] }
    }
    try self.init(mean: moments.mean, loadings: loadings, noiseVariance: noise)
  }

  /// W Wᵀ + σ² I.
  public var covariance: Matrix {
    var result = Matrix.product(loadings, loadings, transposed: .right)
    result.addToDiagonal(noiseVariance)
    return result
  }

  /// The same density with W's columns orthogonal and by falling length, signed as the closed form signs them: what
  /// makes the results of two trainings comparable.
  public func rotated() throws(ExactError) -> ProbabilisticPCAParameters {
    let singular: SingularValues
    do {
      singular = try SingularValues(loadings.transposed)
    } catch {
      throw ExactError(error, doing: "rotating loadings", remedy: "scale the columns to similar magnitudes")
    }
    var rotated = Matrix(rows: dimension, columns: latentDimension)
    for k in 0..<singular.values.count {
      for j in 0..<dimension { rotated[j, k] = singular.values[k] * singular.rightTransposed[k, j] }
    }
    return try ProbabilisticPCAParameters(mean: mean, loadings: rotated, noiseVariance: noiseVariance)
  }

  // MARK: Latent posterior and density

  /// E[z | x] and cov[z | x] = σ² M⁻¹. Values of x that are NaN are missing: only the others are conditioned on.
  public func latentPosterior(_ x: [Double]) throws(ExactError) -> (mean: [Double], covariance: Matrix) {
    let (_, mean, factor) = try conditioned(on: x)
    return (mean, noiseVariance * factor.inverse)
  }

  /// log p(x). Values that are NaN are missing and integrated out; with all missing it is 0.
  public func logDensity(_ x: [Double]) throws(ExactError) -> Double {
    let (seen, z, factor) = try conditioned(on: x)
    // dᵀ C⁻¹ d = ‖d − W z‖²/σ² + ‖z‖², which unlike Woodbury's difference does not cancel for small σ².
    let residual = seen.reduce(0) { sum, j in
      let r = x[j] - mean[j] - dot(loadings.row(j), z)
      return sum + r * r
    }
    let free = Double(seen.count - latentDimension)
    return -0.5 * (Double(seen.count) * logTwoPi + free * log(noiseVariance) + factor.logDeterminant)
      - 0.5 * (residual / noiseVariance + dot(z, z))
  }

  /// Σ log p(x) over rows.
  public func logLikelihood(_ rows: RowBlock) throws(ExactError) -> Double {
    var sum = 0.0
    for i in 0..<rows.count { sum += try logDensity((0..<rows.dimension).map { rows[i, $0] }) }
    return sum
  }

  /// E[x | the values that are not NaN]: observed values as they are, missing ones predicted without noise.
  public func imputed(_ x: [Double]) throws(ExactError) -> [Double] {
    let (_, z, _) = try conditioned(on: x)
    return x.indices.map { x[$0].isNaN ? mean[$0] + dot(loadings.row($0), z) : x[$0] }
  }

  public func sample(using generator: inout some RandomNumberGenerator) -> [Double] {
    let z = (0..<latentDimension).map { _ in generator.normal() }
    let centre = mean.adding(loadings * z)
    return centre.map { $0 + noiseVariance.squareRoot() * generator.normal() }
  }

  private func conditioned(on x: [Double]) throws(ExactError) -> (seen: [Int], z: [Double], factor: Cholesky) {
    guard x.count == dimension else {
      throw ExactError(
        .wrongShape, doing: "reading a row of \(x.count) numbers", remedy: "give rows of \(dimension) numbers")
    }
    guard !x.contains(where: \.isInfinite) else {
      throw ExactError(
        .notFinite, doing: "reading a row", remedy: "remove infinities, or mark what is missing as NaN")
    }
    let seen = x.indices.filter { !x[$0].isNaN }
    let w = seen.count == dimension ? loadings : Matrix(seen.map(loadings.row))
    let projected =
      seen.isEmpty
      ? Array(repeating: 0, count: latentDimension) : w.transposedProduct(seen.map { x[$0] - mean[$0] })
    guard seen.count < dimension else { return (seen, latent.solve(projected), latent) }
    var matrix = seen.isEmpty ? Matrix(rows: latentDimension, columns: latentDimension) : w.gram
    matrix.addToDiagonal(noiseVariance)
    do {
      let factor = try Cholesky(matrix, jitter: .rounding)
      return (seen, factor.solve(projected), factor)
    } catch {
      throw ExactError(error, doing: "conditioning on \(seen.count) values", remedy: "raise the noise variance")
    }
  }
}
