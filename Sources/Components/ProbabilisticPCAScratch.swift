import Foundation
import LinearAlgebra
import Statistics

/// Where the statistics of a probabilistic PCA lie. With ẑ = (z, 1), p = q + 1 and deviations d = x − μ:
/// rows, log-likelihood, entropy of the latent posteriors, Σ tr E[z zᵀ]; by column the count and Σ d² of what was
/// observed, and Σ d E[ẑ]; the packed lower triangle of Σ E[ẑ ẑᵀ] over complete rows, and, when values may be missing, by
/// column the same over those incomplete rows in which the column was observed.
struct ProbabilisticPCALayout {
  let dimension: Int
  let latentDimension: Int
  let allowsMissing: Bool

  static let rows = 0
  static let logLikelihood = 1
  static let entropy = 2
  static let latentTrace = 3
  var counts: Int { 4 }
  var squares: Int { counts + dimension }
  var products: Int { squares + dimension }
  var moments: Int { products + dimension * (latentDimension + 1) }
  var momentSize: Int { packedCount(latentDimension + 1) }
  var columnMoments: Int { moments + momentSize }
  var count: Int { columnMoments + (allowsMissing ? dimension * momentSize : 0) }

  /// What the statistics say about one column.
  struct Column {
    let count: Double
    /// Σ d²
    let squares: Double
    /// Σ d E[ẑ]
    let products: [Double]
    /// Σ E[ẑ ẑᵀ]
    let moments: Matrix

    /// Σ E[(d − w·ẑ)²].
    func squaredError(_ w: [Double]) -> Double {
      max(squares - 2 * dot(w, products) + moments.quadraticForm(w), 0)
    }
  }

  func column(_ j: Int, _ statistics: [Double]) -> Column {
    let p = latentDimension + 1
    var lower = Array(statistics[moments..<(moments + momentSize)])
    if allowsMissing {
      let own = columnMoments + j * momentSize
      for i in 0..<momentSize { lower[i] += statistics[own + i] }
    }
    return Column(
      count: statistics[counts + j], squares: statistics[squares + j],
      products: Array(statistics[(products + j * p)..<(products + (j + 1) * p)]),
      moments: Matrix(packedLower: lower, dimension: p))
  }
}

/// The E-step of probabilistic PCA: complete rows in blocks through matrix products, incomplete ones each by itself.
public final class ProbabilisticPCAScratch {
  private static let capacity = 256
  private let layout: ProbabilisticPCALayout
  private let d: Int
  private let q: Int
  private let p: Int
  /// Deviations of complete rows, n × D, and what is left of them.
  private let deviations: AlignedBuffer
  private let residuals: AlignedBuffer
  /// E[ẑ], n × p.
  private let latent: AlignedBuffer
  /// W (D × q), W M⁻¹ (D × q), Σ ẑ ẑᵀ (p × p).
  private let loadings: AlignedBuffer
  private let projection: AlignedBuffer
  private let gram: AlignedBuffer
  /// Of one incomplete row: its deviations, M of its observed columns, then its inverse, E[ẑ], E[ẑ ẑᵀ] packed.
  private let row: AlignedBuffer
  private let matrix: AlignedBuffer
  private let mean: AlignedBuffer
  private let packed: AlignedBuffer
  private var seen: [Int] = []
  private var noise = 1.0

  init(_ layout: ProbabilisticPCALayout) {
    self.layout = layout
    (d, q, p) = (layout.dimension, layout.latentDimension, layout.latentDimension + 1)
    deviations = AlignedBuffer(Self.capacity * d)
    residuals = AlignedBuffer(Self.capacity * d)
    latent = AlignedBuffer(Self.capacity * p)
    loadings = AlignedBuffer(d * q)
    projection = AlignedBuffer(d * q)
    gram = AlignedBuffer(p * p)
    row = AlignedBuffer(d)
    matrix = AlignedBuffer(q * q)
    mean = AlignedBuffer(p)
    packed = AlignedBuffer(layout.momentSize)
    seen.reserveCapacity(d)
  }

