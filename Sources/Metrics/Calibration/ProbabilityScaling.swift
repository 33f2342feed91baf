import Foundation
import LinearAlgebra

/// A map from predicted class probabilities to better calibrated ones: softmax(wₖ log pₖ + bₖ) (Guo et al. 2017, section 4.2).
///
/// With one weight 1 / T for all classes and no offsets it is temperature scaling, which never changes the likeliest class.
/// With a weight and an offset for each class it is vector scaling.
public struct ProbabilityScaling: Codable, Sendable, Equatable {
  /// w, of each class.
  public let weights: [Double]
  /// b, of each class.
  public let offsets: [Double]

  /// - Parameters:
  ///   - weights: w, of each class.
  ///   - offsets: b, as many.
  public init(weights: [Double], offsets: [Double]) {
    precondition(weights.count == offsets.count, "a weight and an offset for each class")
    (self.weights, self.offsets) = (weights, offsets)
  }

  /// T, where all classes have the same weight and no offset; otherwise nil.
  public var temperature: Double? {
    guard let first = weights.first, weights.allSatisfy({ $0 == first }), offsets.allSatisfy({ $0 == 0 }) else {
      return nil
    }
    return 1 / first
  }

  /// The most classes that vector scaling fits: its Newton steps are cubic in their number.
  public static let mostClassesOfVectors = 100

  /// Temperature scaling with the least negative log-likelihood of labeled examples.
  ///
  /// A penalty of 10 (1/T − 1)² / 2n keeps T near 1 where few examples say little. Ten examples that are all right would
  /// otherwise make a model far too sure.
  public static func temperature(of probabilities: ClassProbabilities, labels: [Int]) -> ProbabilityScaling {
    let weight = fit(probabilities, labels, parameters: 1) { _, logarithm in [(0, logarithm)] }[0]
    return ProbabilityScaling(
      weights: Array(repeating: weight, count: probabilities.classes),
      offsets: Array(repeating: 0, count: probabilities.classes))
  }

  /// The precision of a normal prior of each weight around 1 and each offset around 0. In simulations with true 1/T from 0.4 to
  /// 1.3, 10 loses the least on average with 10 to 50 examples; with 1000 it makes no difference.
  private static let precision = 10.0

  /// Vector scaling with the least negative log-likelihood of labeled examples, and the same penalty of each weight from 1
  /// and each offset from 0.
  public static func vector(of probabilities: ClassProbabilities, labels: [Int]) -> ProbabilityScaling {
    let classes = probabilities.classes
    precondition(classes <= mostClassesOfVectors, "vector scaling of at most \(mostClassesOfVectors) classes")
    let fitted = fit(probabilities, labels, parameters: 2 * classes) { k, logarithm in
      [(k, logarithm), (classes + k, 1)]
    }
    return ProbabilityScaling(weights: Array(fitted[..<classes]), offsets: Array(fitted[classes...]))
  }

  /// Scales every row; a row with NaN stays.
  public func callAsFunction(_ probabilities: ClassProbabilities) -> ClassProbabilities {
    var values: [Double] = []
    values.reserveCapacity(probabilities.values.count)
    for row in 0..<probabilities.count {
      let scores = zip(probabilities[row], zip(weights, offsets)).map { $1.0 * Self.logarithm($0) + $1.1 }
      values += softmax(scores)
    }
    return ClassProbabilities(values, classes: probabilities.classes)
  }

  /// Single-precision networks give zeros, whose logarithm is not finite.
  private static func logarithm(_ probability: Double) -> Double {
    log(max(probability, Double(Float.leastNormalMagnitude)))
  }

  /// Newton's method with step halving on the penalized mean negative log-likelihood, which is strictly convex.
  /// - Parameter terms: the parameters that class k's score depends on, with their coefficients at log pₖ. The first
  ///   `weights` parameters start, and are held, at 1, offsets at 0.
  private static func fit(
    _ probabilities: ClassProbabilities, _ labels: [Int], parameters: Int,
    _ terms: (_ class: Int, _ logarithm: Double) -> [(parameter: Int, coefficient: Double)]
  ) -> [Double] {
    precondition(labels.count == probabilities.count && !labels.isEmpty)
    let classes = probabilities.classes
    let center = (0..<parameters).map { $0 < max(1, parameters / 2) ? 1.0 : 0 }
    let share = 1 / Double(labels.count)
    let ridge = precision * share
    let logarithms = probabilities.values.map(logarithm)

    func scores(_ row: Int, _ parameters: [Double]) -> [Double] {
      (0..<classes).map { k in
        terms(k, logarithms[row * classes + k]).reduce(0) { $0 + $1.coefficient * parameters[$1.parameter] }
      }
    }
    func loss(_ point: [Double]) -> Double {
      var sum = 0.0
      for (row, label) in labels.enumerated() {
        let scores = scores(row, point)
        sum += logSumExp(scores) - scores[label]
      }
      return share * sum + ridge * (0.5 * zip(point, center).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
    }
    func derivatives(_ point: [Double]) -> (gradient: [Double], hessian: Matrix) {
      var gradient = zip(point, center).map { ridge * ($0 - $1) }
      var hessian = ridge * Matrix.identity(parameters)
      for (row, label) in labels.enumerated() {
        let p = softmax(scores(row, point))
        let rowTerms = (0..<classes).map { terms($0, logarithms[row * classes + $0]) }
        // Σₖ pₖ aₖ, for the gradient and the covariance of the coefficients.
        var mean = Array(repeating: 0.0, count: parameters)
        for k in 0..<classes {
          for (i, a) in rowTerms[k] {
            mean[i] += p[k] * a
            for (j, b) in rowTerms[k] { hessian[i, j] += share * p[k] * a * b }
          }
        }
        for (i, a) in rowTerms[label] { gradient[i] -= share * a }
        for i in 0..<parameters {
          gradient[i] += share * mean[i]
          for j in 0..<parameters { hessian[i, j] -= share * mean[i] * mean[j] }
        }
      }
      return (gradient, hessian)
    }

    var point = center
    var value = loss(point)
    for _ in 0..<100 {
      let (gradient, hessian) = derivatives(point)
      guard let factor = try? Cholesky(hessian, jitter: .rounding) else { break }
      let step = factor.solve(gradient)
      let decrement = zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 }
      guard decrement > 1e-18 else { break }
      var (length, next, nextValue) = (1.0, point, Double.infinity)
      while length > 1e-10 {
        next = zip(point, step).map { $0 - length * $1 }
        nextValue = loss(next)
        if nextValue <= value - 1e-4 * length * decrement { break }
        length /= 2
      }
      guard nextValue < value else { break }
      (point, value) = (next, nextValue)
    }
    return point
  }
}

/// exp(zₖ) / Σ exp(z).
private func softmax(_ scores: [Double]) -> [Double] {
  let total = logSumExp(scores)
  return scores.map { exp($0 - total) }
}
