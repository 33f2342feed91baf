import Foundation
import LinearAlgebra
import Mixtures
import ReferenceSupport
import Statistics
import Testing

private let golden = Golden("mixtures")
private let rows = Matrix(golden["rows"].list.map(\.doubles))

private func name(_ kind: CovarianceKind) -> String { kind == .diagonal ? "diag" : kind.rawValue }

private func unit(_ kind: CovarianceKind, _ k: Int, _ d: Int) -> MixtureCovariances {
  switch kind {
  case .full: .full(Array(repeating: .identity(d), count: k))
  case .tied: .tied(.identity(d))
  case .diagonal: .diagonal(Matrix(rows: k, columns: d, repeating: 1))
  case .spherical: .spherical(Array(repeating: 1, count: k))
  }
}

private func flat(_ covariances: MixtureCovariances) -> [Double] {
  switch covariances {
  case .full(let matrices): matrices.flatMap(\.elements)
  case .tied(let matrix): matrix.elements
  case .diagonal(let variances): variances.elements
  case .spherical(let variances): variances
  }
}

@Suite struct GaussianMixtureTests {
  private func start(_ kind: CovarianceKind) throws -> GaussianMixtureParameters {
    try GaussianMixtureParameters(
      weights: Array(repeating: 1.0 / 3, count: 3), means: Matrix((0..<3).map(rows.row)),
      covariances: unit(kind, 3, 3))
  }

