import LinearAlgebra
import Statistics

extension KMeans {
  /// Centres with two clusters merged and a third split, the best of some candidates after iterations on a sample: first
  /// those where the union costs least and the split gains most. Single rows then move where that lowers the inertia
  /// (Hartigan 1975), which Lloyd's iteration does not see.
  /// - Parameter move: which candidates, the most promising first.
  /// - Returns: nil with fewer than three clusters, or when none can be split.
  public func start(from sample: RowBlock, moving centres: Matrix, move: Int) throws(ExactError) -> Matrix? {
    // Some seconds of work at most.
    let count = max(1, min(30, 1_000_000_000 / max(1, 40 * sample.count * clusters * dimension)))
    let rows = sample.matrix
    let groups = try Groups(self, sample, centres)
    var best: (centres: Matrix, inertia: Double)?
    for candidate in move * count..<(move + 1) * count {
      guard let start = groups.moved(centres, candidate) else { continue }
      let fit = try fit(Observations(inputs: sample), from: start, stopping: Stopping(iterations: 20, tolerance: 0))
      let settled = settled(rows, try labels(of: sample, fit.parameters), fit.parameters)
      if best == nil || settled.inertia < best!.inertia { best = settled }
    }
    return best?.centres
  }

  /// The clusters of a sample, and where each is longest.
  private struct Groups {
    let counts: [Double]
    var axes: [(mean: [Double], direction: [Double], variance: Double)?] = []

    init(_ model: KMeans, _ sample: RowBlock, _ centres: Matrix) throws(ExactError) {
      var members = [[Double]](repeating: [Double](repeating: 0, count: sample.count), count: model.clusters)
      for (row, label) in try model.labels(of: sample, centres).enumerated() { members[label][row] = 1 }
      counts = members.map { $0.reduce(0, +) }
      for k in 0..<model.clusters { axes.append(try longestAxis(of: sample, weights: members[k])) }
    }

    func moved(_ centres: Matrix, _ candidate: Int) -> Matrix? {
      guard
        let chosen = SplitAndMerge(
          move: candidate, clusters: counts.count,
          merging: { i, j in
            let difference = centres.row(i).subtracting(centres.row(j))
            let total = counts[i] + counts[j]
            return total > 0 ? counts[i] * counts[j] / total * dot(difference, difference) : 0
          }, splitting: { counts[$0] * (axes[$0]?.variance ?? 0) }),
        let axis = axes[chosen.split]
      else { return nil }
      var next = centres
      let total = counts[chosen.kept] + counts[chosen.freed]
      let deviation = axis.variance.squareRoot()
      for j in 0..<centres.columns {
        if total > 0 {
          next[chosen.kept, j] += counts[chosen.freed] / total * (centres[chosen.freed, j] - centres[chosen.kept, j])
        }
        next[chosen.split, j] = axis.mean[j] - deviation * axis.direction[j]
        next[chosen.freed, j] = axis.mean[j] + deviation * axis.direction[j]
      }
      return next
    }
  }

  /// Moves single rows between clusters until none lowers the inertia.
  private func settled(_ rows: Matrix, _ labels: [Int], _ centres: Matrix) -> (centres: Matrix, inertia: Double) {
    var (labels, centres) = (labels, centres)
    var counts = [Double](repeating: 0, count: clusters)
    for label in labels { counts[label] += 1 }
    func square(_ row: Int, _ k: Int) -> Double {
      var sum = 0.0
      for j in 0..<dimension {
        let difference = rows.elements[row * dimension + j] - centres.elements[k * dimension + j]
        sum += difference * difference
      }
      return sum
    }
    for _ in 0..<20 {
      var hasMoved = false
      for row in 0..<rows.rows where counts[labels[row]] > 1 {
        let from = labels[row]
        // What the inertia falls by without the row, and rises by with it.
        let gain = counts[from] / (counts[from] - 1) * square(row, from)
        var (to, cost) = (from, gain * (1 - 1e-12))
        for k in 0..<clusters where k != from {
          let rise = counts[k] / (counts[k] + 1) * square(row, k)
          if rise < cost { (to, cost) = (k, rise) }
        }
        guard to != from else { continue }
        for j in 0..<dimension {
          centres[from, j] -= (rows[row, j] - centres[from, j]) / (counts[from] - 1)
          centres[to, j] += (rows[row, j] - centres[to, j]) / (counts[to] + 1)
        }
        counts[from] -= 1
        counts[to] += 1
        labels[row] = to
        hasMoved = true
      }
      guard hasMoved else { break }
    }
    return (centres, (0..<rows.rows).reduce(0) { $0 + square($1, labels[$1]) })
  }
}
