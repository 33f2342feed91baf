import Foundation
import Models
import Recipes
import Reports

/// Agents that learn which mushrooms to eat, side by side.
package struct BanditRun: Sendable {
  private let bandit: Bandit
  private let agents: [Bandit.Agent]

  /// What came of it.
  package struct Outcome: Sendable {
    package let courses: [Bandit.Course]
    /// What could not be drawn, a line each.
    package let notes: [String]
    private let files: [String]

    fileprivate init(_ courses: [Bandit.Course], _ drawn: FigureWriter.Outcome) {
      (self.courses, notes, files) = (courses, drawn.notes, drawn.tables + drawn.pictures)
    }

    package var table: ResultsTable {
      let rows = courses.flatMap { course -> [ResultsTable.Row] in
        [
          .init("\(course.agent): regret", course.regret.last!, digits: 0),
          .init("\(course.agent): poisonous eaten", .integer(course.poisoned)),
          .init("\(course.agent): edible left", .integer(course.spurned)),
        ]
      }
      return ResultsTable(rows + files.map { .init("figure", .text($0)) })
    }
  }

  /// - Parameters:
  ///   - data: the UCI mushroom table.
  ///   - epsilons: comma-separated, of greedy agents beside the one that draws from its posterior.
  /// - Throws: `RecipeError` for options that make no sense; what the table's reader throws.
  package init(data: String, _ options: BanditOptions, epsilons: String) throws {
    guard (1...1_000_000).contains(options.decisions), (1...10_000).contains(options.updates) else {
      throw RecipeError("--decisions must be from 1 to 1000000, --updates from 1 to 10000")
    }
    let deviations = [options.noiseDeviation, options.priorDeviation]
    guard options.learningRate > 0, options.learningRate < 1, deviations.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw RecipeError("--learning-rate must lie between 0 and 1, and deviations above 0")
    }
    agents =
      try [.thompson]
      + epsilons.split(separator: ",").map {
        guard let epsilon = Double($0), (0...1).contains(epsilon) else {
          throw RecipeError("--epsilons \(epsilons): write numbers from 0 to 1, comma-separated")
        }
        return .greedy(epsilon: epsilon)
      }
    bandit = Bandit(try MushroomTable(data), options)
  }

  /// Has all agents learn and draws their regret.
  /// - Parameters:
  ///   - folder: gets `regret.png` and `regret.csv`.
  ///   - lanes: how many agents learn at a time.
  ///   - heard: hears now and then how many mushrooms an agent has met.
  package func run(
    out folder: String, lanes: Int, heard: @escaping @Sendable (Bandit.Agent, Int) -> Void
  ) async throws -> Outcome {
    var courses: [Int: Bandit.Course] = [:]
    try await withThrowingTaskGroup(of: (Int, Bandit.Course).self) { group in
      var waiting = Array(agents.enumerated().reversed())
      func start() {
        guard let (index, agent) = waiting.popLast() else { return }
        group.addTask { [bandit] in
          (index, try await onThread { try bandit.run(agent) { if $0 % 500 == 0 { heard(agent, $0) } } })
        }
      }
      for _ in 0..<lanes { start() }
      for try await (index, course) in group {
        courses[index] = course
        start()
      }
    }
    let inOrder = agents.indices.map { courses[$0]! }
    return Outcome(inOrder, try await FigureWriter(folder: folder).write([Bandit.figure(inOrder)]))
  }
}

/// Computes on a thread of its own, so that other tasks go on.
private func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result(catching: work)) }
    thread.stackSize = 8 << 20
    thread.start()
  }
}
