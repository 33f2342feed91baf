import Distributions
import LinearAlgebra
import Statistics

/// What a model linear in M features knows of data: count, means, and scatter around the means of features and target.
/// Of few rows with many features it is the rows themselves, since scatter would have more numbers.
public struct RegressionMoments: Hashable, Sendable {
  /// N
  public let count: Double
  /// M
  public let featureMeans: [Double]
  public let targetMean: Double
  /// Σ (φ − φ̄)(t − t̄)
  public let products: [Double]
  /// Σ (t − t̄)²
  public let targetScatter: Double
  private let source: Source

  private enum Source: Hashable, Sendable {
    case scatter(Matrix)
    /// φ − φ̄, N × M, and t − t̄.
    case rows(Matrix, targets: [Double])
  }

  /// From the moments of rows (φ, t).
  public init(_ joint: GaussianMoments) {
    let m = joint.dimension - 1
    precondition(m >= 0, "moments of features and a target")
    let (mean, whole) = (joint.mean, joint.scatter)
    self.init(
      count: joint.count, featureMeans: Array(mean.prefix(m)), targetMean: mean[m],
      scatter: Matrix((0..<m).map { Array(whole.row($0).prefix(m)) }), products: Array(whole.row(m).prefix(m)),
      targetScatter: whole[m, m])
  }

  /// From rows (φ, t), N × (M + 1), relative to a pivot.
  init(rows: Matrix, pivot: [Double]) {
    let (n, m) = (rows.rows, rows.columns - 1)
    var shift = [Double](repeating: 0, count: m + 1)
    for i in 0..<n { for j in 0...m { shift[j] += rows[i, j] / Double(n) } }
    var centred = Matrix(rows: n, columns: m)
    for i in 0..<n { for j in 0..<m { centred[i, j] = rows[i, j] - shift[j] } }
    let targets = (0..<n).map { rows[$0, m] - shift[m] }
    let mean = pivot.adding(shift)
    self.init(centred, targets: targets, featureMeans: Array(mean.prefix(m)), targetMean: mean[m])
  }

  private init(_ centred: Matrix, targets: [Double], featureMeans: [Double], targetMean: Double) {
    (count, self.featureMeans, self.targetMean) = (Double(targets.count), featureMeans, targetMean)
    (products, targetScatter) = (centred.transposedProduct(targets), dot(targets, targets))
    source = .rows(centred, targets: targets)
  }

  init(
    count: Double, featureMeans: [Double], targetMean: Double, scatter: Matrix, products: [Double],
    targetScatter: Double
  ) {
    (self.count, self.featureMeans, self.targetMean) = (count, featureMeans, targetMean)
    (self.products, self.targetScatter, source) = (products, targetScatter, .scatter(scatter))
  }

  /// Σ (φ − φ̄)(φ − φ̄)ᵀ, made anew each time from rows.
  public var scatter: Matrix {
    switch source {
    case .scatter(let matrix): matrix
    case .rows(let centred, _): centred.gram
    }
  }

  /// The features' sums of squares, around their means or around zero.
  func squares(around isCentred: Bool) -> [Double] {
    let centred: [Double] =
      switch source {
      case .scatter(let matrix): matrix.diagonal
      case .rows(let rows, _): (0..<featureCount).map { dot(rows.column($0), rows.column($0)) }
      }
    return isCentred ? centred : zip(centred, featureMeans).map { $0 + count * $1 * $1 }
  }

  /// The moments along the directions that rows span, all that they say of a model linear in many more features.
  /// - Parameter withMean: whether the mean of the rows is to be among them.
  /// - Returns: the directions as orthonormal rows, R × M, and the moments of coordinates along them; nil when scatter is
  ///   known, or the rows are no fewer than features.
  func spanned(withMean: Bool) throws(ExactError) -> (directions: Matrix, moments: RegressionMoments)? {
    guard case .rows(let centred, let targets) = source, centred.rows < featureCount else { return nil }
    var spanning = centred
    if withMean {
      let mean = featureMeans.scaled(by: count.squareRoot())
      spanning = Matrix(rows: centred.rows + 1, columns: featureCount, elements: centred.elements + mean)
    }
    let singular: SingularValues
    do {
      singular = try SingularValues(spanning)
    } catch {
      throw ExactError(error, doing: "finding what few rows span", remedy: "scale the inputs to similar magnitudes")
    }
    let least = 1e-14 * Double(featureCount) * (singular.values.first ?? 0)
    let rank = singular.values.count { $0 > least }
    let directions = Matrix(
      rows: rank, columns: featureCount,
      elements: Array(singular.rightTransposed.elements.prefix(rank * featureCount)))
    let moments = RegressionMoments(
      Matrix.product(centred, directions, transposed: .right), targets: targets,
      featureMeans: directions * featureMeans,
      targetMean: targetMean)
    return (directions, moments)
  }

