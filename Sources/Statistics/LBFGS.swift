import LinearAlgebra

/// Minimization by limited-memory BFGS within a box (Nocedal and Wright 2006, algorithm 7.4; bounds by projection), as
/// a value that receives the function's values at the points it asks for: any computation of the function, in one
/// process or in passes over a cluster, gets the same steps.
///
///     var search = LBFGS(from: start)
///     while !search.isFinished { search.tell(value, gradient) }   // both at search.point
public struct LBFGS: Hashable, Sendable {
  /// Where the function is wanted next; when finished, the best point found.
  public private(set) var point: [Double]
  /// The least value found.
  public private(set) var value = Double.infinity
  public private(set) var isFinished = false
  /// Steps that were accepted.
  public private(set) var iterations = 0

  private let lower: [Double]
  private let upper: [Double]
  private let maximumIterations: Int
  private let gradientTolerance: Double
  private let valueTolerance: Double
  private static let memory = 10

  /// The best point so far and its gradient; nil until the search has received something finite.
  private var base: Base?
  private var direction: [Double] = []
  private var length = 1.0
  private var pairs: [Pair] = []
  /// Steps in a row that gained next to nothing.
  private var stalls = 0
  private static let mostStalls = 3

  private struct Base: Hashable {
    let point: [Double]
    let gradient: [Double]
  }

  /// How point and gradient changed in an accepted step.
  private struct Pair: Hashable {
    let step: [Double]
    let change: [Double]
  }

  /// - Parameters:
  ///   - gradientTolerance: finished when no component of the gradient that a bound does not stop is larger.
  ///   - valueTolerance: finished when three steps in a row lower the value by less, relative to the value or one.
  public init(
    from start: [Double], lower: [Double]? = nil, upper: [Double]? = nil, maximumIterations: Int = 200,
    gradientTolerance: Double = 1e-6, valueTolerance: Double = 1e-12
  ) {
    self.lower = lower ?? start.map { _ in -.infinity }
    self.upper = upper ?? start.map { _ in .infinity }
    precondition(self.lower.count == start.count && self.upper.count == start.count, "a bound for each variable")
    (self.maximumIterations, self.gradientTolerance) = (maximumIterations, gradientTolerance)
    self.valueTolerance = valueTolerance
    point = start
    point = projected(start)
    isFinished = start.isEmpty
  }

  /// Numbers that `flat` has for so many variables.
  public static func flatCount(_ variables: Int) -> Int { 8 + variables * (4 + 2 * memory) }

  /// All that the search knows, from which one made with the same arguments goes on bit for bit.
  public var flat: [Double] {
    let none = point.map { _ in 0.0 }
    let rest = Self.memory - pairs.count
    return [
      value, isFinished ? 1 : 0, Double(iterations), length, base == nil ? 0 : 1, direction.isEmpty ? 0 : 1,
      Double(pairs.count), Double(stalls),
    ] + point + (base?.point ?? none) + (base?.gradient ?? none) + (direction.isEmpty ? none : direction)
      + pairs.flatMap { $0.step + $0.change } + Array(repeating: 0, count: 2 * rest * point.count)
  }

  /// Goes on where another search of as many variables was.
  public mutating func restore(_ flat: [Double]) {
    let n = point.count
    precondition(flat.count == Self.flatCount(n), "the numbers of a search of \(n) variables")
    func part(_ index: Int) -> [Double] { Array(flat[(8 + index * n)..<(8 + (index + 1) * n)]) }
    (value, isFinished, iterations, length) = (flat[0], flat[1] == 1, Int(flat[2]), flat[3])
    point = part(0)
    base = flat[4] == 1 ? Base(point: part(1), gradient: part(2)) : nil
    direction = flat[5] == 1 ? part(3) : []
    stalls = Int(flat[7])
    pairs = (0..<Int(flat[6])).map { Pair(step: part(4 + 2 * $0), change: part(5 + 2 * $0)) }
  }

