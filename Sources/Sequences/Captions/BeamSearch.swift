import Foundation
import Networks
import Recipes
import Tensors
import Training

/// The likeliest caption by a beam of candidates that grow by a word at a time. Scores of captions of different lengths
/// are compared by the mean log-probability of a token to the power of `length_penalty`: 0 compares probabilities, which
/// prefers short captions.
struct BeamSearch {
  private let width: Int
  private let lengthPenalty: Double
  private let longest: Int

  /// Reads `beam`, `length_penalty` and `longest` of the `evaluate` section.
  init(_ section: RecipeSection) throws {
    width = try section.integer("beam", default: 3, in: 1...1000)
    lengthPenalty = try section.number("length_penalty", default: 0.7, in: 0...2)
    longest = try section.integer("longest", default: 30, in: 1...1000)
  }

  /// A caption that grows. Uncertainties are sums over its tokens.
  private struct Candidate {
    var words: [UInt32] = []
    var logProbability = 0.0
    var entropy = 0.0
    var mutualInformation = 0.0

    func score(_ penalty: Double) -> Double { logProbability / pow(Double(words.count + 1), penalty) }
  }

  /// What samples say of the next token of one candidate.
  private struct Step {
    let logProbabilities: [Double]
    let entropy: Double
    let mutualInformation: Double

    /// - Parameter samples: probabilities of each sample.
    init(_ samples: [UnsafeBufferPointer<Float>]) {
      let count = Double(samples.count)
      let mean = samples[0].indices.map { token in samples.reduce(0.0) { $0 + Double($1[token]) } / count }
      func entropy(_ chances: some Sequence<Double>) -> Double { chances.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 } }
      logProbabilities = mean.map { log(max($0, 1e-300)) }
      self.entropy = entropy(mean)
      let expected = samples.reduce(0.0) { $0 + entropy($1.lazy.map { Double($0) }) } / count
      mutualInformation = max(self.entropy - expected, 0)
    }
  }

  /// - Parameters:
  ///   - image: its row, [1, …].
  ///   - weights: of each Monte Carlo sample.
  ///   - example: the image's number, which keys its noise.
  func caption(
    of image: Tensor, _ language: Int, by learner: CaptionLearner, _ weights: [FlatBuffer], example: UInt32,
    key: RandomKey
  ) -> CaptionPrediction {
    let (network, spelling) = (learner.network, learner.spelling)
    func pass(_ sample: Int, _ rows: Int) -> (Int) -> Pass {
      { number in
        learner.pass(
          weights[sample], sample: sample, key: key, examples: Array(repeating: example, count: rows), number: number)
      }
    }
    var states = weights.indices.map { network.begun(with: image, pass($0, 1)) }
    var alive = [Candidate()]
    var finished: [Candidate] = []
    for step in 0...longest where !alive.isEmpty {
      let tokens = alive.map { $0.words.last ?? spelling.beginning(language) }
      var chances: [Tensor] = []
      for sample in weights.indices {
        let (logits, next) = network.logits(after: tokens, at: step, from: states[sample], pass(sample, alive.count))
        states[sample] = next
        chances.append(logits.softmax())
      }
      let vocabulary = spelling.vocabulary.count
      var grown: [(candidate: Candidate, parent: Int)] = []
      for (row, candidate) in alive.enumerated() {
        let result = Step(
          chances.map { UnsafeBufferPointer(start: $0.pointer + row * vocabulary, count: vocabulary) })
        func followed(by token: Int) -> Candidate {
          var next = candidate
          next.logProbability += result.logProbabilities[token]
          next.entropy += result.entropy
          next.mutualInformation += result.mutualInformation
          if token != Int(spelling.end) { next.words.append(UInt32(token)) }
          return next
        }
        if step > 0 { finished.append(followed(by: Int(spelling.end))) }
        guard step < longest else { continue }
        let best = (0..<vocabulary).filter(spelling.isWord)
          .sorted { (result.logProbabilities[$0], $1) > (result.logProbabilities[$1], $0) }
        grown += best.prefix(width).map { (followed(by: $0), row) }
      }
      grown.sort { ($0.candidate.logProbability, $1.parent) > ($1.candidate.logProbability, $0.parent) }
      finished = Array(finished.sorted { $0.score(lengthPenalty) > $1.score(lengthPenalty) }.prefix(width))
      // As most implementations do, candidates that score less than those that are finished are given up.
      let least = finished.count == width ? finished.last!.score(lengthPenalty) : -.infinity
      let kept = grown.prefix(width).filter { $0.candidate.score(lengthPenalty) > least }
      alive = kept.map(\.candidate)
      let parents = kept.map { UInt32($0.parent) }
      if !alive.isEmpty { states = states.map { $0.gatheringRows(parents) } }
    }
    let best = finished.first ?? Candidate()
    let count = Double(best.words.count + 1)
    return CaptionPrediction(
      text: spelling.text(best.words), words: best.words.count, logProbability: best.logProbability,
      entropy: best.entropy / count, mutualInformation: best.mutualInformation / count, samples: weights.count)
  }
}
