import Foundation
import LinearAlgebra

/// The search for the parameters of an exact Gaussian process as a model of passes: every pass evaluates the marginal
/// likelihood at one point. It is a function of all rows together, not a sum over them, so each process that takes part
/// holds them all and computes the same; what travels is a count.
///
/// The objective is the log marginal likelihood in nats.
public struct GaussianProcessSearch: StatisticsModel {
  /// N × D
  public let inputs: Matrix
  public let targets: [Double]
  /// Its parameters are where optimisation starts.
  public let kernel: Kernel
  public let noiseVariance: Double
  /// The function's mean before data, a constant.
  public let mean: Double
  public let iterations: Int

  /// - Throws: as conditioning a process on the data with these parameters does.
  public init(
    _ kernel: Kernel, noiseVariance: Double, mean: Double = 0, inputs: Matrix, targets: [Double], iterations: Int = 200
  ) throws(ExactError) {
    guard noiseVariance > 0, iterations >= 0 else {
      throw ExactError(
        .wrongArgument, doing: "making a Gaussian process", remedy: "give a noise variance above zero")
    }
    (self.kernel, self.noiseVariance, self.mean) = (kernel, noiseVariance, mean)
    (self.inputs, self.targets, self.iterations) = (inputs, targets, iterations)
    // What is wrong with the data shows before the first pass.
    try GaussianProcess.check(kernel, noiseVariance: noiseVariance, mean: mean, inputs: inputs, targets: targets)
  }

  public struct Parameters: Sendable {
    var search: LBFGS
    /// The process at the best parameters so far; nil before the first pass.
    public internal(set) var process: GaussianProcess?
    var bestValue = -Double.infinity
    /// The logarithms of `process`'s parameters.
    public internal(set) var point: [Double]?
  }

  public var parameterCount: Int { kernel.parameters.count + 1 }

  public var start: Parameters { start(at: (kernel.parameters + [noiseVariance]).map { log($0) }) }

  /// - Parameter point: the logarithms of the kernel's parameters and of the noise variance.
  public func start(at point: [Double]) -> Parameters {
    let (low, high) = (log(GaussianProcess.bounds.0), log(GaussianProcess.bounds.1))
    return Parameters(
      search: LBFGS(
        from: point, lower: point.map { _ in low }, upper: point.map { _ in high }, maximumIterations: iterations),
      process: nil)
  }

  public var statisticsCount: Int { 1 }

  public func makeScratch() {}

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>, scratch: Void
  ) throws(ExactError) { statistics[0] += Double(observations.count) }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    var next = parameters
    let point = parameters.search.point
    let process: GaussianProcess
    do {
      process = try self.process(at: point)
    } catch {
      // A covariance that is singular there is a step too far, unless it is the first.
      guard parameters.bestValue > -.infinity, !next.search.isFinished else { throw error }
      next.search.tell(.infinity, point)
      return Improvement(parameters: next, objective: -.infinity, isRetry: true, isFinal: next.search.isFinished)
    }
    let value = process.logMarginalLikelihood
    let isBest = value > parameters.bestValue
    if isBest { (next.process, next.bestValue, next.point) = (process, value, point) }
    if !next.search.isFinished { next.search.tell(-value, process.gradient.scaled(by: -1)) }
    return Improvement(
      parameters: next, objective: value, of: .after, isRetry: !isBest, isFinal: next.search.isFinished)
  }

  // MARK: Parameters as numbers

  /// The process at the logarithms of its parameters.
  public func process(at point: [Double]) throws(ExactError) -> GaussianProcess {
    let values = point.map { exp($0) }
    return try GaussianProcess(
      kernel.with(parameters: Array(values.dropLast())), noiseVariance: values.last!, mean: mean, inputs: inputs,
      targets: targets)
  }

  /// Parameters of the process that has been found.
  public func parameters(best point: [Double]) throws(ExactError) -> Parameters {
    var result = start
    (result.process, result.point) = (try process(at: point), point)
    return result
  }

  public var searchCount: Int { LBFGS.flatCount(parameterCount) + 1 }

  public func searchNumbers(_ parameters: Parameters) -> [Double] { parameters.search.flat + [parameters.bestValue] }

  /// Parameters from which the search goes on bit for bit.
  public func parameters(searchNumbers numbers: [Double]) -> Parameters {
    var result = start
    result.search.restore(Array(numbers.dropLast()))
    result.bestValue = numbers.last!
    return result
  }
}
