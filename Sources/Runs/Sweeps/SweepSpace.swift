import Recipes
import Tensors

/// The points of a sweep: a value for each of its keys.
package enum SweepSpace {
  /// Every combination of listed values, the last key's changing fastest.
  package static func grid(_ axes: [SweepAxis]) throws(RecipeError) -> [[String]] {
    var points: [[String]] = [[]]
    for axis in axes {
      guard case .list(let values) = axis.values else {
        throw RecipeError("\(axis.key) is a range: say how many points are tried with --sample N, or list values")
      }
      points = points.flatMap { point in values.map { point + [$0] } }
      guard points.count <= mostPoints else {
        throw RecipeError("the grid has more than \(mostPoints) points: try some of them with --sample N")
      }
    }
    return points
  }

  static let mostPoints = 100_000

  /// Points all over the ranges; of equal ones the first stays.
  /// - Parameters:
  ///   - isRandom: whether each is drawn by itself; else they are a Halton sequence (Halton 1960), which leaves smaller
  ///     holes, shifted by a random vector modulo 1 (Cranley and Patterson 1976).
  ///   - seed: of the points.
  package static func sample(
    _ axes: [SweepAxis], count: Int, isRandom: Bool, seed: UInt64
  ) throws(RecipeError) -> [[String]] {
    guard axes.count <= primes.count else {
      throw RecipeError("\(axes.count) keys are varied: at most \(primes.count) can be sampled")
    }
    let key = RandomKey(seed: seed).at(tensor: tensor)
    var seen: Set<[String]> = []
    return (0..<count).map { index in
      let draws = uniform(key.at(sample: isRandom ? UInt32(index) : 0), axes.count)
      return axes.indices.map { place in
        let shift = Double(draws[place])
        let sum = isRandom ? shift : radicalInverse(index + 1, base: primes[place]) + shift
        return axes[place].value(at: sum - sum.rounded(.down))
      }
    }.filter { seen.insert($0).inserted }
  }

  /// Of the noise of points, which no training draws.
  private static let tensor: UInt32 = 0x7377_6565

  private static let primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53]

  private static func uniform(_ key: RandomKey, _ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
      key.uniform(into: buffer.baseAddress!, count: count)
      initialized = count
    }
  }

  /// The digits of a number mirrored at the point.
  private static func radicalInverse(_ index: Int, base: Int) -> Double {
    var (rest, unit, result) = (index, 1 / Double(base), 0.0)
    while rest > 0 {
      result += Double(rest % base) * unit
      rest /= base
      unit /= Double(base)
    }
    return result
  }
}
