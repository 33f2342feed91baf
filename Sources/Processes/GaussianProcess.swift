import Foundation
import LinearAlgebra
import Regression
import Statistics

/// Regression by a Gaussian process: f ~ GP(mean, k), t = f(x) + N(0, noise variance) (Rasmussen and Williams 2006,
/// chapter 2). Exact, by the Cholesky factor of the N × N covariance of the targets.
public struct GaussianProcess: Hashable, Sendable {
  public let kernel: Kernel
  public let noiseVariance: Double
  /// The function's mean before data, a constant.
  public let mean: Double
  /// N × D
  public let inputs: Matrix
  /// (K + σ² I)⁻¹ (t − mean)
  let weights: [Double]
  let factor: Cholesky
  /// log p(t)
  public let logMarginalLikelihood: Double

  /// N beyond which the N × N matrix is refused: a million elements are 8 MB, and time grows with N³.
  public static let maximumRows = 10_000

  /// Conditions on data. Rounding errors in the covariance are met with jitter, 1e-12 to 1e-6 of its mean diagonal
  /// element.
  /// - Throws: `.tooFewRows` without rows, `.wrongArgument` for wrong parameters or more than `maximumRows` rows,
  ///   `.notFinite` for data with infinities or NaN, `.singular` for a covariance that jitter does not help.
  public init(
    _ kernel: Kernel, noiseVariance: Double, mean: Double = 0, inputs: Matrix, targets: [Double]
  ) throws(ExactError) {
    try Self.check(kernel, noiseVariance: noiseVariance, mean: mean, inputs: inputs, targets: targets)
    let doing = "conditioning a Gaussian process on \(inputs.rows) rows"
    var covariance = kernel.matrix(inputs)
    covariance.addToDiagonal(noiseVariance)
    do {
      factor = try Cholesky(covariance, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: doing, remedy: "raise the noise variance, or scale the inputs")
    }
    let centred = targets.map { $0 - mean }
    weights = factor.solve(centred)
    logMarginalLikelihood =
      -0.5 * (dot(centred, weights) + factor.logDeterminant + Double(targets.count) * logTwoPi)
    (self.kernel, self.noiseVariance, self.mean, self.inputs) = (kernel, noiseVariance, mean, inputs)
  }

  static func check(
    _ kernel: Kernel, noiseVariance: Double, mean: Double, inputs: Matrix, targets: [Double]
  ) throws(ExactError) {
    let doing = "conditioning a Gaussian process on \(inputs.rows) rows"
    guard inputs.rows > 0 else { throw ExactError(.tooFewRows, doing: doing, remedy: "give at least one row") }
    guard inputs.rows == targets.count, inputs.rows <= Self.maximumRows, noiseVariance >= 0, noiseVariance.isFinite,
      mean.isFinite
    else {
      throw ExactError(
        .wrongArgument, doing: doing,
        remedy:
          "give a target for each row, a noise variance that is not negative, and at most \(Self.maximumRows) rows; "
          + "more take inducing points")
    }
    try kernel.check(columns: inputs.columns)
    if let row = inputs.firstRowNotFinite ?? targets.firstIndex(where: { !$0.isFinite }) {
      throw ExactError(
        .notFinite, row: row, doing: doing, remedy: "remove or impute values that are infinite or NaN")
    }
  }

  /// ∂ log p(t)/∂ log θ for the kernel's free parameters, and for the noise variance last (Rasmussen and Williams 2006,
  /// equation 5.9).
  public var gradient: [Double] {
    // ½ (α αᵀ − K⁻¹), in one pass.
    var adjoint = factor.inverse
    let count = weights.count
    adjoint.elements.withUnsafeMutableBufferPointer { elements in
      for (row, weight) in weights.enumerated() {
        for column in 0..<count {
          let place = row * count + column
          elements[place] = 0.5 * (weight * weights[column] - elements[place])
        }
      }
    }
    return kernel.contraction(adjoint, KernelInputs(inputs)) + [noiseVariance * adjoint.trace]
  }

  /// The function at new inputs, with its variance, and that of the noise. White noise of the kernel belongs to the
  /// function.
  public func predict(_ x: Matrix) throws(ExactError) -> [RegressionPrediction] {
    guard x.columns == inputs.columns else {
      throw ExactError(
        .wrongShape, doing: "predicting from rows of \(x.columns) numbers",
        remedy: "give rows of \(inputs.columns) numbers")
    }
    let (means, variances) = predict(part: kernel, x)
    return means.indices.map { i in
      RegressionPrediction(mean: mean + means[i], noiseVariance: noiseVariance, modelVariance: variances[i])
    }
  }

  /// What one summand of the kernel adds to the function at new inputs, with its variance, without the constant mean:
  /// the trend, or the season (Rasmussen and Williams 2006, section 5.4.3).
  public func predict(part: Kernel, _ x: Matrix) -> (means: [Double], variances: [Double]) {
    precondition(x.columns == inputs.columns, "rows of \(inputs.columns) numbers")
    let cross = part.matrix(inputs, x)
    let explained = factor.solveLower(cross)
    var variances = part.diagonal(x)
    for i in 0..<explained.rows {
      for j in 0..<explained.columns { variances[j] -= explained[i, j] * explained[i, j] }
    }
    return (cross.transposedProduct(weights), variances.map { max($0, 0) })
  }

  /// Functions drawn from the posterior at new inputs, one in each row.
  public func sample(
    _ count: Int, at x: Matrix, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> Matrix {
    let means = try predict(x).map(\.mean)
    let explained = factor.solveLower(kernel.matrix(inputs, x))
    let root: Cholesky
    do {
      root = try Cholesky(kernel.matrix(x) - explained.gram, jitter: JitterPolicy(first: 1e-12, last: 1e-4))
    } catch {
      throw ExactError(error, doing: "sampling a Gaussian process", remedy: "sample at fewer, more distant inputs")
    }
    return Matrix((0..<count).map { _ in generator.normal(mean: means, factor: root) })
  }

  // MARK: Optimisation

  /// The process whose free kernel parameters and noise variance have the largest marginal likelihood, by L-BFGS in their
  /// logarithms within 1e-5 … 1e5 of the data's own units, from this one's.
  /// - Parameter optimizesNoise: false keeps the noise variance.
  public func optimized(
    targets: [Double], iterations: Int = 200, optimizesNoise: Bool = true
  ) throws(ExactError) -> GaussianProcess {
    let bounds = ProcessUnits(inputs: inputs, targets: targets, mean: mean).bounds(kernel)
    let count = kernel.parameters.count + (optimizesNoise ? 1 : 0)
    // The logarithm of a noise variance of zero lies below its bound, at which the search then begins.
    let start = (kernel.parameters + [noiseVariance]).map { log($0) }.prefix(count)
    var search = LBFGS(
      from: Array(start), lower: Array(bounds.lower.prefix(count)), upper: Array(bounds.upper.prefix(count)),
      maximumIterations: iterations)
    var best = self
    while !search.isFinished {
      let values = search.point.map { exp($0) }
      // A covariance that is singular there is a step too far.
      guard
        let process = try? GaussianProcess(
          kernel.with(parameters: Array(values.prefix(kernel.parameters.count))),
          noiseVariance: optimizesNoise ? values.last! : noiseVariance, mean: mean, inputs: inputs, targets: targets)
      else {
        search.tell(.infinity, search.point)
        continue
      }
      if process.logMarginalLikelihood > best.logMarginalLikelihood { best = process }
      search.tell(-process.logMarginalLikelihood, process.gradient.prefix(count).map { -$0 })
    }
    return best
  }
}
