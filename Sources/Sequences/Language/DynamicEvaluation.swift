import CKernels
import Foundation
import Recipes
import Synchronization
import Tensors
import Training

/// The perplexity of a text by weights that go on learning while they read it: each segment is scored, and then learned
/// (Mikolov et al. 2010; Krause, Kahembwe, Murray and Renals, Dynamic Evaluation of Neural Sequence Models, 2018).
///
///     w ← w − η g / (√MS + ε) + λ R (w₀ − w)
///
/// g is the gradient of the mean −log p of the segment's tokens, MS the mean of g² over segments of the training text, w₀
/// what was trained, and R = √MS / mean √MS, at most 1 / λ. As in the authors' code the mean of √MS is
/// that of the tensors' means. With `sgd` both √MS + ε and R are 1.
struct DynamicEvaluation: Sendable {
  enum Rule: String, CaseIterable { case none, sgd, rms }

  private let rule: Rule
  private let rate: Double
  private let decay: Double
  /// Tokens of a segment.
  private let segment: Int
  private static let epsilon = 2e-5
  /// Streams of the training text, read side by side for the gradient's statistics.
  private static let trainingStreams = 100

  /// Reads `dynamic` and its keys; nil: evaluations are static.
  init?(_ section: RecipeSection) throws {
    rule = try section.choice("dynamic", default: .none)
    section.passOver(["dynamic_rate", "dynamic_decay", "dynamic_segment"])
    guard rule != .none else { return nil }
    rate = try section.number("dynamic_rate", default: rule == .rms ? 5e-5 : 0.1, in: 0...1e6)
    decay = try section.number("dynamic_decay", default: rule == .rms ? 0.002 : 0, in: 0...1)
    segment = try section.integer("dynamic_segment", default: 5, in: 1...10_000)
  }

  /// Whether the training text has to be at hand.
  var needsTrainingText: Bool { rule == .rms }

  /// Mean −log p of all tokens of a text but the first, in nats. One lane computes: a segment waits for the one before.
  /// - Parameter training: the text of the training, where it is needed.
  func loss(
    of text: [UInt32], by network: LanguageNetwork, _ weights: FlatBuffer, training: [UInt32], with crew: Crew
  ) throws -> Double {
    let mean = Mutex(0.0)
    try crew.forEach(1) { _, lane in
      let rates = rates(network, weights, training: training, on: lane.tape)
      let (moved, gradient) = (FlatBuffer("moved", weights.layout), FlatBuffer("gradient", weights.layout))
      moved.copy(from: weights)
      var reader = TextReader(network, text, streams: 1, window: segment)
      var sum = 0.0
      while !reader.isAtEnd {
        sum += reader.read(moved, gradient: gradient, on: lane.tape) { 1 / Float($0) }.loss
        rates.move(moved, from: weights, along: gradient)
      }
      mean.withLock { [sum] in $0 = sum / Double(reader.count) }
    }
    return mean.withLock { $0 }
  }

  /// What a weight's gradient, and its distance from where it began, are multiplied with.
  private struct Rates {
    let steps: FlatBuffer
    let pulls: FlatBuffer

    func move(_ weights: FlatBuffer, from origin: FlatBuffer, along gradient: FlatBuffer) {
      let (w, w0, g) = (weights.float32, origin.float32, gradient.float32)
      let (step, pull) = (steps.float32, pulls.float32)
      for index in w.indices { w[index] += pull[index] * (w0[index] - w[index]) - step[index] * g[index] }
    }
  }

  private func rates(_ network: LanguageNetwork, _ weights: FlatBuffer, training: [UInt32], on tape: Tape) -> Rates {
    let layout = weights.layout
    let rates = Rates(steps: FlatBuffer("steps", layout), pulls: FlatBuffer("pulls", layout))
    guard rule == .rms else {
      rates.steps.float32.update(repeating: Float(rate))
      rates.pulls.float32.update(repeating: Float(decay))
      return rates
    }
    let roots = roots(network, weights, training: training, on: tape)
    let means = layout.slots.map { slot in
      elbo_sum(roots.float32.baseAddress! + slot.offset, slot.shape.count) / Double(slot.shape.count)
    }
    let mean = means.reduce(0, +) / Double(means.count)
    for index in 0..<layout.count {
      let root = Double(roots.float32[index])
      rates.steps.float32[index] = Float(rate / (root + DynamicEvaluation.epsilon))
      rates.pulls.float32[index] = Float(mean > 0 ? min(decay * root / mean, 1) : decay)
    }
    return rates
  }

  /// √MS of each weight.
  private func roots(
    _ network: LanguageNetwork, _ weights: FlatBuffer, training: [UInt32], on tape: Tape
  ) -> FlatBuffer {
    let (squares, gradient) = (FlatBuffer("squares", weights.layout), FlatBuffer("gradient", weights.layout))
    let streams = TextReader.streams(of: training, atMost: DynamicEvaluation.trainingStreams)
    var reader = TextReader(network, training, streams: streams, window: segment)
    var segments = 0
    let (sum, g, count) = (squares.float32.baseAddress!, gradient.float32.baseAddress!, weights.layout.count)
    while !reader.isAtEnd {
      _ = reader.read(weights, gradient: gradient, on: tape) { 1 / Float($0) }
      elbo_fma(g, g, sum, sum, count)
      segments += 1
    }
    elbo_scale(sum, 1 / Float(max(segments, 1)), sum, count)
    elbo_sqrt(sum, sum, count)
    return squares
  }
}
