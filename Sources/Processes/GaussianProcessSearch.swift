import Foundation
import LinearAlgebra
import Statistics
import Synchronization

/// The search for the parameters of an exact Gaussian process as a model of passes: every pass evaluates the marginal
/// likelihood at one point. It is a function of all rows together, not a sum over them: the shard that the first row
/// belongs to computes it, from all rows, which every process holds; its value and gradient are what travels. So the
/// N³ of a pass is done once in a cluster. More nodes make it no faster: the Cholesky factor would have to be parted
/// between them, panel by panel, with an exchange for each; data that wants this wants inducing inputs.
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
  /// Of the search, relative to how far the data spreads.
  private let bounds: (lower: [Double], upper: [Double])

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
    bounds = ProcessUnits(inputs: inputs, targets: targets, mean: mean).bounds(kernel)
    // What is wrong with the data shows before the first pass.
    try GaussianProcess.check(kernel, noiseVariance: noiseVariance, mean: mean, inputs: inputs, targets: targets)
  }

  public struct Parameters: Sendable {
    var search: LBFGS
    var bestValue = -Double.infinity
    /// The best parameters so far; nil before the first pass.
    fileprivate var best: Best?
    /// Their logarithms.
    public var point: [Double]? { best?.point }

    /// The process at the best parameters so far, conditioned on the data when it is first asked for.
    /// - Throws: `.tooFewRows` before the first pass, `.singular` for parameters that are not this data's.
    public func process() throws(ExactError) -> GaussianProcess {
      guard let best else {
        throw ExactError(.tooFewRows, doing: "looking at a Gaussian process", remedy: "train for at least one step")
      }
      return try best.process()
    }
  }

  /// A point, and the process at it once somebody needs that.
  fileprivate final class Best: Sendable {
    let point: [Double]
    private let search: GaussianProcessSearch
    private let known = Mutex<GaussianProcess?>(nil)

    init(_ point: [Double], _ search: GaussianProcessSearch) { (self.point, self.search) = (point, search) }

    func process() throws(ExactError) -> GaussianProcess {
      let result: Result<GaussianProcess, ExactError> = known.withLock { known in
        if let known { return .success(known) }
        do throws(ExactError) {
          let process = try search.process(at: point)
          known = process
          return .success(process)
        } catch {
          return .failure(error)
        }
      }
      return try result.get()
    }
  }

  public var parameterCount: Int { kernel.parameters.count + 1 }

  public var start: Parameters { start(at: (kernel.parameters + [noiseVariance]).map { log($0) }) }

  /// - Parameter point: the logarithms of the kernel's parameters and of the noise variance.
  public func start(at point: [Double]) -> Parameters {
    Parameters(
      search: LBFGS(from: point, lower: bounds.lower, upper: bounds.upper, maximumIterations: iterations))
  }

  /// Rows, how many evaluations there were, how many of them found the covariance positive definite, then the value and
  /// its gradient.
  public var statisticsCount: Int { 4 + parameterCount }

  public func makeScratch() {}

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>, scratch: Void
  ) throws(ExactError) {
    statistics[0] += Double(observations.count)
    guard observations.first == 0, observations.count > 0 else { return }
    statistics[1] += 1
    // A covariance that is singular is a step too far, which the update says.
    guard let process = try? process(at: parameters.search.point) else { return }
    statistics[2] += 1
    statistics[3] += process.logMarginalLikelihood
    guard !parameters.search.isFinished else { return }
    for (index, value) in process.gradient.enumerated() { statistics[4 + index] += value }
  }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    guard statistics[1] == 1 else {
      throw ExactError(.tooFewRows, doing: "fitting a Gaussian process", remedy: "give all rows, from the first one on")
    }
    var next = parameters
    let point = parameters.search.point
    guard statistics[2] == 1 else {
      // Unless it is the first: then the error is thrown.
      guard parameters.bestValue > -.infinity, !next.search.isFinished else {
        _ = try process(at: point)
        throw ExactError(
          .singular, doing: "conditioning a Gaussian process on \(inputs.rows) rows",
          remedy: "raise the noise variance, or scale the inputs")
      }
      next.search.tell(.infinity, point)
      return Improvement(parameters: next, objective: -.infinity, isRetry: true, isFinal: next.search.isFinished)
    }
    let value = statistics[3]
    let isBest = value > parameters.bestValue
    if isBest { (next.best, next.bestValue) = (Best(point, self), value) }
    if !next.search.isFinished { next.search.tell(-value, statistics[4..<(4 + parameterCount)].map { -$0 }) }
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
  public func parameters(best point: [Double]) -> Parameters {
    var result = start
    result.best = Best(point, self)
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
