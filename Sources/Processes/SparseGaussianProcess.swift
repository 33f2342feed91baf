import Foundation
import LinearAlgebra
import Statistics

/// Regression by a Gaussian process through M inducing inputs (Titsias 2009: SGPR), for data of any size: a lower bound of
/// the exact log marginal likelihood, from sums over rows of products of M covariances. The objective is that bound in
/// nats.
///
/// Parameters are improved by L-BFGS in their logarithms. One evaluation takes two passes: the first gives the bound and
/// how it depends on the sums, the second the gradient; so updates alternate, and only every second one has an objective.
public struct SparseGaussianProcess: StatisticsModel {
  /// Z, M × D.
  public let inducing: Matrix
  /// The function's mean before data, a constant.
  public let mean: Double
  /// Its parameters are where optimisation starts.
  public let kernel: Kernel
  public let noiseVariance: Double
  public let iterations: Int
  /// Of the data, which the bounds of the search are relative to.
  public let units: ProcessUnits

  /// - Parameter units: nil: inputs and targets spread by about one.
  /// - Throws: `.wrongArgument` for wrong parameters, no inducing inputs, or inducing inputs that are not finite.
  public init(
    _ kernel: Kernel, noiseVariance: Double, inducing: Matrix, mean: Double = 0, iterations: Int = 100,
    units: ProcessUnits? = nil
  ) throws(ExactError) {
    guard inducing.rows > 0, inducing.columns > 0, inducing.firstRowNotFinite == nil, noiseVariance > 0,
      noiseVariance.isFinite, mean.isFinite, iterations >= 0
    else {
      throw ExactError(
        .wrongArgument, doing: "making a Gaussian process with \(inducing.rows) inducing inputs",
        remedy: "give at least one finite inducing input, and a noise variance above zero")
    }
    try kernel.check(columns: inducing.columns)
    (self.inducing, self.mean, self.kernel) = (inducing, mean, kernel)
    (self.noiseVariance, self.iterations) = (noiseVariance, iterations)
    self.units = units ?? ProcessUnits(target: 1, inputs: Array(repeating: 1, count: inducing.columns))
  }

  public struct Parameters: Sendable {
    var search: LBFGS
    /// Set while the gradient's pass is due.
    var adjoints: Adjoints?
    /// The process at the best parameters so far; nil before the first pass.
    public internal(set) var posterior: SparsePosterior?
    /// The logarithms of the parameters of `posterior`, and the sums that it was made of.
    public internal(set) var best: (point: [Double], statistics: [Double])?
    /// The largest bound so far.
    var bestBound = -Double.infinity
    /// Whether more passes would change nothing.
    public var isFinished: Bool { search.isFinished }
  }

  /// How the bound depends on what each row adds.
  struct Adjoints: Sendable {
    /// ∂F/∂Φ, ∂F/∂b, ∂F/∂ψ₀.
    let products: Matrix
    let targets: [Double]
    let variance: Double
    /// ∂F/∂ log θ that does not go through the rows: the kernel's parameters, then the noise variance.
    let direct: [Double]
    let bound: Double
  }

  private var m: Int { inducing.rows }
  private var parameterCount: Int { kernel.parameters.count + 1 }

  public var start: Parameters { start(at: (kernel.parameters + [noiseVariance]).map { log($0) }) }

  /// - Parameter start: the logarithms of the kernel's parameters and of the noise variance.
  public func start(at start: [Double]) -> Parameters {
    let bounds = units.bounds(kernel)
    return Parameters(
      search: LBFGS(from: start, lower: bounds.lower, upper: bounds.upper, maximumIterations: iterations),
      adjoints: nil, posterior: nil)
  }

  /// Rows, Σ (t − mean)², Σ k(x, x), Σ k(Z, x)(t − mean), and the packed lower triangle of Σ k(Z, x) k(x, Z); or, in the
  /// gradient's pass, the gradient of what goes through the rows by the kernel's parameters.
  public var statisticsCount: Int { max(3 + m + packedCount(m), parameterCount) }

