import Networks
import Recipes
import Tensors
import Training

/// A posterior over the weights of a network that a training fits or samples beside the weights themselves.
///
/// The network computes its gradient at the weights of `base`. What predictions need lies in the parameters, so that it is
/// hashed, exported and sent to nodes with them; what only a further training needs is auxiliary.
protocol WeightPosterior: Sendable {
  /// Whether the posterior moves the weights by a rule of its own, in the place of `optimizer.name`.
  static var hasOwnRule: Bool { get }
  /// Whether its draws are states of a Markov chain, in order. By default they are not.
  static var isOfChains: Bool { get }
  /// Whether the network computes with the first of the parameters; if not, with weights that `prepare` writes.
  static var isAtParameters: Bool { get }
  /// The parameters: the network's weights, or their means, and then what draws are made of.
  static func parameters(over weights: Layout, _ recipe: Recipe) throws -> Layout

  /// - Parameters:
  ///   - base: the network, its weights initialized.
  ///   - parameters: of the layout that ``parameters(over:_:)`` makes; its first numbers are the weights of `base` where
  ///     `isAtParameters`, and else zeros.
  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws

  var auxiliary: [FlatBuffer] { get }
  var order: Order.Kind { get }
  /// How many numbers are learned.
  var learntCount: Int { get }
  /// Makes the weights that a step's gradient is taken at.
  func prepare(_ step: Step, with crew: Crew) throws
  /// Moves the weights and the posterior.
  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict
  /// How many draws differ; nil: all do.
  var distinctDraws: Int? { get }
  /// Writes draw t of the weights; nil: their means.
  func draw(_ number: Int?, into weights: FlatBuffer, key: RandomKey, with crew: Crew) throws
}

extension WeightPosterior {
  static var isOfChains: Bool { false }
  func prepare(_ step: Step, with crew: Crew) throws {}
}

extension Layout {
  /// Part of a slot, in places of whole buffers.
  struct Piece {
    let slot: Slot
    /// The number of the slot, which keys its noise.
    let number: UInt32
    /// The first element, counted in the slot.
    let first: Int
    let range: Range<Int>
  }

  /// The parts of slots that lie in a range, in order, the gaps between slots left out.
  func pieces(in range: Range<Int>) -> [Piece] {
    slots.enumerated().compactMap { number, slot in
      let part = slot.range.clamped(to: range)
      guard !part.isEmpty else { return nil }
      return Piece(slot: slot, number: UInt32(number), first: part.lowerBound - slot.offset, range: part)
    }
  }
}

/// The slots of a network that are not like others, by their numbers.
struct SlotKinds: Sendable {
  /// Those without a prior, running statistics among them.
  let point: Set<UInt32>
  /// Those that follow the batches' statistics: no gradient moves them.
  let running: Set<UInt32>

  init(_ base: DropoutLearner) {
    let slots = base.parameters.layout.slots
    func numbers(_ some: [Slot]) -> Set<UInt32> { Set(some.map { UInt32(slots.firstIndex(of: $0)!) }) }
    (point, running) = (numbers(base.pointSlots), numbers(base.runningStatistics.map(\.slot)))
  }
}

/// What posteriors of weights read of `objective`.
struct WeightTarget: Sendable {
  /// T of p(D | w)^(1/T) p(w).
  let temperature: Double
  /// The precision of the weights' Gaussian prior.
  let priorPrecision: Double
  /// N / T: what the mean over examples of −log p is multiplied by.
  let examples: Double

  init(_ objective: RecipeSection, examples: Int, deviation: Double) throws {
    temperature = try objective.number("temperature", default: 1, in: 1e-6...1e6)
    let deviation = try objective.number("prior_deviation", default: deviation, in: 1e-6...1e6)
    priorPrecision = 1 / (deviation * deviation)
    self.examples = Double(examples) / temperature
  }
}