  func accumulate(
    _ rows: RowBlock, _ parameters: ProbabilisticPCAParameters, into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    guard rows.dimension == d, parameters.dimension == d, parameters.latentDimension == q else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(rows.dimension) numbers",
        remedy: "give rows of \(d) numbers, as the model was made for")
    }
    prepare(parameters)
    var complete = 0.0
    var first = 0
    while first < rows.count {
      let block = rows.rows(first..<min(first + Self.capacity, rows.count))
      var filled = 0
      for i in 0..<block.count {
        let target = deviations.base + filled * d
        switch deviate(block, i, parameters.mean, into: target) {
        case .complete: filled += 1
        case .incomplete where layout.allowsMissing:
          for j in 0..<d { row[j] = target[j] }
          try addIncomplete(at: first + i, into: statistics)
        case .incomplete, .infinite:
          let missing = layout.allowsMissing ? "" : ", or allow missing values"
          throw ExactError(
            .notFinite, row: first + i, doing: "reading data",
            remedy: "remove or impute values that are infinite or NaN\(missing)")
        }
      }
      addComplete(filled, into: statistics)
      complete += Double(filled)
      first += block.count
    }
    finish(complete, parameters, into: statistics)
  }

  private func prepare(_ parameters: ProbabilisticPCAParameters) {
    noise = parameters.noiseVariance
    // M⁻¹ Wᵀ, transposed.
    let solved = parameters.latent.solve(parameters.loadings.transposed)
    for j in 0..<d {
      for k in 0..<q {
        loadings[j * q + k] = parameters.loadings[j, k]
        projection[j * q + k] = solved[k, j]
      }
    }
    gram.clear()
  }

  private enum Completeness { case complete, incomplete, infinite }

  private func deviate(
    _ block: RowBlock, _ i: Int, _ mean: [Double], into target: UnsafeMutablePointer<Double>
  ) -> Completeness {
    var result = Completeness.complete
    for j in 0..<d {
      let value = block[i, j]
      if value.isNaN, result == .complete { result = .incomplete }
      if value.isInfinite { result = .infinite }
      target[j] = value - mean[j]
    }
    return result
  }

  // MARK: Complete rows

  private func addComplete(_ n: Int, into statistics: UnsafeMutablePointer<Double>) {
    guard n > 0 else { return }
    let (x, z, r) = (deviations.base, latent.base, residuals.base)
    let (rows, means) = (BLAS.Operand(x, stride: d), BLAS.Operand(z, stride: p))
    BLAS.multiply(n, q, d, rows, BLAS.Operand(projection.base, stride: q), into: means)
    for i in 0..<n { z[i * p + q] = 1 }
    r.update(from: x, count: n * d)
    BLAS.multiply(
      n, d, q, means, BLAS.Operand(loadings.base, stride: q), into: BLAS.Operand(r, stride: d), transposed: .right,
      factor: -1, keep: 1)
    let products = BLAS.Operand(statistics + layout.products, stride: p)
    BLAS.multiply(d, p, n, rows, means, into: products, transposed: .left, keep: 1)
    BLAS.addGram(p, n, means, into: BLAS.Operand(gram.base, stride: p))
    var (residual, norm) = (0.0, 0.0)
    for i in 0..<n {
      for j in 0..<d {
        residual += r[i * d + j] * r[i * d + j]
        statistics[layout.squares + j] += x[i * d + j] * x[i * d + j]
      }
      for k in 0..<q { norm += z[i * p + k] * z[i * p + k] }
    }
    statistics[ProbabilisticPCALayout.logLikelihood] -= 0.5 * (residual / noise + norm)
  }

  /// What complete rows have in common, once.
  private func finish(
    _ n: Double, _ parameters: ProbabilisticPCAParameters, into statistics: UnsafeMutablePointer<Double>
  ) {
    guard n > 0 else { return }
    let factor = parameters.latent
    let covariance = noise * factor.inverse
    statistics[ProbabilisticPCALayout.rows] += n
    statistics[ProbabilisticPCALayout.logLikelihood] -=
      0.5 * n * (Double(d) * logTwoPi + Double(d - q) * log(noise) + factor.logDeterminant)
    statistics[ProbabilisticPCALayout.entropy] += n * entropy(factor.logDeterminant)
    for j in 0..<d { statistics[layout.counts + j] += n }
    var index = layout.moments
    for i in 0..<p {
      for j in 0...i {
        let value = gram[i * p + j] + (i < q ? n * covariance[i, j] : 0)
        statistics[index] += value
        if i == j, i < q { statistics[ProbabilisticPCALayout.latentTrace] += value }
        index += 1
      }
    }
  }

  /// Of a Gaussian with the covariance σ² M⁻¹, by log |M|.
  private func entropy(_ logDeterminant: Double) -> Double {
    0.5 * (Double(q) * (1 + logTwoPi + log(noise)) - logDeterminant)
  }

  // MARK: Incomplete rows

  private func addIncomplete(at index: Int, into statistics: UnsafeMutablePointer<Double>) throws(ExactError) {
    seen.removeAll(keepingCapacity: true)
    for j in 0..<d where !row[j].isNaN { seen.append(j) }
    matrix.clear()
    for k in 0..<p { mean[k] = 0 }
    for j in seen {
      let w = loadings.base + j * q
      for a in 0..<q {
        mean[a] += row[j] * w[a]
        for b in 0...a { matrix[a * q + b] += w[a] * w[b] }
      }
    }
    for k in 0..<q { matrix[k * q + k] += noise }
    guard BLAS.factorise(q, matrix.base) == nil else {
      throw ExactError(
        .singular, row: index, doing: "conditioning on \(seen.count) values", remedy: "raise the noise floor")
    }
    let logDeterminant = (0..<q).reduce(0) { $0 + 2 * log(matrix[$1 * q + $1]) }
    BLAS.solve(q, matrix.base, mean.base)
    mean[q] = 1
    BLAS.invert(q, matrix.base)
    pack()

    var residual = 0.0
    for j in seen {
      var r = row[j]
      for k in 0..<q { r -= loadings[j * q + k] * mean[k] }
      residual += r * r
      statistics[layout.counts + j] += 1
      statistics[layout.squares + j] += row[j] * row[j]
      for k in 0..<p { statistics[layout.products + j * p + k] += row[j] * mean[k] }
      let moments = statistics + layout.columnMoments + j * layout.momentSize
      for i in 0..<layout.momentSize { moments[i] += packed[i] }
    }
    let norm = (0..<q).reduce(0) { $0 + mean[$1] * mean[$1] }
    statistics[ProbabilisticPCALayout.rows] += 1
    statistics[ProbabilisticPCALayout.entropy] += entropy(logDeterminant)
    statistics[ProbabilisticPCALayout.logLikelihood] -=
      0.5 * (Double(seen.count) * logTwoPi + Double(seen.count - q) * log(noise) + logDeterminant)
      + 0.5 * (residual / noise + norm)
    for k in 0..<q { statistics[ProbabilisticPCALayout.latentTrace] += packed[packedCount(k + 1) - 1] }
  }

  /// E[ẑ ẑᵀ] of the incomplete row.
  private func pack() {
    var index = 0
    for i in 0..<p {
      for j in 0...i {
        packed[index] = mean[i] * mean[j] + (i < q ? noise * matrix[i * q + j] : 0)
        index += 1
      }
    }
  }
}