  public func makeScratch() -> SparseScratch { SparseScratch(inducing: m) }

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: SparseScratch
  ) throws(ExactError) {
    let inputs = observations.inputs
    guard inputs.dimension == inducing.columns, let targets = observations.targets, targets.dimension == 1 else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(inputs.dimension) numbers",
        remedy: "give \(inducing.columns) inputs and one target for each row")
    }
    let (kernel, _) = values(parameters.search.point)
    scratch.clear()
    var first = 0
    while first < inputs.count {
      let range = first..<min(first + SparseScratch.capacity, inputs.count)
      let x = inputs.rows(range).matrix
      let t = range.map { targets[$0, 0] - mean }
      if let row = x.firstRowNotFinite ?? t.firstIndex(where: { !$0.isFinite }) {
        throw ExactError(
          .notFinite, row: first + row, doing: "reading data",
          remedy: "remove or impute values that are infinite or NaN")
      }
      if let adjoints = parameters.adjoints {
        addGradient(kernel, x, t, adjoints, into: statistics)
      } else {
        statistics[0] += Double(t.count)
        statistics[1] += dot(t, t)
        statistics[2] += kernel.diagonal(x).reduce(0, +)
        // n × M, so that Φ is a Gram matrix of columns.
        var cross = kernel.matrix(x, inducing)
        for (j, value) in cross.transposedProduct(t).enumerated() { statistics[3 + j] += value }
        scratch.add(&cross)
      }
      first = range.upperBound
    }
    if parameters.adjoints == nil { scratch.flush(into: statistics + 3 + m) }
  }

  private func addGradient(
    _ kernel: Kernel, _ x: Matrix, _ t: [Double], _ adjoints: Adjoints,
    into statistics: UnsafeMutablePointer<Double>
  ) {
    let cross = kernel.matrix(x, inducing)
    var adjoint = 2 * Matrix.product(cross, adjoints.products)
    for i in 0..<adjoint.rows {
      for j in 0..<m { adjoint[i, j] += t[i] * adjoints.targets[j] }
    }
    let variance = Array(repeating: adjoints.variance, count: x.rows)
    let parts = kernel.contraction(adjoint, KernelInputs(x, inducing))
      .adding(kernel.diagonalContraction(variance, x))
    for (index, value) in parts.enumerated() { statistics[index] += value }
  }

  private func values(_ point: [Double]) -> (Kernel, Double) {
    let values = point.map { exp($0) }
    return (kernel.with(parameters: Array(values.dropLast())), values.last!)
  }

  // MARK: Parameters as numbers

  /// Numbers of `search`.
  public var searchCount: Int { LBFGS.flatCount(parameterCount) + 3 + m * m + m + parameterCount + 1 }

  /// Where the search is, without the posterior, which the next better point makes anew.
  public func searchNumbers(_ parameters: Parameters) -> [Double] {
    var result = parameters.search.flat + [parameters.bestBound, parameters.adjoints == nil ? 0 : 1]
    if let adjoints = parameters.adjoints {
      result += [adjoints.bound, adjoints.variance] + adjoints.products.elements + adjoints.targets + adjoints.direct
    }
    return result + Array(repeating: 0, count: searchCount - result.count)
  }

  /// Parameters from which the search goes on bit for bit.
  public func parameters(searchNumbers numbers: [Double]) -> Parameters {
    var result = start
    var rest = numbers[...]
    func next(_ count: Int) -> [Double] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    result.search.restore(next(LBFGS.flatCount(parameterCount)))
    result.bestBound = next(1)[0]
    guard next(1)[0] == 1 else { return result }
    let (bound, variance) = (next(1)[0], next(1)[0])
    result.adjoints = Adjoints(
      products: Matrix(rows: m, columns: m, elements: next(m * m)), targets: next(m), variance: variance,
      direct: next(parameterCount), bound: bound)
    return result
  }

  /// Numbers of `best`'s statistics.
  public var sumsCount: Int { 3 + m + packedCount(m) }

  /// The process at parameters, by the logarithms of its parameters and the sums taken with them.
  public func parameters(best point: [Double], statistics: [Double]) throws(ExactError) -> Parameters {
    let (kernel, noise) = values(point)
    var result = start
    let posterior = try SparsePosterior(
      kernel, noiseVariance: noise, mean: mean, inducing: inducing, SparseSums(statistics, inducing: m))
    (result.posterior, result.best, result.bestBound) = (posterior, (point, statistics), posterior.bound)
    return result
  }

  /// The gradient of the bound by the logarithms of the kernel's parameters and the noise variance; nil unless the
  /// statistics are those of a gradient's pass.
  package func gradient(_ parameters: Parameters, statistics: [Double]) -> [Double]? {
    parameters.adjoints.map { $0.direct.adding(Array(statistics.prefix(parameterCount - 1)) + [0]) }
  }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    var next = parameters
    if let adjoints = parameters.adjoints, let gradient = gradient(parameters, statistics: statistics) {
      next.adjoints = nil
      if !next.search.isFinished { next.search.tell(-adjoints.bound, gradient.scaled(by: -1)) }
      return Improvement(parameters: next, objective: adjoints.bound, isRetry: true)
    }
    guard statistics[0] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a Gaussian process", remedy: "give at least one row")
    }
    let (kernel, noise) = values(parameters.search.point)
    let sums = SparseSums(statistics, inducing: m)
    let posterior: SparsePosterior
    do {
      posterior = try SparsePosterior(kernel, noiseVariance: noise, mean: mean, inducing: inducing, sums)
    } catch {
      // Parameters at which the matrices are singular are a step too far, unless they are the first.
      guard parameters.bestBound > -.infinity, !next.search.isFinished else { throw error }
      next.search.tell(.infinity, parameters.search.point)
      return Improvement(parameters: next, objective: -.infinity, isRetry: true)
    }
    let isBest = posterior.bound > parameters.bestBound
    if isBest {
      (next.posterior, next.bestBound) = (posterior, posterior.bound)
      next.best = (parameters.search.point, statistics)
    }
    if !next.search.isFinished { next.adjoints = posterior.adjoints(sums) }
    // A finished search comes back to its best point, whose bound then ends the iteration.
    return Improvement(
      parameters: next, objective: posterior.bound, of: .after, isRetry: !isBest && !next.search.isFinished)
  }
}

/// Working memory of a sparse process: Σ k(Z, x) k(x, Z).
public final class SparseScratch {
  static let capacity = 512
  private let m: Int
  private let products: AlignedBuffer

  init(inducing m: Int) {
    self.m = m
    products = AlignedBuffer(m * m)
  }

  func clear() { products.clear() }

  func add(_ cross: inout Matrix) {
    let rows = cross.rows
    cross.elements.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      BLAS.addGram(m, rows, BLAS.Operand(base, stride: m), into: BLAS.Operand(products.base, stride: m))
    }
  }

  func flush(into packed: UnsafeMutablePointer<Double>) {
    var index = 0
    for i in 0..<m {
      for j in 0...i {
        packed[index] += products[i * m + j]
        index += 1
      }
    }
  }
}
