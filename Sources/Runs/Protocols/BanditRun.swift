import Experiments
import Foundation
import Metrics
import Recipes
import Reports

/// Agents of a bandit, side by side: all meet the same situations and luck, which a seed says.
package struct BanditRun: Sendable {
  private let task: any BanditTask
  private let options: BanditOptions
  private let seeds: Range<UInt64>
  private let agents: [Bandit.Agent]

  /// What came of it.
  package struct Outcome: Sendable {
    /// Agent by agent, a course for each seed.
    package let courses: [[Bandit.Course]]
    /// What could not be drawn, a line each.
    package let notes: [String]
    private let files: [String]
    private let mistakes: [String]

    fileprivate init(_ courses: [[Bandit.Course]], _ task: any BanditTask, _ drawn: FigureWriter.Outcome) {
      mistakes = task.mistakes
      (self.courses, notes, files) = (courses, drawn.notes, drawn.tables + drawn.pictures)
    }

    /// Of several seeds means, and of the difference from the plain greedy agent its standard error over the pairs.
    package var table: ResultsTable {
      let reference = courses.first { $0[0].agent == .greedy(epsilon: 0) }
      let rows = courses.flatMap { courses -> [ResultsTable.Row] in
        let (agent, regrets) = (courses[0].agent, courses.map { $0.regret.last! })
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        var rows: [ResultsTable.Row] = [
          .init("\(agent): regret", mean(regrets), digits: 0)
        ]
        for (place, name) in mistakes.enumerated() {
          rows.append(.init("\(agent): \(name)", mean(courses.map { Double($0.mistakes[place]) }), digits: 0))
        }
        guard courses.count > 1 else { return rows }
        rows += [
          .init("\(agent): standard error", standardError(regrets), digits: 0),
          .init("\(agent): median", quantile(ofSorted: regrets.sorted(), 0.5), digits: 0),
          .init("\(agent): greatest", regrets.max()!, digits: 0),
        ]
        guard let reference, reference[0].agent != agent else { return rows }
        let differences = zip(regrets, reference).map { $0 - $1.regret.last! }
        return rows + [
          .init("\(agent): less greedy", mean(differences), digits: 0),
          .init("\(agent): standard error of that", standardError(differences), digits: 0),
        ]
      }
      return ResultsTable(rows + files.map { .init("figure", .text($0)) })
    }
  }

  /// - Parameters:
  ///   - task: what they decide about.
  ///   - seeds: how many, from that of the options on.
  ///   - epsilons: comma-separated, of greedy agents beside those that draw from a posterior.
  /// - Throws: `RecipeError` for options that make no sense.
  package init(_ task: any BanditTask, _ options: BanditOptions, seeds: Int, epsilons: String) throws {
    guard (1...1_000_000).contains(options.decisions), (1...10_000).contains(options.updates) else {
      throw RecipeError("--decisions must be from 1 to 1000000, --updates from 1 to 10000")
    }
    guard (1...1000).contains(seeds), options.seed <= UInt64.max - 1000 else {
      throw RecipeError("--seeds is \(seeds): it must be from 1 to 1000")
    }
    let deviations = [options.noiseDeviation, options.priorDeviation]
    let rates = [options.learningRate, options.plainLearningRate]
    guard rates.allSatisfy({ $0 > 0 && $0 < 1 }), deviations.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw RecipeError("learning rates must lie between 0 and 1, and deviations above 0")
    }
    agents =
      try [.thompson, .neuralLinear]
      + epsilons.split(separator: ",").map {
        guard let epsilon = Double($0), (0...1).contains(epsilon) else {
          throw RecipeError("--epsilons \(epsilons): write numbers from 0 to 1, comma-separated")
        }
        return .greedy(epsilon: epsilon)
      }
    (self.task, self.options, self.seeds) = (task, options, options.seed..<options.seed + UInt64(seeds))
  }

  /// Has all agents learn and draws their regret.
  /// - Parameters:
  ///   - folder: gets `regret.png` and `regret.csv`.
  ///   - lanes: how many agents learn at a time.
  ///   - heard: hears now and then how many situations an agent has met.
  package func run(
    out folder: String, lanes: Int, heard: @escaping @Sendable (Bandit.Agent, Int) -> Void
  ) async throws -> Outcome {
    var courses: [Int: Bandit.Course] = [:]
    let tasks = agents.flatMap { agent in seeds.map { (agent, $0) } }
    try await withThrowingTaskGroup(of: (Int, Bandit.Course).self) { group in
      var waiting = Array(tasks.enumerated().reversed())
      func start() {
        guard let (index, (agent, seed)) = waiting.popLast() else { return }
        var options = options
        options.seed = seed
        group.addTask { [bandit = Bandit(task, options)] in
          (index, try await onThread { try bandit.run(agent) { if $0 % 500 == 0 { heard(agent, $0) } } })
        }
      }
      for _ in 0..<lanes { start() }
      for try await (index, course) in group {
        courses[index] = course
        start()
      }
    }
    let inOrder = agents.indices.map { agent in
      seeds.indices.map { courses[agent * seeds.count + Int($0 - seeds.lowerBound)]! }
    }
    return Outcome(
      inOrder, task,
      try await FigureWriter(folder: folder).write([Bandit.figure(inOrder.map(Bandit.Course.mean), of: task)]))
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
