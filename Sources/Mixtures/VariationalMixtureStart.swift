import Distributions
import Foundation
import LinearAlgebra
import Statistics

extension GaussianWishart {
  /// A prior as wide as the data: mean and covariance of a sample, worth `meanPrecision` rows and `degrees` (D unless
  /// said otherwise) degrees of freedom; scikit-learn's default. Where columns are constant or depend on others, the
  /// eigenvalues of their correlations are raised to 1e-6. A column without variance counts as the widest one does, all
  /// of them as having a variance of one.
  public init(
    asWideAs sample: RowBlock, meanPrecision: Double = 1, degrees: Double? = nil
  ) throws(ExactError) {
    guard sample.count > 0 else {
      throw ExactError(.tooFewRows, doing: "setting a prior from data", remedy: "give at least one row")
    }
    let d = sample.dimension
    let data = sample.matrix
    if let row = data.firstRowNotFinite {
      throw ExactError(
        .notFinite, row: row, doing: "setting a prior from data",
        remedy: "remove or impute values that are infinite or NaN")
    }
    var mean = data.row(0)
    for j in 0..<d {
      mean[j] += (0..<sample.count).reduce(0) { $0 + (data[$1, j] - data[0, j]) } / Double(sample.count)
    }
    var centred = data
    for i in 0..<sample.count {
      for j in 0..<d { centred[i, j] -= mean[j] }
    }
    var covariance = (1 / Double(max(sample.count - 1, 1))) * centred.gram
    do {
      let widest = covariance.diagonal.max() ?? 0
      let units = covariance.diagonal.map { ($0 > 0 ? $0 : widest > 0 ? widest : 1).squareRoot() }
      covariance = try CovarianceFloor.clipped(1e-6).applied(to: covariance, units: units)
    } catch {
      throw ExactError(error, doing: "setting a prior from data", remedy: "scale the columns to similar magnitudes")
    }
    do {
      try self.init(
        mean: mean, meanPrecision: meanPrecision, degrees: degrees ?? Double(d), inverseScale: covariance)
    } catch {
      throw ExactError(error, doing: "setting a prior from data")
    }
  }
}

extension VariationalMixture {
  /// A posterior to start from: one update from the moments of a sample under given responsibilities, N × K.
  /// - Parameter centres: K × D, what moments are taken around; any will do, near ones lose fewer digits.
  public func start(
    from sample: RowBlock, responsibilities: Matrix, centres: Matrix
  ) throws(ExactError) -> VariationalMixtureParameters {
    precondition(responsibilities.rows == sample.count && responsibilities.columns == components)
    let around: [GaussianWishart]
    do {
      around = try (0..<components).map {
        try GaussianWishart(
          mean: centres.row($0), meanPrecision: prior.meanPrecision, degrees: prior.degrees,
          inverseScale: prior.inverseScale)
      }
    } catch {
      throw ExactError(.wrongArgument, doing: "starting a variational mixture", remedy: "give finite centres")
    }
    let none = Array(repeating: 0.0, count: components)
    let parameters = VariationalMixtureParameters(
      weights: weightPrior.posterior(counts: none), components: around)
    let scratch = makeScratch()
    var statistics = [Double](repeating: 0, count: statisticsCount)
    try responsibilities.withRows { (given) throws(ExactError) in
      try accumulate(
        Observations(inputs: sample), responsibilities: given, parameters: parameters, into: &statistics,
        scratch: scratch)
    }
    return try update(parameters, statistics: statistics).parameters
  }

  /// p(component | x), N × K.
  public func responsibilities(
    of rows: RowBlock, _ parameters: VariationalMixtureParameters, scratch: MixtureScratch? = nil
  ) throws(ExactError) -> Matrix {
    let scratch = scratch ?? makeScratch()
    parameters.prepare(scratch)
    return try scratch.responsibilities(of: rows)
  }

  /// log of the predictive density of each row, a mixture of Student's t (Bishop 2006, equation 10.81).
  public func logPredictives(of rows: RowBlock, _ parameters: VariationalMixtureParameters) -> [Double] {
    let weights = parameters.weights.means
    return (0..<rows.count).map { i in
      let x = (0..<rows.dimension).map { rows[i, $0] }
      return logSumExp(zip(weights, parameters.components).map { log($0) + $1.logPredictiveDensity(x) })
    }
  }

  /// Components with at least `least` rows.
  public func alive(statistics: [Double], least: Double = 1) -> [Int] {
    (0..<components).filter { MixtureStatistics(statistics, layout).count($0) >= least }
  }
}
