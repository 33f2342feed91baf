import Figures
import Foundation
import Tensors
import Training

/// How the bandit's agents learn.
public struct BanditOptions: Sendable {
  public var seed: UInt64 = 0
  /// Situations that an agent meets.
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

/// Agents that choose among actions in situations that they are shown, and learn what the action that they chose brought.
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

  /// What an agent has missed, after each decision: expected rewards of who knows the task, less its own.
  public struct Course: Sendable {
    public let agent: Agent
    public let regret: [Double]
    /// How often it made each of the task's mistakes.
    public let mistakes: [Int]

    /// The mean of an agent's courses.
    public static func mean(_ courses: [Course]) -> Course {
      Course(
        agent: courses[0].agent,
        regret: courses[0].regret.indices.map { place in
          courses.reduce(0) { $0 + $1.regret[place] } / Double(courses.count)
        },
        mistakes: courses[0].mistakes.indices.map { place in
          courses.reduce(0) { $0 + $1.mistakes[place] } / courses.count
        })
    }
  }

  /// What networks see of rewards, less than 10 for each.
  static let unit = 10.0
  /// Decisions after which the last layer's posterior is made anew from all that is remembered.
  private static let refit = 20

  private let task: any BanditTask
  private let options: BanditOptions

  public init(_ task: any BanditTask, _ options: BanditOptions) {
    (self.task, self.options) = (task, options)
  }

  /// Has an agent decide. Every agent meets the same situations, and the same luck with each.
  public func run(_ agent: Agent, progress: (Int) -> Void = { _ in }) throws -> Course {
    let learner = RewardLearner(task, isBayesian: agent == .thompson, options)
    let crew = Crew(lanes: 1)
    let exchange = LocalExchange(learner, shards: 1)
    let key = RandomKey(seed: options.seed)
    // Streams beyond those that learners take.
    var stream = RandomStream(key.at(tensor: 0xFFFF_FFF0))
    var luck = RandomStream(key.at(tensor: 0xFFFF_FFF1))
    var whim = RandomStream(key.at(tensor: 0xFFFF_FFF2))
    var belief = RandomStream(key.at(tensor: 0xFFFF_FFF3))
    var posteriors: [LastLayerPosterior] = []
    var (regret, sum) = ([Double](), 0.0)
    var mistakes = Array(repeating: 0, count: task.mistakes.count)
    for decision in 0..<options.decisions {
      let situation = task.next(&stream, luck: &luck)
      let context = situation.context
      let (impulse, other) = (whim.nextUniform(), Int(whim.next(below: UInt32(task.actions))))
      let values: [Float]
      if agent == .neuralLinear {
        if decision % Bandit.refit == 0 { posteriors = lastLayers(learner) }
        let z = doubles(learner.features(of: context))
        values = try posteriors.indices.map { Float(try posteriors[$0].draw(z[$0], using: &belief)) }
      } else {
        values = try learner.values(of: context, decision: decision, with: crew)
      }
      // Of equals the last: to eat.
      var action = values.indices.reduce(0) { values[$1] >= values[$0] ? $1 : $0 }
      if case .greedy(let epsilon) = agent, impulse < epsilon { action = other }

      let reward = situation.rewards[action]
      if let mistake = situation.mistakes[action] { mistakes[mistake] += 1 }
      sum += situation.best - reward
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
    return Course(agent: agent, regret: regret, mistakes: mistakes)
  }

  /// The posteriors of all actions, of what is remembered as the network sees it now.
  private func lastLayers(_ learner: RewardLearner) -> [LastLayerPosterior] {
    var posteriors = Array(
      repeating: LastLayerPosterior(width: options.hidden, unit: Bandit.unit), count: task.actions)
    guard learner.told > 0 else { return posteriors }
    let (features, actions, rewards) = learner.remembered()
    for (index, z) in doubles(features).enumerated() { posteriors[actions[index]].observe(z, reward: rewards[index]) }
    return posteriors
  }

  private func doubles(_ x: Tensor) -> [[Double]] {
    (0..<x.rows).map { row in (0..<x.columns).map { Double(x.pointer[row * x.columns + $0]) } }
  }

  /// Cumulative regret by decision (Blundell et al. 2015, figure 6).
  public static func figure(_ courses: [Course], of task: any BanditTask) -> Figure {
    Figure(
      "regret", title: "\(task.title): cumulative regret",
      .plot(
        Plot([
          Panel(
            x: Axis(task.situations), y: Axis("cumulative regret", lower: 0), legend: .beside,
            courses.map { course in
              .line(
                Line(
                  course.agent.description, x: course.regret.indices.map { Double($0 + 1) }, y: course.regret))
            })
        ])))
  }
}
