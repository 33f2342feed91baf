import ArgumentParser
import Experiments
import Recipes
import Reports
import Runs

struct BanditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bandit", abstract: "Learn which mushrooms to eat, or a wheel: Thompson sampling beside ε-greedy.",
    discussion: """
      Each mushroom is eaten or left, and only eating shows what it was: 5 for an edible one, 5 or -35 for a poisonous
      one, 0 for leaving it. Draws from a posterior over all weights, or over those of the last layer, explore where they
      are uncertain; ε-greedy explores anywhere (Blundell et al. 2015, figure 6). The folder gets regret.png and regret.csv.

      Example:
        elbo bandit --data agaricus-lepiota.data --decisions 5000 --seeds 10 --out bandit
        elbo bandit --wheel 0.95 --decisions 20000 --updates 4 --out wheel
      """)

  @Option(help: ArgumentHelp("The UCI mushroom table, agaricus-lepiota.data.", valueName: "file"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "In place of mushrooms the wheel of Riquelme et al. (2018): points of a disc, rewards of 50 beyond this radius.",
      valueName: "radius"))
  var wheel: Double?

  @Option(help: "Mushrooms, or points, that each agent meets.")
  var decisions = 2000

  @Option(help: "Optimiser steps after each.")
  var updates = 32

  @Option(help: "The learning rate of the network with a posterior over its weights.")
  var learningRate = BanditOptions().learningRate

  @Option(help: "The learning rate of plain networks.")
  var plainLearningRate = BanditOptions().plainLearningRate

  @Option(help: ArgumentHelp("Standard deviation that rewards are taken to have, in tens.", valueName: "d"))
  var noiseDeviation = BanditOptions().noiseDeviation

  @Option(help: ArgumentHelp("Standard deviation of the weights' prior.", valueName: "d"))
  var priorDeviation = 0.3

  @Option(help: ArgumentHelp("ε of the greedy agents, comma-separated.", valueName: "e,e,…"))
  var epsilons = "0,0.01,0.05"

  @Option(parsing: .unconditional, help: "The seed of everything random.", transform: seedNumber)
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Have every agent learn with so many seeds, from that one on.", valueName: "n"))
  var seeds = 1

  @Option(help: ArgumentHelp("The folder to write.", valueName: "dir"))
  var out = "bandit"

  @OptionGroup var lanes: LaneOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  private func task() throws -> any BanditTask {
    switch (data, wheel) {
    case (let data?, nil): return try MushroomTable(data)
    case (nil, let radius?):
      guard radius > 0, radius < 1 else { throw RecipeError("--wheel is \(radius): it must lie between 0 and 1") }
      return Wheel(radius: radius)
    default: throw RecipeError("name either --data, the mushrooms, or --wheel and a radius such as 0.95")
    }
  }

  func run() async throws {
    var options = BanditOptions()
    (options.decisions, options.updates, options.learningRate) = (decisions, updates, learningRate)
    options.plainLearningRate = plainLearningRate
    (options.noiseDeviation, options.priorDeviation, options.seed) = (noiseDeviation, priorDeviation, seed)
    let bandit = try BanditRun(task(), options, seeds: seeds, epsilons: epsilons)
    let outcome = try await bandit.run(out: out, lanes: try lanes.count()) { [quiet] agent, done in
      if !quiet { StandardError.write("\(agent): \(done)\n") }
    }
    if !quiet { for note in outcome.notes { StandardError.write(note + "\n") } }
    print(json ? outcome.table.json + "\n" : outcome.table.text, terminator: "")
  }
}
