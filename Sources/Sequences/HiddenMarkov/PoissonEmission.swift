import Foundation
import LinearAlgebra
import Mixtures
import Statistics

/// Rates of counts, K × D. Of a distribution over rates, gamma shapes in `rates` and their inverse scales beside them.
public struct PoissonParameters: Sendable, Hashable {
  public var rates: Matrix
  public var inverseScales: Matrix?

  public init(rates: Matrix, inverseScales: Matrix? = nil) {
    (self.rates, self.inverseScales) = (rates, inverseScales)
  }

  /// Expected rates.
  public var means: Matrix {
    guard let inverseScales else { return rates }
    return Matrix(
      rows: rates.rows, columns: rates.columns, elements: zip(rates.elements, inverseScales.elements).map { $0 / $1 })
  }

  /// Expected logarithms of the rates.
  fileprivate var logarithms: Matrix {
    guard let inverseScales else { return rates.mapping { log($0) } }
    return Matrix(
      rows: rates.rows, columns: rates.columns,
      elements: zip(rates.elements, inverseScales.elements).map { digamma($0) - log($1) })
  }
}

/// Counts, independent in D columns, with rates of their own in each state. The prior of a rate is Gamma(1, 1 / mean), where
/// the mean is that of the column: exponential.
public struct PoissonEmission: StateEmission {
  /// A rate that would be smaller is raised to this: a state that emits only zeros still gives other counts a density.
  public static let rateFloor = 1e-10

  public let states: Int
  public let dimension: Int
  public let estimation: Estimation
  /// The mean of each column, which the prior expects.
  public let priorMeans: [Double]

  public init(states: Int, dimension: Int = 1, _ estimation: Estimation = .likelihood, priorMeans: [Double]? = nil) {
    precondition(states > 0 && dimension > 0, "states and columns")
    let means = priorMeans ?? [Double](repeating: 1, count: dimension)
    precondition(means.count == dimension && means.allSatisfy { $0 > 0 }, "a positive mean for each column")
    (self.states, self.dimension, self.estimation, self.priorMeans) = (states, dimension, estimation, means)
  }

  /// Expected counts of each state, then sums, K × D.
  public var statisticsCount: Int { states * (1 + dimension) }
  public func makeScratch() {}

  public func logDensities(
    of rows: RowBlock, _ parameters: PoissonParameters, into target: UnsafeMutablePointer<Double>, scratch: Void
  ) throws(ExactError) {
    let (means, logarithms) = (parameters.means, parameters.logarithms)
    for row in 0..<rows.count {
      for k in 0..<states { target[row * states + k] = 0 }
      for j in 0..<dimension {
        let x = rows[row, j]
        guard x >= 0, x == x.rounded(), x.isFinite else {
          throw ExactError(
            .wrongElement, row: row, doing: "reading the count \(x)", remedy: "give whole numbers that are not negative"
          )
        }
        let constant = logGamma(x + 1)
        for k in 0..<states { target[row * states + k] += x * logarithms[k, j] - means[k, j] - constant }
      }
    }
  }

  public func accumulate(
    _ rows: RowBlock, posteriors: UnsafePointer<Double>, parameters: PoissonParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: Void
  ) {
    for row in 0..<rows.count {
      for k in 0..<states {
        let weight = posteriors[row * states + k]
        statistics[k] += weight
        for j in 0..<dimension { statistics[states + k * dimension + j] += weight * rows[row, j] }
      }
    }
  }

  public func update(_ parameters: PoissonParameters, statistics: [Double]) -> PoissonParameters {
    var result = parameters
    for k in 0..<states {
      let count = statistics[k]
      for j in 0..<dimension {
        let sum = statistics[states + k * dimension + j]
        switch estimation {
        case .likelihood:
          if count >= 10 * Double.ulpOfOne { result.rates[k, j] = max(sum / count, PoissonEmission.rateFloor) }
        case .posterior:
          result.rates[k, j] = max(sum / (count + 1 / priorMeans[j]), PoissonEmission.rateFloor)
        case .variational:
          result.rates[k, j] = 1 + sum
          result.inverseScales![k, j] = count + 1 / priorMeans[j]
        }
      }
    }
    return result
  }

  public func penalty(_ parameters: PoissonParameters) -> Double {
    guard estimation != .likelihood else { return 0 }
    var sum = 0.0
    for k in 0..<states {
      for j in 0..<dimension {
        let (a, prior) = (parameters.rates[k, j], 1 / priorMeans[j])
        guard estimation == .variational else {
          sum += log(prior) - prior * a
          continue
        }
        // KL of gamma distributions, the prior's shape being 1.
        let b = parameters.inverseScales![k, j]
        sum -= (a - 1) * digamma(a) - logGamma(a) + log(b / prior) + a * (prior - b) / b
      }
    }
    return sum
  }

  /// The centres that k-means++ chooses.
  public func start(
    from rows: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> PoissonParameters {
    let centers = try kMeansPlusPlus(rows, clusters: states, using: &generator)
    let rates = centers.mapping { max($0, 0.1) }
    guard estimation == .variational else { return PoissonParameters(rates: rates) }
    let count = Double(rows.count) / Double(states)
    return PoissonParameters(
      rates: rates.mapping { 1 + count * $0 },
      inverseScales: Matrix((0..<states).map { _ in priorMeans.map { count + 1 / $0 } }))
  }

  public func reordered(_ parameters: PoissonParameters, _ order: [Int]) -> PoissonParameters {
    PoissonParameters(
      rates: Matrix(order.map { parameters.rates.row($0) }),
      inverseScales: parameters.inverseScales.map { scales in Matrix(order.map { scales.row($0) }) })
  }

  public func rank(_ parameters: PoissonParameters, state: Int) -> Double { parameters.means[state, 0] }
  public func freeParameters(_ parameters: PoissonParameters) -> Int { states * dimension }

  public func point(_ parameters: PoissonParameters) -> (PoissonEmission, PoissonParameters) {
    (PoissonEmission(states: states, dimension: dimension), PoissonParameters(rates: parameters.means))
  }

  public func sample(
    _ state: Int, _ parameters: PoissonParameters, using generator: inout some RandomNumberGenerator
  ) -> [Double] { parameters.rates.row(state).map { Double(generator.poisson($0)) } }
}

extension RandomNumberGenerator {
  /// A Poisson count, by halving: of a large mean, the time of the m-th event is a gamma draw, which says how many are
  /// before it or after it (Ahrens and Dieter 1974).
  mutating func poisson(_ mean: Double) -> Int {
    var (mean, count) = (mean, 0)
    while mean > 30 {
      let events = Int(0.875 * mean)
      let time = gamma(shape: Double(events))
      if time > mean { return count + binomial(events - 1, mean / time) }
      count += events
      mean -= time
    }
    var product = uniform()
    let limit = exp(-mean)
    while product > limit {
      count += 1
      product *= uniform()
    }
    return count
  }

  private mutating func binomial(_ trials: Int, _ probability: Double) -> Int {
    (0..<trials).count { _ in uniform() < probability }
  }
}
