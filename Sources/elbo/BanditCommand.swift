import ArgumentParser
import Figures
import Foundation
import Models
import Recipes
import Reports
import Synchronization

struct BanditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bandit", abstract: "Learn which mushrooms to eat: Thompson sampling beside ε-greedy.",
    discussion: """
      Each mushroom is eaten or left, and only eating shows what it was: 5 for an edible one, 5 or -35 for a poisonous
      one, 0 for leaving it. Draws from a posterior over weights explore where they are uncertain; ε-greedy explores
      anywhere (Blundell et al. 2015, figure 6). The folder gets regret.png and regret.csv.

      Example:
        elbo bandit --data agaricus-lepiota.data --decisions 5000 --out bandit
      """)

  @Option(help: ArgumentHelp("The UCI mushroom table, agaricus-lepiota.data.", valueName: "file"))
  var data: String

  @Option(help: "Mushrooms that each agent meets.")
  var decisions = 2000

  @Option(help: "Optimiser steps after each.")
  var updates = 32

  @Option(help: "The optimiser's learning rate.")
  var learningRate = 1e-3

  @Option(help: ArgumentHelp("Standard deviation that rewards are taken to have, in tens.", valueName: "d"))
  var noiseDeviation = 0.1

  @Option(help: ArgumentHelp("Standard deviation of the weights' prior.", valueName: "d"))
  var priorDeviation = 0.3

  @Option(help: ArgumentHelp("ε of the greedy agents, parted by commas.", valueName: "e,e,…"))
  var epsilons = "0,0.01,0.05"

  @Option(help: "The seed of everything random.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The folder to write.", valueName: "dir"))
  var out = "bandit"

  @OptionGroup var lanes: LaneOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    var options = BanditOptions()
    guard (1...1_000_000).contains(decisions), (1...10_000).contains(updates) else {
      throw RecipeError("--decisions must be from 1 to 1000000, --updates from 1 to 10000")
    }
    guard learningRate > 0, learningRate < 1, noiseDeviation > 0, priorDeviation > 0, noiseDeviation.isFinite,
      priorDeviation.isFinite
    else {
      throw RecipeError("--learning-rate must lie between 0 and 1, and deviations above 0")
    }
    (options.decisions, options.updates, options.learningRate) = (decisions, updates, learningRate)
    (options.noiseDeviation, options.priorDeviation, options.seed) = (noiseDeviation, priorDeviation, seed)
    let agents: [Bandit.Agent] =
      try [.thompson]
      + epsilons.split(separator: ",").map {
        guard let epsilon = Double($0), (0...1).contains(epsilon) else {
          throw RecipeError("--epsilons \(epsilons): write numbers from 0 to 1, parted by commas")
        }
        return .greedy(epsilon: epsilon)
      }
    let bandit = Bandit(try MushroomTable(data), options)
    let courses = try await courses(bandit, agents, at: try lanes.count())

    let outcome = try await FigureWriter(folder: out).write([Bandit.figure(courses)])
    if !quiet { for note in outcome.notes { StandardError.write(note + "\n") } }
    var rows: [ResultsTable.Row] = []
    for course in courses {
      rows.append(.init("\(course.agent): regret", course.regret.last!, digits: 0))
      rows.append(.init("\(course.agent): poisonous eaten", .integer(course.poisoned)))
      rows.append(.init("\(course.agent): edible left", .integer(course.spurned)))
    }
    for path in outcome.tables + outcome.pictures { rows.append(.init("figure", .text(path))) }
    let table = ResultsTable(rows)
    print(json ? table.json + "\n" : table.text, terminator: "")
  }

  /// Agents learn apart from each other, each on a thread of its own.
  private func courses(_ bandit: Bandit, _ agents: [Bandit.Agent], at once: Int) async throws -> [Bandit.Course] {
    var courses: [Int: Bandit.Course] = [:]
    let quiet = quiet
    try await withThrowingTaskGroup(of: (Int, Bandit.Course).self) { group in
      var next = 0
      func start() {
        guard next < agents.count else { return }
        let (index, agent) = (next, agents[next])
        next += 1
        group.addTask {
          let course = try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
              continuation.resume(
                with: Result {
                  try bandit.run(agent) { done in
                    if !quiet, done % 500 == 0 { StandardError.write("\(agent): \(done) mushrooms\n") }
                  }
                })
            }
            thread.stackSize = 8 << 20
            thread.start()
          }
          return (index, course)
        }
      }
      for _ in 0..<once { start() }
      for try await (index, course) in group {
        courses[index] = course
        start()
      }
    }
    return agents.indices.map { courses[$0]! }
  }
}
