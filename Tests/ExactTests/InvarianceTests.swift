import Components
import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import Processes
import ReferenceSupport
import Regression
import Statistics
import Testing

/// Other units and another origin change the units of an answer and nothing else, as far as a model says so itself. A prior
/// over weights in given units, or over an intercept, is about these units; then what is changed with it says so.
@Suite struct InvarianceTests {
  private func check<E: MomentEstimator>(
    _ seed: Int, _ estimator: E, _ a: (Matrix, [Double], Matrix), _ other: E, _ b: (Matrix, [Double], Matrix),
    factor: Double, shift: Double, tolerance: Double = 1e-5,
    _ predict: (E.Estimate, [Double]) -> RegressionPrediction
  ) throws {
    let one = try observing(a.0, a.1) { try estimator.fit($0).estimate! }
    let two = try observing(b.0, b.1) { try other.fit($0).estimate! }
    let found = disagreement(
      (0..<a.2.rows).map { predict(one, a.2.row($0)) }, (0..<b.2.rows).map { predict(two, b.2.row($0)) },
      factor: factor, shift: shift)
    #expect(found < tolerance, "problem \(seed): \(found)")
  }

  /// Each column and the target in other units and places.
  @Test func leastSquares() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let estimator = LinearRegression(try Features(.identity, inputs: p.dimension))
      try check(
        seed, estimator, (p.rows, p.targets, p.points), estimator, (p.moved(p.rows), p.movedTargets, p.moved(p.points)),
        factor: p.targetFactor, shift: p.targetShift
      ) { RegressionPrediction(mean: $0.predict($1), noiseVariance: $0.noiseVariance, modelVariance: 0) }
    }
  }

  /// A prior over all weights, the intercept's included: the target's factor. Without an intercept: one of all columns too.
  @Test(arguments: [EvidenceMaximization.Method.search, .effectiveParameters, .expectationMaximization])
  func bayesianRegression(method: EvidenceMaximization.Method) throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      for intercept in [true, false] {
        var estimator = EvidenceMaximization(try Features(.identity, inputs: p.dimension, intercept: intercept))
        (estimator.method, estimator.tolerance) = (method, 0)
        let change = intercept ? { $0 } : p.scaledTogether
        try check(
          seed, estimator, (p.rows, p.targets, p.points), estimator,
          (change(p.rows), p.scaledTargets, change(p.points)),
          factor: p.targetFactor, shift: 0, tolerance: method == .search ? 1e-5 : 2e-3
        ) { $0.predict($1) }
      }
    }
  }

  /// A prior over the weights alone: one factor of all columns, their places, the target's factor and place.
  @Test("Ridge predictions follow a common change of the columns and any change of the target") func ridge() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      var estimator = EvidenceMaximization(try Features(.identity, inputs: p.dimension))
      estimator.penalizesIntercept = false
      estimator.weightHyperprior = GammaHyperprior(shape: 1e-3, rate: 1e-3)
      estimator.noiseHyperprior = GammaHyperprior(shape: 1e-3, rate: 1e-3)
      estimator.hyperpriorsAreRelative = true
      try check(
        seed, estimator, (p.rows, p.targets, p.points), estimator,
        (p.movedTogether(p.rows), p.movedTargets, p.movedTogether(p.points)),
        factor: p.targetFactor, shift: p.targetShift
      ) { $0.predict($1) }
    }
  }

  /// A prior for each weight: each column and the target in other units and places.
  @Test("Relevance regression predictions follow the units and origins of each column and of the target")
  func relevance() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let estimator = RelevanceRegression(try Features(.identity, inputs: p.dimension))
      try check(
        seed, estimator, (p.rows, p.targets, p.points), estimator, (p.moved(p.rows), p.movedTargets, p.moved(p.points)),
        factor: p.targetFactor, shift: p.targetShift
      ) { $0.predict($1) }
    }
  }

  /// With precisions that are given in the new units.
  @Test func conjugateRegression() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let features = try Features(.identity, inputs: p.dimension, intercept: false)
      let (c, s) = (p.targetFactor, p.factors[0])
      try check(
        seed, ConjugateRegression(features, weightPrecision: 0.5, noisePrecision: 4), (p.rows, p.targets, p.points),
        ConjugateRegression(features, weightPrecision: 0.5 * s * s / c / c, noisePrecision: 4 / c / c),
        (p.scaledTogether(p.rows), p.scaledTargets, p.scaledTogether(p.points)), factor: c, shift: 0
      ) { $0.predict($1) }
    }
  }

  /// With a precision in the new units, and with the classes' names exchanged.
  @Test func logisticRegression() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let features = try Features(.identity, inputs: p.dimension, intercept: false)
      let s = p.factors[0]
      let stopping = Stopping(iterations: 500, tolerance: 0)
      func laplace(_ x: Matrix, _ t: [Double], _ points: Matrix, _ precision: Double) throws -> [Double] {
        let model = try LaplaceLogisticRegression(features, weightPrecision: precision)
        let fit = try observing(x, t) { try model.fit($0, from: model.start, stopping: stopping) }
        return (0..<points.rows).map { fit.parameters.posterior!.probability(points.row($0)) }
      }
      func bound(_ x: Matrix, _ t: [Double], _ points: Matrix, _ precision: Double) throws -> [Double] {
        let model = try VariationalLogisticRegression(features, weightPrecision: precision)
        let fit = try observing(x, t) { try model.fit($0, from: model.start, stopping: stopping) }
        return (0..<points.rows).map { fit.parameters.probability(points.row($0)) }
      }
      func softmax(_ x: Matrix, _ t: [Double], _ points: Matrix, _ precision: Double) throws -> [Double] {
        let model = try SoftmaxRegression(features, classes: 2, weightPrecision: precision)
        let fit = try observing(x, t) { try model.fit($0, from: model.start, stopping: stopping) }
        return (0..<points.rows).map { fit.parameters.posterior!.probabilities(points.row($0))[1] }
      }
      for fit in [laplace, bound, softmax] {
        let one = try fit(p.rows, p.classes, p.points, 1)
        let two = try fit(p.scaledTogether(p.rows), p.classes, p.scaledTogether(p.points), s * s)
        let exchanged = try fit(p.rows, p.classes.map { 1 - $0 }, p.points, 1)
        #expect(zip(one, two).allSatisfy { abs($0 - $1) < 1e-5 }, "problem \(seed): \(one), \(two)")
        #expect(zip(one, exchanged).allSatisfy { abs($0 + $1 - 1) < 1e-5 }, "problem \(seed): \(one), \(exchanged)")
      }
    }
  }

  /// With kernel and noise in the new units; inputs and target may move.
  @Test func gaussianProcess() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let c = p.targetFactor
      let own = Kernel.rbf(variance: 2, lengthScales: (0..<p.dimension).map { 1 + Double($0) })
      let other = Kernel.rbf(
        variance: 2 * c * c, lengthScales: (0..<p.dimension).map { (1 + Double($0)) * p.factors[$0] })
      let one = try GaussianProcess(own, noiseVariance: 0.1, inputs: p.rows, targets: p.targets)
      let two = try GaussianProcess(
        other, noiseVariance: 0.1 * c * c, mean: p.targetShift, inputs: p.moved(p.rows), targets: p.movedTargets)
      let found = disagreement(
        try one.predict(p.points), try two.predict(p.moved(p.points)), factor: c, shift: p.targetShift)
      #expect(found < 1e-6, "problem \(seed): \(found)")
      let evidence = two.logMarginalLikelihood + Double(p.targets.count) * log(c)
      #expect(abs(one.logMarginalLikelihood - evidence) < 1e-5 * Double(p.targets.count), "problem \(seed)")

      func sparse(_ kernel: Kernel, _ c: Double, _ mean: Double, _ x: Matrix, _ t: [Double]) throws -> SparsePosterior {
        let model = try SparseGaussianProcess(
          kernel, noiseVariance: 0.1 * c * c, inducing: Matrix((0..<4).map { x.row(2 * $0) }), mean: mean,
          iterations: 0, units: ProcessUnits(inputs: x, targets: t, mean: mean))
        return try observing(x, t) {
          try model.fit($0, from: model.start, stopping: Stopping(iterations: 4)).parameters.posterior!
        }
      }
      let a = try sparse(own, 1, 0, p.rows, p.targets)
      let b = try sparse(other, c, p.targetShift, p.moved(p.rows), p.movedTargets)
      let apart = disagreement(
        try a.predict(p.points), try b.predict(p.moved(p.points)), factor: c, shift: p.targetShift)
      #expect(apart < 1e-4, "problem \(seed): \(apart)")
    }
  }

  /// What is searched for, within bounds that go with the units: the same process, whatever it begins with.
  @Test func gaussianProcessSearch() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let (c, factors) = (p.targetFactor, p.factors)
      func kernel(_ c: Double, _ factors: [Double]) -> Kernel {
        .rbf(variance: 2 * c * c, lengthScales: factors) + .constant(variance: c * c)
      }
      func found(_ kernel: Kernel, _ c: Double, _ mean: Double, _ x: Matrix, _ t: [Double]) throws -> GaussianProcess {
        try GaussianProcess(kernel, noiseVariance: 0.1 * c * c, mean: mean, inputs: x, targets: t)
          .optimized(targets: t, iterations: 15)
      }
      let one = try found(kernel(1, factors.map { _ in 1 }), 1, 0, p.rows, p.targets)
      let two = try found(kernel(c, factors), c, p.targetShift, p.moved(p.rows), p.movedTargets)
      let evidence = two.logMarginalLikelihood + Double(p.targets.count) * log(c)
      let apart = abs(one.logMarginalLikelihood - evidence) / Double(p.targets.count)
      #expect(apart < 1e-3, "problem \(seed): \(one.logMarginalLikelihood), \(evidence)")
    }
  }

  /// One factor of all columns, and their places; the same start in the new units.
  @Test func kMeans() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let model = try KMeans(clusters: 3, dimension: p.dimension)
      func labels(_ rows: Matrix) throws -> [Int] {
        try rows.withRows { block in
          let fit = try model.fit(
            Observations(inputs: block), from: Matrix((0..<3).map(rows.row)),
            stopping: Stopping(iterations: 100, tolerance: 0))
          return try model.labels(of: block, fit.parameters)
        }
      }
      #expect(try labels(p.rows) == labels(p.movedTogether(p.rows)), "problem \(seed)")
    }
  }

  /// Each column in other units and places; spherical covariances: one factor of all columns.
  @Test(arguments: CovarianceKind.allCases)
  func gaussianMixture(kind: CovarianceKind) throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let change = kind == .spherical ? p.movedTogether : p.moved
      for floor in [CovarianceFloor.clipped(1e-6), .added(1e-6)] {
        let model = try GaussianMixture(
          components: 2, dimension: p.dimension, covariance: kind, floor: floor, floorIsRelative: true)
        let labels = (0..<p.rows.rows).map { $0 % 2 }
        func densities(_ rows: Matrix) throws -> [Double] {
          var assigned = Matrix(rows: rows.rows, columns: 2)
          for (row, label) in labels.enumerated() { assigned[row, label] = 1 }
          return try rows.withRows { block in
            let start = try model.start(
              from: block, responsibilities: assigned, centres: Matrix([rows.row(0), rows.row(1)]))
            let fit = try model.fit(
              Observations(inputs: block), from: start, stopping: Stopping(iterations: 20, tolerance: -1))
            return try model.logDensities(of: block, fit.parameters)
          }
        }
        let logFactor = (0..<p.dimension).reduce(0) { $0 + log(kind == .spherical ? p.factors[0] : p.factors[$1]) }
        let (one, two) = (try densities(p.rows), try densities(change(p.rows)))
        let difference = zip(one, two).reduce(0) { max($0, abs($1.0 - $1.1 - logFactor)) }
        #expect(difference < 1e-4, "problem \(seed), \(floor): \(difference)")
      }
    }
  }

  /// With the prior that is as wide as the data: each column in other units and places.
  @Test func variationalMixture() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      func densities(_ rows: Matrix) throws -> [Double] {
        var assigned = Matrix(rows: rows.rows, columns: 3)
        for row in 0..<rows.rows { assigned[row, row % 3] = 1 }
        return try rows.withRows { block in
          let model = try VariationalMixture(
            components: 3, weights: .dirichlet(0.1), prior: GaussianWishart(asWideAs: block))
          let start = try model.start(
            from: block, responsibilities: assigned, centres: Matrix((0..<3).map(rows.row)))
          let fit = try model.fit(
            Observations(inputs: block), from: start, stopping: Stopping(iterations: 20, tolerance: -1))
          return model.logPredictives(of: block, fit.parameters)
        }
      }
      let logFactor = p.factors.reduce(0) { $0 + log($1) }
      let difference = zip(try densities(p.rows), try densities(p.moved(p.rows)))
        .reduce(0) { max($0, abs($1.0 - $1.1 - logFactor)) }
      #expect(difference < 1e-4, "problem \(seed): \(difference)")
    }
  }

  /// One factor of all columns, and their places.
  @Test func principalComponents() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      guard p.dimension >= 2 else { continue }
      let s = p.factors[0]
      let model = try PrincipalComponents(components: 1, dimension: p.dimension)
      let density = try ClosedFormProbabilisticPCA(latentDimension: 1, dimension: p.dimension)
      func fit(_ rows: Matrix) throws -> (ratios: [Double], deviation: Double, logLikelihood: Double) {
        try rows.withRows { block in
          let data = Observations(inputs: block)
          let found = try model.fit(data, from: model.start(pivot: rows.row(0))).parameters
          let probabilistic = try density.fit(data, from: .init(pivot: rows.row(0)))
          return (found.varianceRatios, found.variances[0].squareRoot(), probabilistic.objectives.last!)
        }
      }
      let (one, two) = (try fit(p.rows), try fit(p.movedTogether(p.rows)))
      #expect(relativeDifference(one.ratios, two.ratios) < 1e-8, "problem \(seed)")
      #expect(abs(two.deviation / one.deviation / s - 1) < 1e-8, "problem \(seed)")
      let shift = Double(p.rows.rows * p.dimension) * log(s)
      #expect(abs(one.logLikelihood - two.logLikelihood - shift) < 1e-4, "problem \(seed)")
    }
  }

  /// By EM, with and without missing values, from a start in the new units: one factor of all columns, and their places.
  @Test(arguments: [true, false], [nil, 1e6, 3]) func probabilisticComponents(missing: Bool, limit: Double?) throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      guard p.dimension >= 2 else { continue }
      let model = try ProbabilisticPCA(
        latentDimension: 1, dimension: p.dimension, allowsMissing: missing,
        relevance: limit.map { .init(limit: $0) }, limitsAreRelative: true)
      func objectives(_ whole: Matrix) throws -> [Double] {
        var rows = whole
        if missing { for row in stride(from: 0, to: rows.rows, by: 4) { rows[row, row / 4 % p.dimension] = .nan } }
        var generator = SplitMix64(seed: UInt64(seed))
        return try rows.withRows { block in
          try model.fit(
            Observations(inputs: block), from: model.start(from: block, using: &generator),
            stopping: Stopping(iterations: 15, tolerance: -1)
          ).objectives
        }
      }
      let values = p.rows.rows * p.dimension - (missing ? (p.rows.rows + 3) / 4 : 0)
      // The prior is a density over a loading of each column.
      let shift = Double(values + (limit == nil ? 0 : p.dimension)) * log(p.factors[0])
      for (one, two) in zip(try objectives(p.rows), try objectives(p.movedTogether(p.rows))) {
        #expect(abs(one - two - shift) < 1e-4, "problem \(seed): \(one), \(two + shift)")
      }
    }
  }

  /// With a prior in the new units and place.
  @Test func conjugateFamilies() throws {
    for seed in 0..<propertyProblems {
      let p = UnitsProblem(seed: seed)
      let (c, b) = (p.targetFactor, p.targetShift)
      let one = try GaussianGamma(mean: 0, meanPrecision: 0.5, shape: 2, rate: 3)
      let two = try GaussianGamma(mean: b, meanPrecision: 0.5, shape: 2, rate: 3 * c * c)
      let evidence = try one.logEvidence(GaussianMoments(of: p.targets.map { [$0] }))
      let moved = try two.logEvidence(GaussianMoments(of: p.movedTargets.map { [$0] }))
      let count = Double(p.targets.count)
      #expect(abs(evidence - moved - count * log(c)) < 1e-6 * count, "problem \(seed)")

      let d = p.dimension
      let own = try GaussianWishart(
        mean: [Double](repeating: 0, count: d), meanPrecision: 1, degrees: Double(d) + 1, inverseScale: .identity(d))
      let other = try GaussianWishart(
        mean: p.shifts, meanPrecision: 1, degrees: Double(d) + 1,
        inverseScale: Matrix(diagonal: p.factors.map { $0 * $0 }))
      let moments = try GaussianMoments(of: (0..<p.rows.rows).map(p.rows.row))
      let moving = p.moved(p.rows)
      let movedMoments = try GaussianMoments(of: (0..<moving.rows).map(moving.row))
      let logFactor = count * p.factors.reduce(0) { $0 + log($1) }
      #expect(
        abs(try own.logEvidence(moments) - other.logEvidence(movedMoments) - logFactor) < 1e-6 * count,
        "problem \(seed)")
    }
  }
}
