import Figures
import Foundation
import Tensors
import Training

/// How the bandit's agents learn.
public struct BanditOptions: Sendable {
  public var seed: UInt64 = 0
  /// Mushrooms that an agent meets.
  public var decisions = 2000
  /// Optimiser steps after each.
  public var updates = 32
  public var batch = 64
  /// Rewards that an agent remembers.
  public var memory = 4096
  /// Units of each of two hidden layers.
  public var hidden = 100
  /// Of the network with a posterior over its weights, and of plain ones.
  public var learningRate = 3e-4
  public var plainLearningRate = 1e-3
  /// Of a reward, in units of `Bandit.unit`: below what rewards have, which is a cold posterior.
  public var noiseDeviation = 0.03
  public var priorDeviation = 0.3
  public var initialDeviation = 0.02

  public init() {}
}

/// To eat or not to eat: each mushroom may be eaten or left, and only what was eaten shows what it was (Blundell et al.
/// 2015, section 5.4, after Guez 2015). An edible one brings 5, a poisonous one 5 or −35, each with probability ½, and
/// one that is left 0.
public struct Bandit: Sendable {
  public enum Agent: Sendable, Hashable, CustomStringConvertible {
    /// Draws weights from their posterior and does what is best under that draw.
    case thompson
    /// Draws the last layer's weights from their exact posterior, the others being a plain network's.
    case neuralLinear
    /// Does what a plain network holds best, but with probability ε anything.
    case greedy(epsilon: Double)

    public var description: String {
      switch self {
      case .thompson: "Bayes by Backprop, Thompson sampling"
      case .neuralLinear: "last layer, Thompson sampling"
      case .greedy(let epsilon): epsilon == 0 ? "greedy" : String(format: "%g %% greedy", 100 * epsilon)
      }
    }
  }

  /// What an agent has missed, after each decision: rewards of who knows what is edible, less its own.
  public struct Course: Sendable {
    public let agent: Agent
    public let regret: [Double]
    /// Poisonous mushrooms eaten, and edible ones left.
    public let poisoned: Int
    public let spurned: Int

    /// The mean of an agent's courses.
    public static func mean(_ courses: [Course]) -> Course {
      func mean(_ sum: Int) -> Int { sum / courses.count }
      return Course(
        agent: courses[0].agent,
        regret: courses[0].regret.indices.map { place in
          courses.reduce(0) { $0 + $1.regret[place] } / Double(courses.count)
        }, poisoned: mean(courses.reduce(0) { $0 + $1.poisoned }), spurned: mean(courses.reduce(0) { $0 + $1.spurned }))
    }
  }

  /// What networks see of rewards, less than 10 for each.
  static let unit = 10.0
  private static let eating = 1
  /// Decisions after which the last layer's posterior is made anew from all that is remembered.
  private static let refit = 20

  private let table: MushroomTable
  private let options: BanditOptions

  public init(_ table: MushroomTable, _ options: BanditOptions) {
    (self.table, self.options) = (table, options)
  }

  /// Has an agent decide. Every agent meets the same mushrooms, and the same luck with each.
  public func run(_ agent: Agent, progress: (Int) -> Void = { _ in }) throws -> Course {
    let learner = RewardLearner(contextWidth: table.width, isBayesian: agent == .thompson, options)
    let crew = Crew(lanes: 1)
    let exchange = LocalExchange(learner, shards: 1)
    let key = RandomKey(seed: options.seed)
    // Streams beyond those that learners take.
    var mushrooms = RandomStream(key.at(tensor: 0xFFFF_FFF0))
    var luck = RandomStream(key.at(tensor: 0xFFFF_FFF1))
    var whim = RandomStream(key.at(tensor: 0xFFFF_FFF2))
    var belief = RandomStream(key.at(tensor: 0xFFFF_FFF3))
    var posteriors: [LastLayerPosterior] = []
    var (regret, sum, poisoned, spurned) = ([Double](), 0.0, 0, 0)
    for decision in 0..<options.decisions {
      let mushroom = Int(mushrooms.next(below: UInt32(table.count)))
      let isLucky = luck.nextUniform() < 0.5
      let (impulse, other) = (whim.nextUniform(), Int(whim.next(below: UInt32(RewardLearner.actions))))
      let context = table.features[mushroom * table.width..<(mushroom + 1) * table.width]
      let values: [Float]
      if agent == .neuralLinear {
        if decision % Bandit.refit == 0 { posteriors = lastLayers(learner) }
        let z = doubles(learner.features(of: context))
        values = try posteriors.indices.map { Float(try posteriors[$0].draw(z[$0], using: &belief)) }
      } else {
        values = try learner.values(of: context, decision: decision, with: crew)
      }
      var action = values[Bandit.eating] >= values[0] ? Bandit.eating : 0
      if case .greedy(let epsilon) = agent, impulse < epsilon { action = other }

      let isEdible = table.isEdible[mushroom]
      let reward = action != Bandit.eating ? 0.0 : isEdible || isLucky ? 5 : -35
      if action == Bandit.eating, !isEdible { poisoned += 1 }
      if action != Bandit.eating, isEdible { spurned += 1 }
      sum += (isEdible ? 5 : 0) - reward
      regret.append(sum)
      learner.tell(context, action: action, reward: reward / Bandit.unit)
      if agent == .neuralLinear {
        posteriors[action].observe(doubles(learner.features(of: context))[action], reward: reward / Bandit.unit)
      }

      let order = Order(learner.order, exampleCount: learner.exampleCount, seed: options.seed)
      var cursor = Order.Cursor(order, total: options.decisions * options.updates)
      for update in 0..<options.updates {
        let step = cursor.step(decision * options.updates + update)
        try learner.prepare(phase: 0, of: step, with: crew)
        let total = try exchange.sum(of: 0, in: step, crew: crew)
        guard total.metrics["nll"].isFinite else {
          throw TrainingError(
            .diverged, "the loss became infinite at decision \(decision)", advice: "try a lower --learning-rate")
        }
        _ = try learner.absorb(total, phase: 0, of: step, with: crew)
      }
      progress(decision + 1)
    }
    return Course(agent: agent, regret: regret, poisoned: poisoned, spurned: spurned)
  }

  /// The posteriors of all actions, of what is remembered as the network sees it now.
  private func lastLayers(_ learner: RewardLearner) -> [LastLayerPosterior] {
    var posteriors = Array(
      repeating: LastLayerPosterior(width: options.hidden, unit: Bandit.unit), count: RewardLearner.actions)
    guard learner.told > 0 else { return posteriors }
    let (features, actions, rewards) = learner.remembered()
    for (index, z) in doubles(features).enumerated() { posteriors[actions[index]].observe(z, reward: rewards[index]) }
    return posteriors
  }

  private func doubles(_ x: Tensor) -> [[Double]] {
    (0..<x.rows).map { row in (0..<x.columns).map { Double(x.pointer[row * x.columns + $0]) } }
  }

  /// Cumulative regret by decision (Blundell et al. 2015, figure 6).
  public static func figure(_ courses: [Course]) -> Figure {
    Figure(
      "regret", title: "Mushrooms: cumulative regret",
      .plot(
        Plot([
          Panel(
            x: Axis("mushrooms"), y: Axis("cumulative regret", lower: 0), legend: .beside,
            courses.map { course in
              .line(
                Line(
                  course.agent.description, x: course.regret.indices.map { Double($0 + 1) }, y: course.regret))
            })
        ])))
  }
}
