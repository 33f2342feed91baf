import Foundation
import LinearAlgebra
import Statistics

/// A linear regression in the coordinates in which both the prior N(0, 1/α) over its weights and the likelihood are
/// diagonal, where a choice of precisions costs O(M).
///
/// The weights are w = T a with independent a, those along the right singular vectors of the features. The features are
/// whitened first and the singular values taken of what is left, by a method that keeps the digits of the small ones:
/// those of the Gram matrix of inputs far from zero (a quadratic over years) are lost in double precision.
struct EvidenceProblem: Sendable {
  /// N
  let count: Double
  /// Squared singular values, the eigenvalues of the Gram matrix; zero where the data says nothing.
  let values: [Double]
  /// The target along the left singular vectors.
  let responses: [Double]
  /// The squared error of least squares.
  let leastSquares: Double
  /// Less than this is none, see `RegressionMoments.leastError`.
  let leastError: Double
  /// T, weights × coordinates, the intercept's weight first where the prior holds for it.
  let directions: Matrix
  /// Whether the first weight is the intercept's.
  let holdsIntercept: Bool
  /// What a prediction is of the coordinates: (base + slopes (φ − φ̄)) · a, beside the mean of the target when features
  /// and target are taken around theirs.
  let base: [Double]
  let slopes: Matrix
  let featureMeans: [Double]
  let centre: Double
  /// Of few rows with many features: what they span, as orthonormal rows. The data says nothing of other directions.
  private let span: Matrix?
  /// How many directions it says nothing of for that reason.
  let outside: Int

  init(_ moments: RegressionMoments, _ features: Features, penalizesIntercept: Bool) throws(ExactError) {
    let isCentred = features.hasIntercept && !penalizesIntercept
    let spanned = try moments.spanned(withMean: !isCentred)
    do {
      try self.init(
        spanned?.moments ?? moments, along: spanned?.directions, of: moments.featureMeans, isCentred: isCentred,
        holdsIntercept: features.hasIntercept && penalizesIntercept)
    } catch {
      throw ExactError(error, doing: "maximising the evidence", remedy: "scale the inputs to similar magnitudes")
    }
  }

  /// - Parameters:
  ///   - moments: of the features, or of their coordinates along what rows span.
  ///   - featureMeans: of the features.
  private init(
    _ moments: RegressionMoments, along span: Matrix?, of featureMeans: [Double], isCentred: Bool, holdsIntercept: Bool
  ) throws(LinearAlgebraError) {
    let white = try WhitenedFeatures(moments)
    let (m, level) = (moments.featureCount, moments.count.squareRoot())
    // Rows: the mean of all examples where it counts, then whitened directions. Columns: weights.
    let (above, before) = (isCentred ? 0 : 1, holdsIntercept ? 1 : 0)
    var root = Matrix(rows: m + above, columns: m + before)
    var target = [Double](repeating: 0, count: m + above)
    if !isCentred {
      target[0] = level * moments.targetMean
      if holdsIntercept { root[0, 0] = level }
      for j in 0..<m { root[0, j + before] = level * moments.featureMeans[j] }
    }
    let explained = white.forward * moments.products
    for i in 0..<white.rank {
      target[i + above] = explained[i]
      for j in 0..<m { root[i + above, j + before] = white.root[i, j] }
    }
    let singular = try SingularValues(ofScaledColumns: root)
    let rank = min(white.rank + above, m + before)
    // Without an intercept the mean may be a direction of its own, or none.
    let least = white.rank < m ? 1e-14 * Double(m) * (singular.values.first ?? 0) : 0
    let values = singular.values.enumerated().map { $0 < rank && $1 > least ? $1 * $1 : 0 }
    let responses = zip(singular.left.transposedProduct(target), values).map { $1 > 0 ? $0 : 0 }
    let missed = target.subtracting(singular.left * responses)
    leastSquares = max(moments.targetScatter - dot(explained, explained), 0) + dot(missed, missed)
    leastError = moments.leastError
    (count, self.values, self.responses, self.holdsIntercept) = (moments.count, values, responses, holdsIntercept)
    (self.featureMeans, centre) = (featureMeans, isCentred ? moments.targetMean : 0)
    (self.span, outside) = (span, featureMeans.count - m)

    // Σ Pᵀ, by the rows of `root`, and what it makes of features.
    var loadings = singular.left.transposed
    for i in 0..<loadings.rows {
      for j in 0..<loadings.columns { loadings[i, j] *= values[i].squareRoot() }
    }
    base = isCentred ? values.map { _ in 0 } : loadings.column(0).scaled(by: 1 / level)
    let whitened = loadings.columns(above..<(above + white.rank))
    var slopes = whitened * white.forward
    var (weights, intercepts) = (slopes, base)
    if white.rank < m {
      // Directions that the data says nothing of have the prior's variance.
      weights = singular.rightTransposed.columns(before..<(before + m))
      slopes = slopes + weights - Matrix.product(weights, white.root, transposed: .right) * white.forward
      intercepts = singular.rightTransposed.column(0)
    } else {
      // More digits than the right singular vectors have where weights differ by magnitudes.
      intercepts = base.subtracting(slopes * moments.featureMeans)
    }
    if let span { (weights, slopes) = (weights * span, slopes * span) }
    self.slopes = slopes
    directions = (holdsIntercept ? weights.preceded(by: intercepts) : weights).transposed
  }

