import Foundation
import LinearAlgebra
import Statistics

/// The square-root Kalman filter and the smoother of one sequence after another, by some parameters.
///
/// A covariance is held as a factor: a column of an element is taken by Potter's update, a step of time by reflections. The
/// smoother is that of Rauch, Tung and Striebel in a form whose covariances are sums of squares. So covariances stay positive
/// semidefinite over any length and with a first state that next to nothing is known of.
final class KalmanFilter {
  let parameters: LinearDynamics
  private let isDiffuse: Bool
  let sets: ObservedColumnSets
  let n, dimension: Int
  /// A, Q and a factor of Q, n × n.
  private let transition, stateNoise, noiseFactor: UnsafeMutablePointer<Double>
  private let initialFactor: Matrix
  private(set) var length = 0
  private var capacity = 0
  /// For each element: the state's mean given those before it and its factor, and given it too; n and n × n.
  private(set) var predictedMeans, predictedFactors: UnsafeMutablePointer<Double>
  private(set) var filteredMeans, filteredFactors: UnsafeMutablePointer<Double>
  /// Of each state given all elements: n, and the covariance, n × n.
  private(set) var smoothedMeans, smoothedCovariances: UnsafeMutablePointer<Double>
  /// log p(element | elements before it); of a diffuse first state what is left of it in the limit.
  private(set) var logDensities: [Double] = []
  /// Working memory of a step: five matrices of n × n and two vectors.
  private let work: UnsafeMutablePointer<Double>

  /// - Parameter isDiffuse: whether the variances of the first state stand for infinite ones.
  init(_ parameters: LinearDynamics, isDiffuse: Bool) throws(ExactError) {
    (self.parameters, self.isDiffuse) = (parameters, isDiffuse)
    (n, dimension) = (parameters.states, parameters.dimension)
    sets = try ObservedColumnSets(parameters)
    noiseFactor = .copy(of: SquareRoot.factor(parameters.stateNoise).elements)
    transition = .copy(of: parameters.transition.elements)
    stateNoise = .copy(of: parameters.stateNoise.elements)
    initialFactor = SquareRoot.factor(parameters.initialCovariance)
    work = .allocate(capacity: 5 * n * n + 2 * n)
    (predictedMeans, predictedFactors) = (.allocate(capacity: 0), .allocate(capacity: 0))
    (filteredMeans, filteredFactors) = (.allocate(capacity: 0), .allocate(capacity: 0))
    (smoothedMeans, smoothedCovariances) = (.allocate(capacity: 0), .allocate(capacity: 0))
  }

  deinit {
    for memory in [
      noiseFactor, stateNoise, transition, work, predictedMeans, predictedFactors, filteredMeans, filteredFactors,
      smoothedMeans,
      smoothedCovariances,
    ] { memory.deallocate() }
  }

  private func reserve(_ count: Int) {
    length = count
    guard count > capacity else { return }
    capacity = count
    for memory in [
      predictedMeans, predictedFactors, filteredMeans, filteredFactors, smoothedMeans, smoothedCovariances,
    ] { memory.deallocate() }
    let (vectors, matrices) = (count * n, count * n * n)
    (predictedMeans, predictedFactors) = (.allocate(capacity: vectors), .allocate(capacity: matrices))
    (filteredMeans, filteredFactors) = (.allocate(capacity: vectors), .allocate(capacity: matrices))
    (smoothedMeans, smoothedCovariances) = (.allocate(capacity: vectors), .allocate(capacity: matrices))
  }

  // MARK: Forwards

  /// Filters the rows of one sequence.
  /// - Returns: the log of its density.
  func filter(_ rows: RowBlock) throws(ExactError) -> Double {
    guard rows.dimension == dimension else {
      throw ExactError(
        .wrongShape, doing: "reading elements of \(rows.dimension) numbers",
        remedy: "give elements of \(dimension) numbers")
    }
    reserve(rows.count)
    logDensities = []
    logDensities.reserveCapacity(rows.count)
    var determined = isDiffuse ? DeterminedDirections(parameters) : nil
    var sum = 0.0
    for t in 0..<rows.count {
      predict(t)
      let (mean, factor) = (filteredMeans + t * n, filteredFactors + t * n * n)
      mean.update(from: predictedMeans + t * n, count: n)
      factor.update(from: predictedFactors + t * n * n, count: n * n)
      var logDensity = 0.0
      if let seen = try sets.columns(of: rows, t) {
        logDensity = observe(rows, t, seen, mean, factor)
        if determined != nil { logDensity += determined!.see(seen.columns) }
      }
      determined?.advance()
      guard logDensity.isFinite else {
        throw ExactError(
          .notFinite, row: t, doing: "following the sequence", remedy: "look for infinities, or scale the columns")
      }
      logDensities.append(logDensity)
      sum += logDensity
    }
    return sum
  }

  /// The state of element t given those before it.
  private func predict(_ t: Int) {
    let (mean, factor) = (predictedMeans + t * n, predictedFactors + t * n * n)
    guard t > 0 else {
      mean.update(from: parameters.initialMean, count: n)
      factor.update(from: initialFactor.elements, count: n * n)
      return
    }
    advance(filteredMeans + (t - 1) * n, filteredFactors + (t - 1) * n * n, to: mean, factor)
  }