  /// Value and gradient at `point`. A value that is not finite means that the function is not defined there; so it is
  /// never at the start, after which the search ends.
  public mutating func tell(_ value: Double, _ gradient: [Double]) {
    precondition(!isFinished && gradient.count == point.count, "a search that goes on, a gradient for each variable")
    let isDefined = value.isFinite && gradient.allSatisfy { $0.isFinite }
    guard let base else {
      isFinished = !isDefined
      if isDefined { accept(value, gradient) }
      if maximumIterations == 0 { finish() }
      return
    }
    let moved = point.subtracting(base.point)
    let expected = dot(base.gradient, moved)
    guard isDefined, isEnough(value, expected, slope: dot(gradient, moved)) else {
      shorten(value, expected, isDefined: isDefined)
      return
    }
    let pair = Pair(step: moved, change: gradient.subtracting(base.gradient))
    if dot(pair.step, pair.change) > 1e-12 * dot(pair.change, pair.change).squareRoot() * dot(moved, moved).squareRoot()
    {
      pairs.append(pair)
      if pairs.count > Self.memory { pairs.removeFirst() }
    }
    let gain = self.value - value
    iterations += 1
    accept(value, gradient)
    stalls = gain <= valueTolerance * max(abs(value), 1) ? stalls + 1 : 0
    if stalls >= Self.mostStalls || iterations >= maximumIterations { finish() }
  }

  /// Armijo's condition; or, where the values differ by no more than their rounding errors may, that the slope along the
  /// step says the same (Hager and Zhang 2005, equation 4.1): a gradient has digits left when the value has none.
  private func isEnough(_ value: Double, _ expected: Double, slope: Double) -> Bool {
    if value <= self.value + 1e-4 * expected { return true }
    let rounding = 1e-10 * max(abs(self.value), 1)
    return value <= self.value + rounding && slope <= -0.8 * expected && slope >= expected
  }

  private mutating func accept(_ value: Double, _ gradient: [Double]) {
    self.value = value
    base = Base(point: point, gradient: gradient)
    let free = freeGradient(point, gradient)
    guard free.map(abs).max()! > gradientTolerance else { return finish() }
    direction = descent(free)
    if dot(direction, free) >= 0 {
      pairs = []
      direction = free.scaled(by: -1)
    }
    // Without curvature known, a first step of length one.
    length = pairs.isEmpty ? min(1, 1 / dot(free, free).squareRoot()) : 1
    propose()
  }

  /// A shorter step, by the parabola through what is known where the function is defined.
  private mutating func shorten(_ value: Double, _ expected: Double, isDefined: Bool) {
    var factor = 0.1
    if isDefined {
      let curvature = value - self.value - expected
      factor = curvature > 0 ? min(max(-expected / (2 * curvature), 0.1), 0.5) : 0.5
    }
    length *= factor
    guard length > 1e-12 else { return startOver() }
    propose()
  }

  private mutating func propose() {
    point = projected(base!.point.adding(direction, factor: length))
    if point == base!.point { startOver() }
  }

  /// A direction that leads nowhere is forgotten with all that led to it; the steepest one ends the search.
  private mutating func startOver() {
    guard !pairs.isEmpty else { return finish() }
    pairs = []
    direction = freeGradient(base!.point, base!.gradient).scaled(by: -1)
    length = min(1, 1 / dot(direction, direction).squareRoot())
    propose()
  }

  private mutating func finish() {
    if let base { point = base.point }
    isFinished = true
  }

  private func projected(_ x: [Double]) -> [Double] { x.indices.map { min(max(x[$0], lower[$0]), upper[$0]) } }

  /// The gradient without the components that push against a bound.
  private func freeGradient(_ x: [Double], _ gradient: [Double]) -> [Double] {
    x.indices.map { i in
      (x[i] <= lower[i] && gradient[i] > 0) || (x[i] >= upper[i] && gradient[i] < 0) ? 0 : gradient[i]
    }
  }

  /// −H g by the two-loop recursion, within the free variables.
  private func descent(_ gradient: [Double]) -> [Double] {
    var q = gradient
    var factors: [Double] = []
    for pair in pairs.reversed() {
      let a = dot(pair.step, q) / dot(pair.step, pair.change)
      q = q.adding(pair.change, factor: -a)
      factors.append(a)
    }
    if let last = pairs.last { q = q.scaled(by: dot(last.step, last.change) / dot(last.change, last.change)) }
    for (pair, a) in zip(pairs, factors.reversed()) {
      let b = dot(pair.change, q) / dot(pair.step, pair.change)
      q = q.adding(pair.step, factor: a - b)
    }
    return gradient.indices.map { gradient[$0] == 0 ? 0 : -q[$0] }
  }
}
