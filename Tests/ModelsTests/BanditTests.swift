import Foundation
import Models
import ReferenceSupport
import Testing
import Training

@Suite("The mushroom bandit") struct BanditTests {
  /// One attribute tells: `a` is edible, `b` poisonous.
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

  @Test(arguments: [Bandit.Agent.thompson, .greedy(epsilon: 0), .greedy(epsilon: 0.1)])
  func agentsLearnWhatToEat(_ agent: Bandit.Agent) throws {
    let course = try Bandit(table(), options).run(agent)
    #expect(course.regret.count == 400)
    // Whoever never eats misses 5 with every second mushroom; whoever always eats misses 20 with every other. An agent
    // that never tries what looks bad may stay with the first.
    if agent != .greedy(epsilon: 0) { #expect(course.regret[399] - course.regret[199] < 0.8 * 100 * 5) }
    #expect(try Bandit(table(), options).run(agent).regret == course.regret, "a function of the seed")
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
