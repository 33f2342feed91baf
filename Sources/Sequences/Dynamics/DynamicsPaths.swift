import LinearAlgebra
import Statistics

/// What a linear dynamical system says of one element of a sequence after another.
public struct DynamicsPaths: Sendable {
  /// The mean and the deviation of each state given the elements so far, elements × n.
  public var filtered: [Double] = []
  public var filteredDeviations: [Double] = []
  /// And given all elements of the sequence.
  public var smoothed: [Double] = []
  public var smoothedDeviations: [Double] = []
  /// The mean and the deviation of each column given the elements before, elements × D.
  public var predicted: [Double] = []
  public var predictedDeviations: [Double] = []
  /// Those of each column without its noise, given all elements of the sequence.
  public var fitted: [Double] = []
  public var fittedDeviations: [Double] = []
  /// log p(element | elements before it): their sum over a sequence is its log-likelihood.
  public var logDensities: [Double] = []
}

/// The distribution of elements that follow a sequence: Gaussians, by step and column.
public struct DynamicsForecast: Sendable {
  /// Steps × D.
  public let means: Matrix
  public let deviations: Matrix
}

extension LinearDynamicalSystem {
  /// States and predictions of sequences.
  public func paths(of observations: Observations, _ parameters: LinearDynamics) throws(ExactError) -> DynamicsPaths {
    let filter = try filter(parameters)
    let n = states
    var result = DynamicsPaths()
    func roots(_ values: [Double]) -> [Double] { values.map { max($0, 0).squareRoot() } }
    for sequence in observations.sequences {
      _ = try filter.filter(observations.inputs.rows(sequence), from: sequence.lowerBound)
      filter.smooth()
      result.logDensities += filter.logDensities
      for t in 0..<sequence.count {
        let (predicted, filtered) = (filter.predicted(t), filter.filtered(t))
        result.filtered += filtered.mean
        result.filteredDeviations += roots(filtered.covariance.diagonal)
        result.predicted += parameters.element(predicted.mean)
        result.predictedDeviations += roots(parameters.variances(predicted.covariance, withNoise: true))
        let mean = Array(UnsafeBufferPointer(start: filter.smoothedMeans + t * n, count: n))
        let covariance = Matrix(
          rows: n, columns: n,
          elements: Array(UnsafeBufferPointer(start: filter.smoothedCovariances + t * n * n, count: n * n)))
        result.smoothed += mean
        result.smoothedDeviations += roots(covariance.diagonal)
        result.fitted += parameters.element(mean)
        result.fittedDeviations += roots(parameters.variances(covariance, withNoise: false))
      }
    }
    return result
  }

  /// The log-likelihood of all sequences together.
  public func logLikelihood(of observations: Observations, _ parameters: LinearDynamics) throws(ExactError) -> Double {
    let filter = try filter(parameters)
    var sum = 0.0
    for sequence in observations.sequences {
      sum += try filter.filter(observations.inputs.rows(sequence), from: sequence.lowerBound)
    }
    return sum
  }

  /// The distribution of the elements that follow each sequence, given the parameters.
  public func forecasts(
    after observations: Observations, steps: Int, _ parameters: LinearDynamics
  ) throws(ExactError) -> [DynamicsForecast] {
    let filter = try filter(parameters)
    var result: [DynamicsForecast] = []
    for sequence in observations.sequences {
      _ = try filter.filter(observations.inputs.rows(sequence), from: sequence.lowerBound)
      var (mean, covariance) = filter.filtered(sequence.count - 1)
      var (means, deviations): ([[Double]], [[Double]]) = ([], [])
      for _ in 0..<steps {
        mean = parameters.transition * mean
        covariance =
          Matrix.product(parameters.transition * covariance, parameters.transition, transposed: .right)
          + parameters.stateNoise
        means.append(parameters.element(mean))
        deviations.append(parameters.variances(covariance, withNoise: true).map { $0.squareRoot() })
      }
      result.append(DynamicsForecast(means: Matrix(means), deviations: Matrix(deviations)))
    }
    return result
  }

  /// A new sequence, length × D. One whose first state next to nothing is known of begins at the mean of that state.
  public func sample(
    _ length: Int, _ parameters: LinearDynamics, using generator: inout some RandomNumberGenerator
  ) -> Matrix {
    func noise(_ factor: Matrix) -> [Double] { factor * (0..<factor.columns).map { _ in generator.normal() } }
    let (first, moves, seen) = (
      SquareRoot.factor(parameters.initialCovariance), SquareRoot.factor(parameters.stateNoise),
      SquareRoot.factor(parameters.observationNoise)
    )
    var state = parameters.initialMean
    if initial != .diffuse { state = state.adding(noise(first)) }
    var rows: [[Double]] = []
    for t in 0..<length {
      if t > 0 { state = (parameters.transition * state).adding(noise(moves)) }
      rows.append(parameters.element(state).adding(noise(seen)))
    }
    return Matrix(rows)
  }
}

extension KalmanFilter {
  /// The state of an element given those before it.
  func predicted(_ t: Int) -> (mean: [Double], covariance: Matrix) {
    gaussian(predictedMeans + t * n, predictedFactors + t * n * n)
  }

  /// The state of an element given it and those before.
  func filtered(_ t: Int) -> (mean: [Double], covariance: Matrix) {
    gaussian(filteredMeans + t * n, filteredFactors + t * n * n)
  }

  private func gaussian(
    _ mean: UnsafeMutablePointer<Double>, _ factor: UnsafeMutablePointer<Double>
  ) -> (mean: [Double], covariance: Matrix) {
    let factor = Matrix(rows: n, columns: n, elements: Array(UnsafeBufferPointer(start: factor, count: n * n)))
    return (Array(UnsafeBufferPointer(start: mean, count: n)), Matrix.product(factor, factor, transposed: .right))
  }
}
