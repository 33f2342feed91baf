import CKernels
import Glibc
import Tensors

/// A posterior over the parameters of a network: q(w) = N(μ, σ²), σ = softplus(ρ), independent in every weight
/// (Blundell, Cornebise, Kavukcuoglu and Wierstra 2015, section 3.2).
///
/// It is made of the layout of an ordinary network, which then computes with one draw of the weights: each slot
/// `x.weight` becomes `x.weight_mu` and `x.weight_rho`. Slots that are no weights but plain parameters (a noise level)
/// stay as they are.
public struct VariationalPosterior: Sendable {
  /// A slot of the network, and where its posterior lies.
  public struct Entry: Sendable {
    public let weight: Slot
    /// μ; of a plain parameter, the parameter itself.
    public let mean: Slot
    /// ρ; none for a plain parameter.
    public let rho: Slot?
    /// Whether the slot follows the batches' statistics: no gradient moves it.
    public let isRunning: Bool
    /// The number of the slot in the network, which keys its noise.
    let number: UInt32
  }

  /// What a network computes with.
  public let weights: Layout
  /// What is learnt.
  public let parameters: Layout
  public let entries: [Entry]
  public let prior: WeightPrior

  /// - Parameters:
  ///   - weights: the network's layout.
  ///   - plain: the names of its slots that have no posterior.
  ///   - running: the names of its running statistics.
  public init(over weights: Layout, plain: Set<String> = [], running: Set<String> = [], prior: WeightPrior) {
    self.weights = weights
    self.prior = prior
    var parameters = Layout()
    entries = weights.slots.enumerated().map { number, slot in
      let isRunning = running.contains(slot.name)
      if isRunning || plain.contains(slot.name) {
        let own = parameters.add(slot.name, slot.shape)
        return Entry(weight: slot, mean: own, rho: nil, isRunning: isRunning, number: UInt32(number))
      }
      let mean = parameters.add(slot.name + "_mu", slot.shape)
      return Entry(
        weight: slot, mean: mean, rho: parameters.add(slot.name + "_rho", slot.shape), isRunning: false,
        number: UInt32(number))
    }
    self.parameters = parameters
  }

  /// Where a slot's mean lies among the parameters.
  public func mean(of slot: Slot) -> Slot { entries.first { $0.weight == slot }!.mean }

  /// How many weights have a posterior.
  public var weightCount: Int { entries.reduce(0) { $0 + ($1.rho == nil ? 0 : $1.weight.shape.count) } }

  /// Starts at a network's initial weights with one standard deviation for all.
  public func initialize(_ parameters: FlatBuffer, from weights: FlatBuffer, deviation: Double) {
    for entry in entries {
      let start = parameters.float32.baseAddress!
      (start + entry.mean.offset).update(
        from: weights.float32.baseAddress! + entry.weight.offset, count: entry.weight.shape.count)
      if let rho = entry.rho {
        (start + rho.offset).update(repeating: inverseSoftplus(deviation), count: rho.shape.count)
      }
    }
  }

  /// ρ of a weight that was pruned: σ is 0 where denormal numbers are.
  package static let removedRho: Float = -200

  // MARK: Pieces

  /// Part of a slot, in places of whole buffers.
  package struct Piece {
    package let entry: Entry
    /// The first element, counted in the slot.
    package let first: Int
    package let count: Int
    package var weight: Int { entry.weight.offset + first }
    package var mean: Int { entry.mean.offset + first }
    package var rho: Int? { entry.rho.map { $0.offset + first } }
  }

  /// The parts of slots that lie in a range of the network's buffer, in order.
  package func pieces(in range: Range<Int>) -> [Piece] {
    entries.compactMap { entry in
      let part = entry.weight.range.clamped(to: range)
      guard !part.isEmpty else { return nil }
      return Piece(entry: entry, first: part.lowerBound - entry.weight.offset, count: part.count)
    }
  }

  // MARK: Draws

  /// Draws the weights of a range and returns Σ log q(w) − log p(w) over it, in nats.
  ///
  /// The noise of a weight is a function of the key, the slot's number and the element's alone.
  /// - Parameter key: its tensor number is where this network's slots count from.
  @discardableResult
  public func draw(
    _ range: Range<Int>, of weights: FlatBuffer, from parameters: FlatBuffer, key: RandomKey,
    withDensities: Bool = true
  ) -> Double {
    let (source, target) = (parameters.float32.baseAddress!, weights.float32.baseAddress!)
    var prior = prior.kernel
    var sum = 0.0
    for piece in pieces(in: range) {
      guard let rho = piece.rho else {
        (target + piece.weight).update(from: source + piece.mean, count: piece.count)
        continue
      }
      sum += withUnsafePointer(to: &prior) { prior in
        elbo_posterior_sample(
          source + piece.mean, source + rho, key.seed, key.tensor &+ piece.entry.number, key.sample, key.step,
          UInt64(piece.first), withDensities ? prior : nil, target + piece.weight, piece.count)
      }
    }
    return sum
  }

  /// KL(q ‖ p) of a range in closed form, in nats; nil where the prior has none.
  public func divergence(_ range: Range<Int>, of parameters: FlatBuffer) -> Double? {
    guard let deviation = prior.gaussianDeviation else { return nil }
    let source = parameters.float32.baseAddress!
    return pieces(in: range).reduce(0) { sum, piece in
      guard let rho = piece.rho else { return sum }
      return sum + elbo_posterior_kl(source + piece.mean, source + rho, Float(deviation), piece.count)
    }
  }

  /// σ² of a range; 0 for plain parameters.
  public func variances(_ range: Range<Int>, into variances: FlatBuffer, from parameters: FlatBuffer) {
    let (source, target) = (parameters.float32.baseAddress!, variances.float32.baseAddress!)
    for piece in pieces(in: range) {
      if let rho = piece.rho {
        elbo_posterior_variance(source + rho, target + piece.weight, piece.count)
      } else {
        elbo_fill(0, target + piece.weight, piece.count)
      }
    }
  }

  /// μ of a range.
  public func means(_ range: Range<Int>, into weights: FlatBuffer, from parameters: FlatBuffer) {
    let (source, target) = (parameters.float32.baseAddress!, weights.float32.baseAddress!)
    for piece in pieces(in: range) { (target + piece.weight).update(from: source + piece.mean, count: piece.count) }
  }
}

/// ρ with softplus(ρ) = σ.
public func inverseSoftplus(_ deviation: Double) -> Float {
  precondition(deviation > 0, "a standard deviation is positive, not \(deviation)")
  // log(exp σ − 1), without overflow for a large σ.
  return Float(deviation > 30 ? deviation : log(expm1(deviation)))
}

extension VariationalPosterior {
  /// Σ log q(w) − log p(w) of each slot that has a posterior: in closed form, or for the draw of a key.
  public func divergences(
    of parameters: FlatBuffer, closed: Bool, key: RandomKey
  ) -> [(name: String, weights: Int, divergence: Double)] {
    let scratch = FlatBuffer("draw", weights)
    return entries.compactMap { entry in
      guard entry.rho != nil else { return nil }
      let range = entry.weight.range
      let sampled = draw(range, of: scratch, from: parameters, key: key)
      return (entry.weight.name, range.count, closed ? divergence(range, of: parameters) ?? sampled : sampled)
    }
  }
}
