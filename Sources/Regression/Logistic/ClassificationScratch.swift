import CExact
import LinearAlgebra
import Statistics

/// Rows of features and their labels, a block at a time, for models that weigh each row by a function of its activation.
public final class ClassificationScratch {
  let features: Features
  /// Matrices of second moments that are gathered at once.
  private let momentCount: Int
  private let m: Int
  let panels: Panels
  /// n × M, the constant one first when there is an intercept.
  let rows: AlignedBuffer
  var labels: [Int]
  /// Activations or what is made of them, columns × capacity.
  let activations: AlignedBuffer
  /// What a row counts in the moments.
  let weights: AlignedBuffer
  let squares: AlignedBuffer
  private let lanes: AlignedBuffer
  private let centred: AlignedBuffer
  private let scaled: AlignedBuffer
  private let zero: AlignedBuffer
  private let packed: AlignedBuffer
  private let sums: AlignedBuffer
  private let tiles: MomentTiles
  private let classes: Int

  /// - Parameter columns: activations of a row.
  init(_ features: Features, classes: Int, columns: Int, moments: Int) {
    self.features = features
    self.classes = classes
    momentCount = moments
    m = features.weightCount
    panels = Panels(dimension: m)
    rows = AlignedBuffer(panels.capacity * m)
    labels = Array(repeating: 0, count: panels.capacity)
    activations = AlignedBuffer(columns * panels.capacity)
    weights = AlignedBuffer(panels.capacity)
    squares = AlignedBuffer(panels.capacity)
    lanes = AlignedBuffer(8 * panels.capacity)
    centred = AlignedBuffer(panels.capacity * panels.paddedDimension)
    scaled = AlignedBuffer(panels.capacity * panels.paddedDimension)
    zero = AlignedBuffer(panels.paddedDimension)
    packed = AlignedBuffer(panels.paddedDimension * (panels.paddedDimension + 8) / 2)
    sums = AlignedBuffer(panels.paddedDimension)
    tiles = MomentTiles(dimension: m, count: moments)
  }

  /// Calls `body` with the number of rows of each block, its features and labels loaded.
  /// - Throws: `.wrongShape` without one target for each row, `.wrongTarget` for a target that is no class,
  ///   `.notFinite` for features that are not finite; each with the row.
  func forEachBlock(
    of observations: Observations, _ body: (_ count: Int) -> Void
  ) throws(ExactError) {
    let inputs = observations.inputs
    guard inputs.dimension == features.inputs, let targets = observations.targets, targets.dimension == 1 else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(inputs.dimension) numbers",
        remedy: "give \(features.inputs) inputs and one target for each row")
    }
    tiles.clear()
    let offset = features.hasIntercept ? 1 : 0
    var first = 0
    while first < inputs.count {
      let count = min(panels.capacity, inputs.count - first)
      for i in 0..<count {
        if offset == 1 { rows[i * m] = 1 }
        features.write(inputs, first + i, into: rows.base + i * m + offset)
        let target = targets[first + i, 0]
        guard target >= 0, target < Double(classes), target == target.rounded() else {
          throw ExactError(
            .wrongTarget, row: first + i, doing: "reading the target \(target)",
            remedy: "give classes as whole numbers from 0 to \(classes - 1)")
        }
        labels[i] = Int(target)
      }
      do throws(ExactError) {
        try panels.load(RowBlock(rows.base, count: count, dimension: m))
      } catch {
        throw ExactError(
          error.code, row: error.row.map { $0 + first }, doing: "computing features", remedy: features.remedy)
      }
      body(count)
      first += count
    }
  }

  /// Sets column k of the activations to the features times the weights.
  func activate(_ k: Int, _ weights: [Double], count: Int) {
    let target = activations.base + k * panels.capacity
    for i in 0..<count {
      var sum = 0.0
      for j in 0..<m { sum += rows[i * m + j] * weights[j] }
      target[i] = sum
    }
  }

  /// Takes a lower triangular matrix W for `whiten`.
  func setWhitening(_ matrix: Matrix) { cexact_pack_lower(matrix.elements, m, packed.base) }

  /// Sets `squares` to ‖W φ‖².
  func whiten() {
    kernels.whitened_squares(
      panels.base, packed.base, panels.capacity, panels.capacity, panels.panelCount, lanes.base, squares.base)
  }

  /// Adds Σ weight · φ φᵀ to matrix `index` of the moments; weights of rows beyond the block's count must be zero.
  func addMoments(_ index: Int) {
    kernels.weigh(
      panels.base, zero.base, weights.base, panels.everyRow, panels.capacity, panels.capacity, panels.panelCount,
      centred.base, scaled.base, sums.base)
    kernels.second_moments(
      scaled.base, centred.base, panels.capacity, panels.capacity, panels.panelCount, tiles.base(index))
  }

  /// Adds residual · φ to M numbers.
  func addGradient(_ residual: Double, row: Int, to gradient: UnsafeMutablePointer<Double>) {
    for j in 0..<m { gradient[j] += residual * rows[row * m + j] }
  }

  /// Adds the moments, each a packed lower triangle, one after the other.
  func flushMoments(to target: UnsafeMutablePointer<Double>) {
    for index in 0..<momentCount { tiles.add(index, to: target + index * packedCount(m)) }
  }
}
