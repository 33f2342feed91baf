import LinearAlgebra
import Statistics

/// What an estimator found out about weights.
package protocol RegressionEstimate: Sendable {
  var features: Features { get }
  /// Without the intercept.
  var weights: [Double] { get }
  var intercept: Double { get }
  /// Of the weights without the intercept; nil when they are not a distribution.
  var weightCovariance: Matrix? { get }
  func prediction(_ x: [Double]) -> RegressionPrediction
  /// The metrics reported beside its objective.
  var metrics: [String: Double] { get }
  /// What the user must know of it; nil: nothing.
  var caution: String? { get }
}

extension RegressionEstimate {
  package var caution: String? { nil }
}

/// An estimator that a recipe can ask for.
package protocol ReportingEstimator: MomentEstimator where Estimate: RegressionEstimate {
  /// Whether the objective is a log evidence; if not, it is minus the squared error.
  var hasEvidence: Bool { get }
  /// The estimates of all polynomials of no higher degree, if the basis is one.
  func estimatesByOrder(_ moments: RegressionMoments) throws(ExactError) -> [(estimate: Estimate, objective: Double)]?
}

/// Of targets that the features give without noise.
private let flooredNoise =
  "the fit leaves no error that double precision can tell from zero: the noise variance is 1e-15 of the target's"

extension LinearModel: RegressionEstimate {
  package var weightCovariance: Matrix? { nil }
  package func prediction(_ x: [Double]) -> RegressionPrediction {
    RegressionPrediction(mean: predict(x), noiseVariance: noiseVariance, modelVariance: 0)
  }
  package var metrics: [String: Double] { ["noise_variance": noiseVariance, "rank": Double(rank)] }
  package var caution: String? {
    guard rank < features.count else { return nil }
    var text = "the data tells only \(rank) of \(features.count) weights apart in double precision, and the shortest"
    text += " weights that fit as well are taken"
    if case .polynomial = features.basis {
      text += "; --set data.normalisation=range keeps high powers apart, and a lower network.degree has fewer"
    }
    return text
  }
}

extension BayesianLinearRegression: RegressionEstimate {
  package var weights: [Double] { features.hasIntercept ? Array(mean.dropFirst()) : mean }
  package var intercept: Double { features.hasIntercept ? mean[0] : 0 }
  package var weightCovariance: Matrix? {
    let whole = covariance
    guard features.hasIntercept else { return whole }
    return Matrix(
      rows: features.count, columns: features.count,
      elements: (1..<whole.rows).flatMap { whole.row($0).dropFirst() })
  }
  package func prediction(_ x: [Double]) -> RegressionPrediction { predict(x) }
  package var metrics: [String: Double] { ["noise_precision": noisePrecision] }
}

extension EvidenceFit: RegressionEstimate {
  package var weightCovariance: Matrix? {
    guard covariance.rows > features.count else { return covariance }
    return Matrix(
      rows: features.count, columns: features.count,
      elements: (1..<covariance.rows).flatMap { covariance.row($0).dropFirst() })
  }
  package func prediction(_ x: [Double]) -> RegressionPrediction { predict(x) }
  package var caution: String? { isFloored ? flooredNoise : nil }
  package var metrics: [String: Double] {
    [
      "weight_precision": weightPrecision, "noise_precision": noisePrecision,
      "effective_parameters": effectiveParameters, "iterations": Double(iterations),
    ]
  }
}

extension RelevanceFit: RegressionEstimate {
  package var weightCovariance: Matrix? {
    var result = Matrix(rows: weights.count, columns: weights.count)
    for (i, a) in kept.enumerated() {
      for (j, b) in kept.enumerated() { result[a, b] = covariance[i, j] }
    }
    return result
  }
  package func prediction(_ x: [Double]) -> RegressionPrediction { predict(x) }
  package var caution: String? { isFloored ? flooredNoise : nil }
  package var metrics: [String: Double] {
    ["noise_precision": noisePrecision, "relevant_weights": Double(kept.count), "iterations": Double(iterations)]
  }
}

extension LinearRegression: ReportingEstimator {
  package var hasEvidence: Bool { false }
  package func estimatesByOrder(
    _ moments: RegressionMoments
  ) throws(ExactError) -> [(estimate: LinearModel, objective: Double)]? { try orders(moments) }
}

extension ConjugateRegression: ReportingEstimator {
  package var hasEvidence: Bool { true }
  package func estimatesByOrder(
    _ moments: RegressionMoments
  ) throws(ExactError) -> [(estimate: BayesianLinearRegression, objective: Double)]? { try orders(moments) }
}

extension EvidenceMaximization: ReportingEstimator {
  package var hasEvidence: Bool { true }
  package func estimatesByOrder(
    _ moments: RegressionMoments
  ) throws(ExactError) -> [(estimate: EvidenceFit, objective: Double)]? { try orders(moments) }
}

extension RelevanceRegression: ReportingEstimator {
  package var hasEvidence: Bool { true }
  /// Relevance chooses among the powers by itself.
  package func estimatesByOrder(
    _ moments: RegressionMoments
  ) throws(ExactError) -> [(estimate: RelevanceFit, objective: Double)]? { nil }
}

extension OrderSelection: ReportingEstimator where Base: ReportingEstimator {
  package var hasEvidence: Bool { base.hasEvidence }
  package func estimatesByOrder(
    _ moments: RegressionMoments
  ) throws(ExactError) -> [(estimate: Base.Estimate, objective: Double)]? { try base.orders(moments) }
}
