import LinearAlgebra
import ReferenceSupport

/// Random clustering problems, the degenerate ones among them.
struct Problem: CustomStringConvertible, Sendable {
  let name: String
  let rows: Matrix
  let components: Int

  var description: String { name }

  static let all: [Problem] = {
    var generator = SplitMix64(seed: 20_240_603)
    func blobs(_ count: Int, _ dimension: Int, _ clusters: Int, spread: Double = 3) -> Matrix {
      let centres = Matrix(
        rows: clusters, columns: dimension,
        elements: (0..<(clusters * dimension)).map { _ in spread * generator.normal() })
      var rows = Matrix(rows: count, columns: dimension)
      for i in 0..<count {
        let k = generator.index(below: clusters)
        for j in 0..<dimension { rows[i, j] = centres[k, j] + (0.5 + Double(k % 3) / 3) * generator.normal() }
      }
      return rows
    }
    var constant = blobs(60, 4, 2)
    for i in 0..<60 { constant[i, 2] = 7 }
    var far = blobs(120, 3, 3)
    for i in far.elements.indices { far.elements[i] += 1e6 }
    let points = blobs(3, 2, 1)
    var duplicates = Matrix(rows: 45, columns: 2)
    for i in 0..<45 { for j in 0..<2 { duplicates[i, j] = points[i % 3, j] } }
    var dependent = blobs(80, 3, 2)
    for i in 0..<80 { dependent[i, 2] = 2 * dependent[i, 0] - dependent[i, 1] }
    return [
      Problem(name: "three clusters", rows: blobs(300, 2, 3), components: 3),
      Problem(name: "seven clusters of eleven columns", rows: blobs(500, 11, 7), components: 7),
      Problem(name: "too many components", rows: blobs(200, 2, 2), components: 9),
      Problem(name: "one component", rows: blobs(50, 3, 1), components: 1),
      Problem(name: "one column", rows: blobs(90, 1, 3), components: 3),
      Problem(name: "fewer rows than columns", rows: blobs(6, 10, 2), components: 2),
      Problem(name: "a constant column", rows: constant, components: 2),
      Problem(name: "dependent columns", rows: dependent, components: 2),
      Problem(name: "three distinct points, five components", rows: duplicates, components: 5),
      Problem(name: "one row", rows: blobs(1, 2, 1), components: 2),
      Problem(name: "far from the origin", rows: far, components: 3),
    ]
  }()
}

/// Whether a sequence never falls by more than rounding errors of its magnitude.
func neverFalls(_ values: [Double], tolerance: Double = 1e-10) -> Bool {
  zip(values, values.dropFirst()).allSatisfy { $1 >= $0 - tolerance * max(abs($0), abs($1), 1) }
}