  public var featureCount: Int { featureMeans.count }

  /// Φᵀ Φ with the features as the weights see them, a constant one in front when there is an intercept.
  func gram(intercept: Bool) -> Matrix {
    let m = featureCount
    let offset = intercept ? 1 : 0
    let scatter = scatter
    var result = Matrix(rows: m + offset, columns: m + offset)
    if intercept { result[0, 0] = count }
    for i in 0..<m {
      if intercept {
        result[0, i + 1] = count * featureMeans[i]
        result[i + 1, 0] = result[0, i + 1]
      }
      for j in 0..<m { result[i + offset, j + offset] = scatter[i, j] + count * featureMeans[i] * featureMeans[j] }
    }
    return result
  }

  /// Φᵀ t.
  func targetProducts(intercept: Bool) -> [Double] {
    (intercept ? [count * targetMean] : [])
      + (0..<featureCount).map { products[$0] + count * featureMeans[$0] * targetMean }
  }

  /// Σ (t − w·φ − b)², by the scatter around the means, where less cancels.
  public func squaredError(weights: [Double], intercept: Double) -> Double {
    let bias = targetMean - intercept - dot(weights, featureMeans)
    switch source {
    case .scatter(let matrix):
      let around = targetScatter - 2 * dot(weights, products) + matrix.quadraticForm(weights)
      return max(around, 0) + count * bias * bias
    case .rows(let centred, let targets):
      let errors = targets.subtracting(centred * weights)
      return dot(errors, errors) + count * bias * bias
    }
  }

  /// The moments of features and target divided by scales.
  func divided(by scales: [Double], target: Double) -> RegressionMoments {
    let means = zip(featureMeans, scales).map { $0 / $1 }
    switch source {
    case .scatter(var matrix):
      for i in 0..<featureCount {
        for j in 0..<featureCount { matrix[i, j] = matrix[i, j] / scales[i] / scales[j] }
      }
      return RegressionMoments(
        count: count, featureMeans: means, targetMean: targetMean / target, scatter: matrix,
        products: zip(products, scales).map { $0 / $1 / target }, targetScatter: targetScatter / target / target)
    case .rows(var centred, let targets):
      for i in 0..<centred.rows { for j in 0..<featureCount { centred[i, j] /= scales[j] } }
      return RegressionMoments(
        centred, targets: targets.map { $0 / target }, featureMeans: means, targetMean: targetMean / target)
    }
  }

  /// The moments of some of the features, in their order.
  public func keeping(_ kept: [Int]) -> RegressionMoments {
    let means = kept.map { featureMeans[$0] }
    switch source {
    case .scatter(let matrix):
      var part = Matrix(rows: kept.count, columns: kept.count)
      for (i, a) in kept.enumerated() {
        for (j, b) in kept.enumerated() { part[i, j] = matrix[a, b] }
      }
      return RegressionMoments(
        count: count, featureMeans: means, targetMean: targetMean, scatter: part, products: kept.map { products[$0] },
        targetScatter: targetScatter)
    case .rows(let centred, let targets):
      var part = Matrix(rows: centred.rows, columns: kept.count)
      for i in 0..<centred.rows { for (j, b) in kept.enumerated() { part[i, j] = centred[i, b] } }
      return RegressionMoments(part, targets: targets, featureMeans: means, targetMean: targetMean)
    }
  }

  /// What rounding leaves of a squared error that is zero: of the spread of the targets, and of their magnitude. Targets
  /// that are all zero have no scale of their own.
  var leastError: Double {
    let magnitude = Double.ulpOfOne * targetMean
    let least = 1e-15 * targetScatter + count * magnitude * magnitude
    return least > 0 ? max(least, 1e-305) : 1e-150
  }

  /// The same of weights as `Features.weighted` orders them.
  func squaredError(_ weights: [Double], _ features: Features) -> Double {
    features.hasIntercept
      ? squaredError(weights: Array(weights.dropFirst()), intercept: weights[0])
      : squaredError(weights: weights, intercept: 0)
  }
}

/// An estimate that is a function of regression moments alone.
public protocol MomentEstimator: Sendable {
  associatedtype Estimate: Sendable
  var features: Features { get }
  /// - Returns: the estimate, and its objective in nats where it has one, minus the squared error where it has none.
  func estimate(_ moments: RegressionMoments) throws(ExactError) -> (estimate: Estimate, objective: Double)
}
