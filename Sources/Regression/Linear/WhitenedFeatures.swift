import LinearAlgebra

/// The coordinates in which features have mean zero and are uncorrelated, with unit sums of squares: u = W (φ − φ̄).
///
/// They are found from the correlations, so that neither where the features lie nor their units matter.
struct WhitenedFeatures: Sendable {
  let means: [Double]
  /// The number of directions that the data distinguishes: those with more than 1e-14 M of the largest variance, each
  /// feature measured by its own deviation.
  let rank: Int
  /// W, rank × M.
  let forward: Matrix
  /// R, rank × M, the way back: φ − φ̄ = Rᵀ u.
  let root: Matrix

  init(_ moments: RegressionMoments) throws(LinearAlgebraError) {
    let (m, scatter) = (moments.featureCount, moments.scatter)
    means = moments.featureMeans
    let scales = scatter.diagonal.map { $0.squareRoot() }
    var correlations = scatter
    for i in 0..<m {
      for j in 0..<m where i != j {
        correlations[i, j] = scales[i] > 0 && scales[j] > 0 ? scatter[i, j] / scales[i] / scales[j] : 0
      }
      correlations[i, i] = scales[i] > 0 ? 1 : 0
    }
    let eigen = try SymmetricEigen(correlations)
    let least = 1e-14 * Double(m) * (eigen.values.last ?? 0)
    let kept = eigen.values.indices.filter { eigen.values[$0] > least }
    rank = kept.count
    var (forward, root) = (Matrix(rows: kept.count, columns: m), Matrix(rows: kept.count, columns: m))
    for (row, i) in kept.enumerated() {
      let length = eigen.values[i].squareRoot()
      for j in 0..<m where scales[j] > 0 {
        forward[row, j] = eigen.vectors[i, j] / length / scales[j]
        root[row, j] = eigen.vectors[i, j] * length * scales[j]
      }
    }
    (self.forward, self.root) = (forward, root)
  }
}
