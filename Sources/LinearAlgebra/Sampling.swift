import Foundation

/// Draws of double precision from any generator of uniform bits. Every draw is a function of the words that it takes,
/// so a seeded generator repeats it; gamma draws, and what is made of them, take a varying number of words.
extension RandomNumberGenerator {
  /// Uniform in the open interval (0, 1), on a grid of 2⁻⁵².
  public mutating func uniform() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }

  /// Uniform in 0 ..< count.
  public mutating func index(below count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// N(0, 1), by the inverse of its distribution function.
  public mutating func normal() -> Double { normalQuantile(uniform()) }

  /// The gamma distribution with rate 1: Marsaglia and Tsang (2000).
  public mutating func gamma(shape: Double) -> Double {
    // Below one: Γ(a) = Γ(a + 1) U^(1/a), in logarithms since U^(1/a) may underflow.
    if shape < 1 { return exp(log(gamma(shape: shape + 1)) + log(uniform()) / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let v = 1 + c * x
      guard v > 0 else { continue }
      let cube = v * v * v
      if log(uniform()) < 0.5 * x * x + d - d * cube + d * log(cube) { return d * cube }
    }
  }

  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    let (x, y) = (gamma(shape: a), gamma(shape: b))
    return x / (x + y)
  }

  public mutating func dirichlet(_ concentration: [Double]) -> [Double] {
    let draws = concentration.map { gamma(shape: $0) }
    let sum = draws.reduce(0, +)
    return draws.map { $0 / sum }
  }

  /// An index with probability proportional to its weight; weights are not negative and one is positive.
  public mutating func categorical(_ weights: some RandomAccessCollection<Double>) -> Int {
    var left = uniform() * weights.reduce(0, +)
    var last = 0
    for (index, weight) in weights.enumerated() where weight > 0 {
      last = index
      left -= weight
      if left < 0 { break }
    }
    return last
  }

  /// N(mean, L Lᵀ) by the factor L of the covariance.
  public mutating func normal(mean: [Double], factor: Cholesky) -> [Double] {
    let noise = mean.map { _ in normal() }
    return mean.adding(factor.lower * noise)
  }

  /// The Wishart distribution with `degrees` ν > D − 1 and the scale matrix V = L Lᵀ, mean ν V: Bartlett's decomposition.
  public mutating func wishart(degrees: Double, scale: Cholesky) -> Matrix {
    var a = Matrix(rows: scale.size, columns: scale.size)
    for i in 0..<scale.size {
      a[i, i] = (2 * gamma(shape: (degrees - Double(i)) / 2)).squareRoot()
      for j in 0..<i { a[i, j] = normal() }
    }
    let factor = scale.lower * a
    return Matrix.product(factor, factor, transposed: .right)
  }
}