  /// Its coordinates are independent Gaussians (Bishop 2006, equations 3.53, 3.54, 3.86 and 3.91).
  struct Posterior {
    let weightPrecision: Double
    let noisePrecision: Double
    let means: [Double]
    let variances: [Double]
    /// γ
    let effectiveParameters: Double
    let squaredError: Double
    let logEvidence: Double
  }

  func posterior(_ weightPrecision: Double, _ noisePrecision: Double) -> Posterior {
    let variances = values.map { 1 / (weightPrecision + noisePrecision * $0) }
    let means = zip(zip(values, responses), variances).map { noisePrecision * $0.0.squareRoot() * $0.1 * $1 }
    // That of least squares, and what the prior adds: a smooth function of the precisions however small it is.
    let error = zip(responses, variances).reduce(leastSquares) { sum, item in
      let shrinkage = item.0 * weightPrecision * item.1
      return sum + shrinkage * shrinkage
    }
    let ratio = noisePrecision / weightPrecision
    let logEvidence =
      0.5
      * (count * (log(noisePrecision) - logTwoPi) - noisePrecision * error - weightPrecision * dot(means, means)
        - values.reduce(0) { $0 + log1p(ratio * $1) })
    return Posterior(
      weightPrecision: weightPrecision, noisePrecision: noisePrecision, means: means, variances: variances,
      effectiveParameters: zip(values, variances).reduce(0) { $0 + noisePrecision * $1.0 * $1.1 },
      squaredError: error, logEvidence: logEvidence)
  }

  /// T a, the intercept's weight first where the prior holds for it.
  func weights(_ posterior: Posterior) -> [Double] { directions * posterior.means }

  /// Of the weights, with those that the data says nothing of.
  func covariance(_ posterior: Posterior) -> Matrix {
    var scaled = directions
    for i in 0..<scaled.rows {
      for j in 0..<scaled.columns { scaled[i, j] *= posterior.variances[j].squareRoot() }
    }
    var result = Matrix.product(scaled, scaled, transposed: .right)
    guard let span else { return result }
    let (first, variance) = (result.rows - span.columns, 1 / posterior.weightPrecision)
    let known = span.gram
    for i in 0..<known.rows {
      result[first + i, first + i] += variance
      for j in 0..<known.columns { result[first + i, first + j] -= variance * known[i, j] }
    }
    return result
  }

  /// What the prediction for features is of the coordinates.
  func loadings(_ φ: [Double]) -> [Double] { base.adding(slopes * φ.subtracting(featureMeans)) }

  /// The part of features that few rows do not span; nothing when they are not few.
  func unspanned(_ φ: [Double]) -> [Double] {
    guard let span else { return [] }
    let around = φ.subtracting(featureMeans)
    return around.subtracting(span.transposedProduct(span * around))
  }
}

extension Matrix {
  /// Some columns.
  fileprivate func columns(_ range: Range<Int>) -> Matrix {
    Matrix(rows: rows, columns: range.count, elements: (0..<rows).flatMap { row($0)[range] })
  }

  /// A column in front of the others.
  fileprivate func preceded(by column: [Double]) -> Matrix {
    Matrix(rows: rows, columns: columns + 1, elements: (0..<rows).flatMap { [column[$0]] + row($0) })
  }
}