  @Test(arguments: CovarianceKind.allCases, [1, 4])
  func equalsScikitLearnAtEveryIteration(kind: CovarianceKind, shards: Int) throws {
    let reference = golden["gaussian"][name(kind)]
    let model = try GaussianMixture(components: 3, dimension: 3, covariance: kind)
    var parameters = try start(kind)
    for step in reference["steps"].list {
      let statistics = try rows.withRows {
        try model.statistics(of: Observations(inputs: $0), parameters: parameters, shards: shards)
      }
      let improvement = try model.update(parameters, statistics: statistics)
      parameters = improvement.parameters
      #expect(relativeDifference(improvement.objective / 240, step["objective"].double) < 1e-10)
      #expect(relativeDifference(parameters.weights, step["weights"].doubles) < 1e-9)
      #expect(relativeDifference(parameters.means.elements, step["means"].doubles) < 1e-9)
      #expect(relativeDifference(flat(parameters.covariances), step["covariances"].doubles) < 1e-9)
    }
    let first = Matrix((0..<20).map(rows.row))
    let densities = try first.withRows { try model.logDensities(of: $0, parameters) }
    let responsibilities = try first.withRows { try model.responsibilities(of: $0, parameters) }
    let logLikelihood = try rows.withRows { try model.logDensities(of: $0, parameters) }.reduce(0, +)
    #expect(relativeDifference(densities, reference["logDensities"].doubles) < 1e-9)
    #expect(relativeDifference(responsibilities.elements, reference["responsibilities"].doubles) < 1e-8)
    #expect(
      relativeDifference(model.bayesianCriterion(logLikelihood: logLikelihood, rows: 240), reference["bic"].double)
        < 1e-9)
    #expect(relativeDifference(model.akaikeCriterion(logLikelihood: logLikelihood), reference["aic"].double) < 1e-9)
  }

  /// Old Faithful by maximum likelihood, as mclust and Bishop's book have it.
  @Test(.enabled(if: RealData.exists("tables/faithful.csv")))
  func oldFaithful() throws {
    let eruptions = Matrix(RealData.rows("tables/faithful.csv", skipping: 1, columns: 2))
    #expect(eruptions.rows == 272)
    let model = try GaussianMixture(components: 2, dimension: 2, floor: .added(0))
    var generator = SplitMix64(seed: 1)
    let fit = try eruptions.withRows { rows in
      let start = try model.start(from: rows, using: &generator)
      return try model.fit(
        Observations(inputs: rows), from: start, stopping: Stopping(iterations: 500, tolerance: 1e-14))
    }
    #expect(fit.converged)
    #expect(abs(fit.objectives.last! - -1130.26396) < 5e-6)
    let order = fit.parameters.weights[0] < fit.parameters.weights[1] ? [0, 1] : [1, 0]
    let means = order.flatMap(fit.parameters.means.row)
    #expect(abs(fit.parameters.weights[order[0]] - 0.355873) < 1e-6)
    #expect(zip(means, [2.036388, 54.478516, 4.289662, 79.968115]).allSatisfy { abs($0 - $1) < 5e-5 })
    guard case .full(let matrices) = fit.parameters.covariances else { return }
    let expected = [[0.0691677, 0.4351676, 33.697282], [0.1699684, 0.9406093, 36.046211]]
    for (k, values) in zip(order, expected) {
      let found = [matrices[k][0, 0], matrices[k][1, 0], matrices[k][1, 1]]
      #expect(zip(found, values).allSatisfy { abs($0 - $1) < 1e-5 * max(1, $1) })
    }
  }

  @Test(arguments: Problem.all, CovarianceKind.allCases)
  func logLikelihoodNeverFallsAboveAClippedFloor(problem: Problem, kind: CovarianceKind) throws {
    let model = try GaussianMixture(
      components: problem.components, dimension: problem.rows.columns, covariance: kind, floor: .clipped(1e-3))
    var generator = SplitMix64(seed: 9)
    let fit = try problem.rows.withRows { rows in
      try model.fit(
        Observations(inputs: rows), from: try model.start(from: rows, using: &generator),
        stopping: Stopping(iterations: 60, tolerance: -1))
    }
    #expect(fit.objectives.count == 60 && fit.objectives.allSatisfy { $0.isFinite })
    #expect(neverFalls(fit.objectives), "\(fit.objectives)")
    #expect(abs(fit.parameters.weights.reduce(0, +) - 1) < 1e-12)
  }

  @Test(arguments: Problem.all, CovarianceKind.allCases)
  func anAddedFloorGivesAnAnswerToEveryProblem(problem: Problem, kind: CovarianceKind) throws {
    let model = try GaussianMixture(components: problem.components, dimension: problem.rows.columns, covariance: kind)
    var generator = SplitMix64(seed: 10)
    let fit = try problem.rows.withRows { rows in
      try model.fit(Observations(inputs: rows), from: try model.start(from: rows, using: &generator))
    }
    #expect(fit.objectives.allSatisfy { $0.isFinite } && fit.parameters.means.firstRowNotFinite == nil)
  }

  /// log p = bound + KL at every half-step: equal after E; the M-step raises the bound, and is left short by a KL ≥ 0.
  @Test(arguments: CovarianceKind.allCases)
  func boundTouchesTheLogLikelihoodAfterEachEStep(kind: CovarianceKind) throws {
    let model = try GaussianMixture(components: 3, dimension: 3, covariance: kind, floor: .clipped(1e-9))
    var parameters = try start(kind)
    var gaps: [Double] = []
    for _ in 0..<15 {
      let statistics = try rows.withRows { try model.statistics(of: Observations(inputs: $0), parameters: parameters) }
      let step = try model.update(parameters, statistics: statistics)
      let afterE = model.bound(parameters, statistics: statistics, takenWith: parameters)
      let afterM = model.bound(step.parameters, statistics: statistics, takenWith: parameters)
      let next = try rows.withRows { try model.logDensities(of: $0, step.parameters) }.reduce(0, +)
      #expect(relativeDifference(afterE, step.objective) < 1e-12)
      #expect(afterM >= afterE - 1e-9)
      #expect(next - afterM >= -1e-9)
      gaps.append(next - afterM)
      parameters = step.parameters
    }
    #expect(gaps.max()! > 1e-3)
  }

  @Test func shardsAddInAFixedTreeAndDoNotChangeTheAnswer() throws {
    let model = try GaussianMixture(components: 3, dimension: 3)
    let parameters = try start(.full)
    let whole = try rows.withRows { try model.statistics(of: Observations(inputs: $0), parameters: parameters) }
    for shards in [2, 3, 7, 16, 300] {
      let total = try rows.withRows {
        try model.statistics(of: Observations(inputs: $0), parameters: parameters, shards: shards)
      }
      #expect(relativeDifference(total, whole) < 1e-13)
    }
  }

  /// Densities that end as zeros are left out; what is not left out, and all sums, have the same bits.
  @Test(arguments: [CovarianceKind.full, .tied])
  func pruningChangesNoBit(kind: CovarianceKind) throws {
    let (d, k) = (70, 6)
    var generator = SplitMix64(seed: 31)
    // Neighbours overlap, the others lie apart by more and more.
    let centres = Matrix((0..<k).map { c in (0..<d).map { _ in 0.4 * Double(c * c) * generator.normal() } })
    let rows = Matrix(
      (0..<900).map { i in (0..<d).map { j in centres[i % k, j] + (1 + 0.2 * Double(i % 3)) * generator.normal() } })
    let model = try GaussianMixture(components: k, dimension: d, covariance: kind)
    var parameters = try GaussianMixtureParameters(
      weights: Array(repeating: 1 / Double(k), count: k), means: centres, covariances: unit(kind, k, d))
    let plain = MixtureScratch(components: k, dimension: d, kind: kind, prunes: false)
    for _ in 0..<3 {
      func results(_ scratch: MixtureScratch) throws -> (responsibilities: [Double], statistics: [Double]) {
        try rows.withRows { rows in
          (
            try model.responsibilities(of: rows, parameters, scratch: scratch).elements,
            try model.statistics(of: Observations(inputs: rows), parameters: parameters, shards: 3, scratch: scratch)
          )
        }
      }
      let (pruned, whole) = (try results(model.makeScratch()), try results(plain))
      #expect(whole.responsibilities.contains(0) && whole.responsibilities.contains { $0 > 0.1 && $0 < 0.9 })
      #expect(pruned.responsibilities == whole.responsibilities)
      #expect(pruned.statistics == whole.statistics)
      parameters = try model.update(parameters, statistics: pruned.statistics).parameters
    }
  }

  @Test func floatRowsGiveWhatTheirDoublesGive() throws {
    let model = try GaussianMixture(components: 3, dimension: 3)
    let parameters = try start(.full)
    let floats = rows.elements.map(Float.init)
    let doubles = Matrix(rows: rows.rows, columns: 3, elements: floats.map(Double.init))
    let fromFloats = try floats.withUnsafeBufferPointer {
      try model.statistics(
        of: Observations(inputs: RowBlock($0.baseAddress!, count: 240, dimension: 3)), parameters: parameters)
    }
    let fromDoubles = try doubles.withRows {
      try model.statistics(of: Observations(inputs: $0), parameters: parameters)
    }
    #expect(fromFloats == fromDoubles)
  }

  @Test func anEmptyComponentKeepsItsPlaceAndLosesItsWeight() throws {
    let model = try GaussianMixture(components: 2, dimension: 1)
    let far = try GaussianMixtureParameters(
      weights: [0.5, 0.5], means: Matrix([[0], [1e6]]), covariances: .full([.identity(1), .identity(1)]))
    let fit = try Matrix([[-1], [0], [1]]).withRows {
      try model.fit(Observations(inputs: $0), from: far, stopping: Stopping(iterations: 5, tolerance: -1))
    }
    #expect(fit.parameters.weights == [1, 0])
    #expect(fit.parameters.means[1, 0] == 1e6)
    #expect(fit.objectives.allSatisfy { $0.isFinite })
  }

  @Test func samplesHaveTheMixturesMoments() throws {
    let model = try GaussianMixture(components: 2, dimension: 2)
    let parameters = try GaussianMixtureParameters(
      weights: [0.3, 0.7], means: Matrix([[0, 0], [4, -2]]),
      covariances: .full([Matrix([[1, 0.5], [0.5, 2]]), Matrix([[0.5, 0], [0, 0.1]])]))
    var generator = SplitMix64(seed: 4)
    let sample = try model.sample(40_000, parameters, using: &generator)
    let mean = sample.rows.column(0).reduce(0, +) / 40_000
    let share = Double(sample.components.filter { $0 == 0 }.count) / 40_000
    // Five standard errors: √(0.3·0.7/40000) = 0.0023, and the mixture's standard deviation 2.0/200 = 0.01.
    #expect(abs(share - 0.3) < 0.012)
    #expect(abs(mean - 2.8) < 0.05)
  }

  @Test func hostileInput() throws {
    for (components, dimension) in [(0, 2), (2, 0), (-1, 2)] {
      #expect(throws: ExactError.self) { try GaussianMixture(components: components, dimension: dimension) }
    }
    #expect(throws: ExactError.self) { try GaussianMixture(components: 1, dimension: 1, floor: .added(-1)) }
    #expect(throws: ExactError.self) { try GaussianMixture(components: 1, dimension: 1, floor: .added(.nan)) }
    let model = try GaussianMixture(components: 3, dimension: 3, floor: .added(0))
    let parameters = try start(.full)
    var spoilt = rows
    spoilt[230, 1] = .nan
    #expect {
      try spoilt.withRows { try model.statistics(of: Observations(inputs: $0), parameters: parameters, shards: 5) }
    } throws: { ($0 as? ExactError)?.code == .notFinite && ($0 as? ExactError)?.row == 230 }
    #expect {
      try Matrix([[1, 2]]).withRows { try model.statistics(of: Observations(inputs: $0), parameters: parameters) }
    } throws: { ($0 as? ExactError)?.code == .wrongShape }
    #expect {
      try Matrix(rows: 0, columns: 3).withRows { try model.fit(Observations(inputs: $0), from: parameters) }
    } throws: { ($0 as? ExactError)?.code == .tooFewRows }
    #expect {
      try Matrix([[1e200, 0, 0]]).withRows { try model.fit(Observations(inputs: $0), from: parameters) }
    } throws: { ($0 as? ExactError)?.code == .notFinite }
    #expect {
      try Matrix([[1, 2, 3], [1, 2, 3]]).withRows { try model.fit(Observations(inputs: $0), from: parameters) }
    } throws: { ($0 as? ExactError)?.code == .singular }
    #expect(throws: ExactError.self) {
      try GaussianMixtureParameters(weights: [0.5, 0.6], means: Matrix([[0], [1]]), covariances: .spherical([1, 1]))
    }
    #expect(throws: ExactError.self) {
      try GaussianMixtureParameters(weights: [1], means: Matrix([[0]]), covariances: .spherical([0]))
    }
  }
}
