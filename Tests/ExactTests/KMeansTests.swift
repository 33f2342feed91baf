import LinearAlgebra
import Mixtures
import ReferenceSupport
import Statistics
import Testing

private let golden = Golden("mixtures")
private let rows = Matrix(golden["rows"].list.map(\.doubles))

@Suite struct KMeansTests {
  @Test(arguments: [1, 3])
  func equalsScikitLearnAtEveryIteration(shards: Int) throws {
    let model = try KMeans(clusters: 4, dimension: 3)
    var centres = Matrix((0..<4).map(rows.row))
    for step in golden["kmeans"]["steps"].list {
      let statistics = try rows.withRows {
        try model.statistics(of: Observations(inputs: $0), parameters: centres, shards: shards)
      }
      let improvement = try model.update(centres, statistics: statistics)
      centres = improvement.parameters
      #expect(relativeDifference(-improvement.objective, step["inertia"].double) < 1e-13)
      #expect(relativeDifference(centres.elements, step["centres"].doubles) < 1e-13)
    }
  }

  @Test func convergesToScikitLearnsClusters() throws {
    let model = try KMeans(clusters: 4, dimension: 3)
    try rows.withRows { data in
      let fit = try model.fit(
        Observations(inputs: data), from: Matrix((0..<4).map(rows.row)),
        stopping: Stopping(iterations: 300, tolerance: 0))
      #expect(fit.converged)
      #expect(relativeDifference(-fit.objectives.last!, golden["kmeans"]["inertia"].double) < 1e-13)
      #expect(try model.labels(of: data, fit.parameters) == golden["kmeans"]["labels"].doubles.map { Int($0) })
    }
  }

  @Test("A component of few rows with many columns is split as with few columns")
  func splitsWideRows() throws {
    func moved(columns: Int, move: Int) throws -> [[Double]] {
      func widened(_ matrix: Matrix, by value: Double = 0) -> Matrix {
        Matrix((0..<matrix.rows).map { matrix.row($0) + [Double](repeating: value, count: columns - 3) })
      }
      let model = try GaussianMixture(
        components: 4, dimension: columns, covariance: .diagonal, floor: .clipped(1e-6))
      let parameters = try GaussianMixtureParameters(
        weights: [Double](repeating: 0.25, count: 4), means: widened(Matrix((0..<4).map(rows.row))),
        covariances: .diagonal(widened(Matrix(rows: 4, columns: 3, repeating: 1), by: 1)), floor: model.floor)
      let start = try widened(rows).withRows { try model.start(from: $0, moving: parameters, move: move) }
      // Which half of a split component comes first depends on the sign of a direction.
      let means = try #require(start).means
      return (0..<4).map { Array(means.row($0).prefix(3)) }.sorted { $0[0] < $1[0] }
    }
    for move in 0..<12 {
      let (narrow, wide) = (try moved(columns: 3, move: move), try moved(columns: 2 * rows.rows + 3, move: move))
      #expect(relativeDifference(wide.flatMap(\.self), narrow.flatMap(\.self)) < 1e-9, "move \(move)")
    }
  }

  @Test(arguments: Problem.all)
  func inertiaNeverRises(problem: Problem) throws {
    var generator = SplitMix64(seed: 12)
    let model = try KMeans(clusters: problem.components, dimension: problem.rows.columns)
    try problem.rows.withRows { rows in
      // Starts that leave clusters empty: all centres in the first row, or far away.
      let first = Matrix(Array(repeating: problem.rows.row(0), count: problem.components))
      let away = Matrix(rows: problem.components, columns: problem.rows.columns, repeating: 1e4)
      for start in [first, away, try kMeansPlusPlus(rows, clusters: problem.components, using: &generator)] {
        let fit = try model.fit(
          Observations(inputs: rows), from: start, stopping: Stopping(iterations: 40, tolerance: -1))
        #expect(neverFalls(fit.objectives, tolerance: 1e-13), "\(fit.objectives)")
      }
    }
  }

  @Test func emptyClustersAreFilledFromTheWidest() throws {
    let model = try KMeans(clusters: 3, dimension: 1)
    let data = Matrix([[0], [0.1], [10], [10.2], [20], [20.1]])
    let fit = try data.withRows {
      try model.fit(
        Observations(inputs: $0), from: Matrix([[0], [1e9], [1e9]]), stopping: Stopping(iterations: 50, tolerance: 0))
    }
    #expect(abs(-fit.objectives.last! - (0.005 + 0.02 + 0.005)) < 1e-12)
  }

  @Test func emptyClustersSplitDifferentOnes() throws {
    let model = try KMeans(clusters: 4, dimension: 1)
    let data = Matrix([[0], [1], [10], [13]])
    let start = Matrix([[0.5], [1e9], [11.5], [1e9]])
    let fit = try data.withRows {
      try model.fit(Observations(inputs: $0), from: start, stopping: Stopping(iterations: 1, tolerance: -1))
    }
    #expect(fit.parameters.elements == [0.5, 13, 11.5, 1])
  }

  @Test func keepsItsDigitsFarFromTheOrigin() throws {
    let model = try KMeans(clusters: 2, dimension: 1)
    let data = Matrix([[1e9], [1e9 + 1], [1e9 + 10], [1e9 + 11]])
    let fit = try data.withRows {
      try model.fit(
        Observations(inputs: $0), from: Matrix([[1e9], [1e9 + 1]]), stopping: Stopping(iterations: 50, tolerance: 0))
    }
    #expect(fit.parameters.elements.sorted() == [1e9 + 0.5, 1e9 + 10.5])
    #expect(fit.objectives.last == -1)
  }

  @Test func restartsFindTheBestOfSeveral() throws {
    // Four far pairs: a start with two centres in one pair cannot leave it.
    let data = Matrix([[0, 0], [1, 0], [0, 100], [1, 100], [100, 0], [101, 0], [100, 100], [101, 100]])
    let model = try KMeans(clusters: 4, dimension: 2)
    var generator = SplitMix64(seed: 8)
    let fit = try data.withRows { try model.fit(Observations(inputs: $0), restarts: 10, using: &generator) }
    #expect(fit.objectives.last == -2)
  }

  @Test func plusPlusCoversDistinctPointsFirst() throws {
    var generator = SplitMix64(seed: 2)
    let data = Matrix([[0], [0], [0], [5], [5], [9]])
    for _ in 0..<20 {
      let centres = try data.withRows { try kMeansPlusPlus($0, clusters: 5, using: &generator) }
      #expect(Set(centres.elements) == [0, 5, 9])
    }
  }

  @Test func hostileInput() throws {
    #expect(throws: ExactError.self) { try KMeans(clusters: 0, dimension: 2) }
    var generator = SplitMix64(seed: 2)
    #expect(throws: ExactError.self) {
      try Matrix(rows: 0, columns: 2).withRows { try kMeansPlusPlus($0, clusters: 2, using: &generator) }
    }
    #expect(throws: ExactError.self) {
      try Matrix([[.infinity, 1]]).withRows { try kMeansPlusPlus($0, clusters: 2, using: &generator) }
    }
    let model = try KMeans(clusters: 1, dimension: 1)
    #expect(throws: ExactError.self) {
      try Matrix(rows: 0, columns: 1).withRows { try model.fit(Observations(inputs: $0), from: Matrix([[0]])) }
    }
  }
}