  /// A step of time: a mean and a factor become those of the next state.
  func advance(
    _ mean: UnsafeMutablePointer<Double>, _ factor: UnsafeMutablePointer<Double>,
    to nextMean: UnsafeMutablePointer<Double>, _ nextFactor: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<n {
      var sum = 0.0
      for j in 0..<n { sum += transition[i * n + j] * mean[j] }
      nextMean[i] = sum
    }
    // [A S, Q½], n × 2 n.
    let wide = work
    multiply(transition, factor, into: nextFactor)
    for i in 0..<n {
      (wide + i * 2 * n).update(from: nextFactor + i * n, count: n)
      (wide + i * 2 * n + n).update(from: noiseFactor + i * n, count: n)
    }
    SquareRoot.triangularize(n, 2 * n, wide)
    for i in 0..<n { (nextFactor + i * n).update(from: wide + i * 2 * n, count: n) }
  }

  /// Takes the columns of an element that have a value.
  private func observe(
    _ rows: RowBlock, _ t: Int, _ seen: ObservedColumns, _ mean: UnsafeMutablePointer<Double>,
    _ factor: UnsafeMutablePointer<Double>
  ) -> Double {
    let numbers = seen.noise.solveLower(seen.columns.map { rows[t, $0] - parameters.offset[$0] })
    var logDensity = -0.5 * (seen.noise.logDeterminant + Double(numbers.count) * log(2 * Double.pi))
    seen.rows.elements.withUnsafeBufferPointer { observation in
      for (index, number) in numbers.enumerated() {
        let row = observation.baseAddress! + index * n
        var innovation = number
        for i in 0..<n { innovation -= row[i] * mean[i] }
        let variance = SquareRoot.observe(
          n, row, innovation: innovation, mean: mean, factor: factor, work: work)
        logDensity -= 0.5 * (log(variance) + innovation * innovation / variance)
      }
    }
    return logDensity
  }

  // MARK: Backwards

  /// Smooths the sequence that was filtered last, and adds what the steps say of the dynamics.
  func smooth(into sums: DynamicsSums? = nil) {
    guard length > 0 else { return }
    let size = n * n
    let last = length - 1
    (smoothedMeans + last * n).update(from: filteredMeans + last * n, count: n)
    let factor = filteredFactors + last * size
    multiply(factor, factor, into: smoothedCovariances + last * size, transposed: .right)
    for t in stride(from: last - 1, through: 0, by: -1) { smooth(t, sums) }
  }

  private func smooth(_ t: Int, _ sums: DynamicsSums?) {
    let size = n * n
    let (factor, lower) = (filteredFactors + t * size, predictedFactors + (t + 1) * size)
    let (mean, covariance) = (smoothedMeans + t * n, smoothedCovariances + t * size)
    let next = smoothedCovariances + (t + 1) * size
    let (moved, gain, other, left, rest) =
      (work, work + size, work + 2 * size, work + 3 * size, work + 4 * size)
    let (difference, disturbance) = (work + 5 * size, work + 5 * size + n)
    for i in 0..<n { difference[i] = smoothedMeans[(t + 1) * n + i] - predictedMeans[(t + 1) * n + i] }

    // gain = Jᵀ = P⁻¹ A S Sᵀ, where P is the covariance of the next state and S the factor of this one.
    multiply(transition, factor, into: moved)
    multiply(moved, factor, into: gain, transposed: .right)
    SquareRoot.solve(n, lower, gain)
    for i in 0..<n {
      var sum = filteredMeans[t * n + i]
      for k in 0..<n { sum += gain[k * n + i] * difference[k] }
      mean[i] = sum
    }
    // This state given the next one: (I − J A) S, J Q½.
    left.update(from: factor, count: size)
    multiply(gain, moved, into: left, transposed: .left, factor: -1, keep: 1)
    multiply(left, left, into: rest, transposed: .right)
    multiply(gain, noiseFactor, into: left, transposed: .left)
    multiply(left, left, into: rest, transposed: .right, keep: 1)
    covariance.update(from: rest, count: size)
    multiply(gain, next, into: left, transposed: .left)
    multiply(left, gain, into: covariance, keep: 1)
    guard let sums else { return }

    // The disturbance w between them: other = Gᵀ = P⁻¹ Q, E[w] = G difference.
    other.update(from: stateNoise, count: size)
    SquareRoot.solve(n, lower, other)
    for i in 0..<n {
      var sum = 0.0
      for k in 0..<n { sum += other[k * n + i] * difference[k] }
      disturbance[i] = sum
    }
    sums.add(transition: mean, covariance, disturbance)
    // Its covariance: (I − G) Q½, G A S, and G times that of the next state.
    left.update(from: noiseFactor, count: size)
    multiply(other, noiseFactor, into: left, transposed: .left, factor: -1, keep: 1)
    multiply(left, left, into: sums.disturbances, transposed: .right, keep: 1)
    multiply(other, moved, into: left, transposed: .left)
    multiply(left, left, into: sums.disturbances, transposed: .right, keep: 1)
    multiply(other, next, into: left, transposed: .left)
    multiply(left, other, into: sums.disturbances, keep: 1)
    // And that with this state.
    multiply(left, gain, into: sums.disturbancesWithStates, keep: 1)
    multiply(transition, rest, into: sums.disturbancesWithStates, factor: -1, keep: 1)
  }

  /// c = factor · a b + keep · c of n × n matrices.
  private func multiply(
    _ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, into c: UnsafeMutablePointer<Double>,
    transposed: Transposed = .none, factor: Double = 1, keep: Double = 0
  ) {
    BLAS.multiply(
      n, n, n, .init(a, stride: n), .init(b, stride: n), into: .init(c, stride: n), transposed: transposed,
      factor: factor, keep: keep)
  }
}

extension UnsafeMutablePointer<Double> {
  /// Memory of its own with these numbers.
  static func copy(of numbers: [Double]) -> UnsafeMutablePointer<Double> {
    let memory = UnsafeMutablePointer<Double>.allocate(capacity: numbers.count)
    memory.update(from: numbers, count: numbers.count)
    return memory
  }
}
