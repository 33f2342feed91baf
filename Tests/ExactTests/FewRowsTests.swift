import LinearAlgebra
import ReferenceSupport
import Regression
import Statistics
import Testing

/// Few rows with many features: the rows themselves are what is gathered, and say what moments say.
@Suite struct FewRowsTests {
  private let rows: Matrix
  private let targets: [Double]
  private let points: Matrix

  init() {
    var generator = SplitMix64(seed: 81)
    func normals(_ rows: Int) -> Matrix {
      Matrix(rows: rows, columns: 30, elements: (0..<(rows * 30)).map { _ in 2 + generator.normal() })
    }
    (rows, points) = (normals(9), normals(4))
    targets = (0..<9).map { _ in generator.normal() }
  }

  private func fit<E: MomentEstimator>(_ estimator: E, collecting: Bool, shards: Int) throws -> E.Estimate {
    let model = MomentRegression(estimator, rows: collecting ? rows.rows : nil)
    #expect(model.collects == collecting)
    return try observing(rows, targets) {
      let start = model.start(pivot: rows.row(2), target: targets[2])
      return try model.fit($0, from: start, stopping: Stopping(iterations: 1), shards: shards).parameters.estimate!
    }
  }

  private func check(_ a: [RegressionPrediction], _ b: [RegressionPrediction]) {
    #expect(relativeDifference(a.map(\.mean), b.map(\.mean)) < 1e-6)
    #expect(relativeDifference(a.map(\.variance), b.map(\.variance)) < 1e-6)
  }

  @Test(arguments: [true, false], [1, 4])
  func theRowsSayWhatMomentsSay(intercept: Bool, shards: Int) throws {
    let features = try Features(.identity, inputs: 30, intercept: intercept)
    let points = (0..<4).map(points.row)
    let least = LinearRegression(features)
    let (a, b) = (
      try fit(least, collecting: true, shards: shards), try fit(least, collecting: false, shards: shards)
    )
    #expect(relativeDifference(a.weights, b.weights) < 1e-6 && a.rank == b.rank)
    for penalizes in [true, false] {
      for method in [EvidenceMaximization.Method.expectationMaximization, .effectiveParameters] {
        var evidence = EvidenceMaximization(features)
        (evidence.penalizesIntercept, evidence.method) = (penalizes, method)
        evidence.start = .given(weightPrecision: 2, noisePrecision: 3)
        (evidence.iterations, evidence.tolerance) = (3, 0)
        let (c, d) = (
          try fit(evidence, collecting: true, shards: shards), try fit(evidence, collecting: false, shards: shards)
        )
        check(points.map(c.predict), points.map(d.predict))
        #expect(relativeDifference(c.scores, d.scores) < 1e-8)
        #expect(relativeDifference(c.covariance.elements, d.covariance.elements) < 1e-6)
        #expect(relativeDifference(c.weights + [c.intercept], d.weights + [d.intercept]) < 1e-6)
      }
    }
    let relevance = RelevanceRegression(features)
    let (e, f) = (
      try fit(relevance, collecting: true, shards: shards), try fit(relevance, collecting: false, shards: shards)
    )
    check(points.map(e.predict), points.map(f.predict))
  }

  @Test func moreRowsAreMoments() throws {
    let model = MomentRegression(LinearRegression(try Features(.identity, inputs: 30)), rows: 16)
    #expect(!model.collects && model.statisticsCount == 1 + 31 + 31 * 32 / 2)
  }

  @Test func aRowThatIsNotFiniteIsNamed() throws {
    var spoilt = rows
    spoilt[5, 7] = .nan
    let model = MomentRegression(LinearRegression(try Features(.identity, inputs: 30)), rows: 9)
    #expect {
      try observing(spoilt, targets) {
        try model.fit($0, from: model.start(pivot: rows.row(0), target: 0), shards: 3)
      }
    } throws: { ($0 as? ExactError)?.row == 5 }
  }
}
