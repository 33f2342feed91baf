import Experiments
import Foundation
import LinearAlgebra
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("The mushroom bandit") struct BanditTests {
  /// One attribute decides: `a` is edible, `b` poisonous.
  private func table(_ lines: Int = 40) throws -> MushroomTable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-mushrooms-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let text = (0..<lines).map { $0 % 2 == 0 ? "e,a,\($0 % 3)" : "p,b,\($0 % 3)" }.joined(separator: "\n")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return try MushroomTable(path)
  }

  private var options: BanditOptions {
    var options = BanditOptions()
    (options.decisions, options.updates, options.hidden) = (400, 16, 20)
    return options
  }

  @Test func columnsAreOneHot() throws {
    let table = try table(4)
    #expect(table.count == 4 && table.width == 5)
    #expect(table.isEdible == [true, false, true, false])
    #expect(Array(table.features[..<5]) == [1, 0, 1, 0, 0])
    #expect(Array(table.features[5..<10]) == [0, 1, 0, 1, 0])
  }

  @Test(arguments: [Bandit.Agent.thompson, .neuralLinear, .greedy(epsilon: 0), .greedy(epsilon: 0.1)])
  func agentsLearnWhatToEat(_ agent: Bandit.Agent) throws {
    let course = try Bandit(table(), options).run(agent)
    #expect(course.regret.count == 400)
    // An agent that never eats misses 5 with every second mushroom; one that always eats misses 20 with every other. An
    // agent that never tries what looks bad may stay with the first.
    if agent != .greedy(epsilon: 0) { #expect(course.regret[399] - course.regret[199] < 0.8 * 100 * 5) }
    #expect(try Bandit(table(), options).run(agent).regret == course.regret, "a function of the seed")
  }

  /// With many draws: mean, and the variance of Student's t with 2a degrees of freedom, σ̂² zᵀΛ⁻¹z · a / (a − 1).
  @Test func lastLayersAreConjugate() throws {
    var posterior = LastLayerPosterior(width: 2, unit: 1)
    let rows = [([1.0, 0.0], 2.0), ([0.5, 1], -1), ([-1, 0.3], 0.5), ([0.2, -0.7], 1)]
    for (z, y) in rows { posterior.observe(z, reward: y) }
    var precision = Matrix(diagonal: [0.25, 0.25])
    for (z, _) in rows { precision.addOuterProduct(z) }
    let factor = try Cholesky(precision)
    let products = rows.reduce([0.0, 0]) { $0.adding($1.0, factor: $1.1) }
    let mean = factor.solve(products)
    let (a, b) = (6 + 2.0, 6 + 0.5 * (rows.reduce(0) { $0 + $1.1 * $1.1 } - dot(mean, products)))
    let z = [0.4, 0.9]
    var generator = SplitMix64(seed: 3)
    let draws = try (0..<20000).map { _ in try posterior.draw(z, using: &generator) }
    let variance = b / (a - 1) * factor.quadraticForm(z)
    #expect(abs(draws.reduce(0, +) / 20000 - dot(mean, z)) < 5 * (variance / 20000).squareRoot())
    let found = draws.reduce(0) { $0 + ($1 - dot(mean, z)) * ($1 - dot(mean, z)) } / 20000
    #expect(abs(found / variance - 1) < 0.06)
  }

  /// The regret of a step of uniform play, (1 − δ²) (50 − 54.2 / 5) + δ² (1.2 − 5.2 / 5).
  @Test(arguments: [(0.5, 29.4), (0.9, 7.57)]) func wheelsPayBeyondTheirRadius(_ radius: Double, _ expected: Double) {
    let wheel = Wheel(radius: radius)
    var (stream, luck) = (RandomStream(RandomKey(seed: 1)), RandomStream(RandomKey(seed: 2)))
    var regret = 0.0
    for _ in 0..<20000 {
      let situation = wheel.next(&stream, luck: &luck)
      regret += situation.best - situation.rewards.reduce(0, +) / 5
      let best = situation.rewards.firstIndex(of: situation.rewards.max()!)!
      #expect(situation.best == 1.2 || situation.mistakes[best] == nil)
    }
    #expect(abs(regret / 20000 / expected - 1) < 0.05)
  }

  @Test func damagedTablesAreRefused() throws {
    for text in ["", "x,a,b\n", "e,a,b\ne,a\n", "e,ab\n", "e\n"] {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("elbo-m-\(UUID().uuidString)").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: TrainingError.self) { try MushroomTable(path) }
    }
    #expect(throws: TrainingError.self) { try MushroomTable("/nonexistent") }
  }

  @Test(.enabled(if: RealData.exists("mushroom/agaricus-lepiota.data"))) func theRealTable() throws {
    let table = try MushroomTable(RealData.folder!.appendingPathComponent("mushroom/agaricus-lepiota.data").path)
    #expect(table.count == 8124 && table.width == 117)
    #expect(table.isEdible.count { $0 } == 4208)
  }
}
