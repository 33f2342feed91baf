import BayesianNetworks
import Datasets
import Foundation
import Learners
import Metrics
import Networks
import Tensors
import Training

/// How well captions of held-out images are foretold, and how near those that the model makes come to them.
struct CaptionEvaluation {
  let metrics: [String: Double]
  /// Captions that one lane computes at a time: a fixed number, so that results are the same on any number of lanes.
  private static let blockLength = 20

  init(_ learner: CaptionLearner, key: RandomKey, with crew: Crew) throws {
    guard let test = learner.test else {
      metrics = [:]
      return
    }
    let samples = learner.sampleCount(learner.evaluationSamples)
    let weights = try learner.weightSource.samples(samples, of: learner, key: key, with: crew)
    let pairs = test.ofExample.enumerated().flatMap { example, captions in captions.map { (example, $0) } }
    let parts = try crew.map((pairs.count + Self.blockLength - 1) / Self.blockLength) { block in
      let own = pairs[block * Self.blockLength..<min((block + 1) * Self.blockLength, pairs.count)]
      return Self.logLikelihood(of: Array(own), learner, weights, key: key)
    }
    let (nll, tokens) = parts.reduce((0.0, 0)) { ($0.0 - $1.sum, $0.1 + $1.tokens) }
    let scores = CaptionScores(try Self.items(learner, test, samples: samples, key: key, with: crew))
    metrics = [
      "cap/nll": nll / Double(tokens), "cap/perplexity": exp(nll / Double(tokens)), "cap/tokens": Double(tokens),
      "cap/BLEU1": scores.bleu[0], "cap/BLEU4": scores.bleu[3], "cap/CIDEr": scores.cider,
    ]
  }

  /// The sum over all tokens of the logarithm of the samples' mean probability.
  private static func logLikelihood(
    of pairs: [(example: Int, caption: Caption)], _ learner: CaptionLearner, _ weights: [FlatBuffer], key: RandomKey
  ) -> (sum: Double, tokens: Int) {
    let batch = CaptionBatch(pairs.map(\.caption), learner.spelling)
    let examples = batch.order.map { UInt32(pairs[$0].example) }
    let images = learner.inputs.rows(of: learner.inputs.test!, .list(examples[...]), key: key)
    let targets = batch.targets
    var chances = [Double](repeating: 0, count: targets.count)
    for (sample, weights) in weights.enumerated() {
      let logits = learner.network.logits(of: batch, images: images) { number, count in
        learner.pass(weights, sample: sample, key: key, examples: Array(examples[..<count]), number: number)
      }
      let losses = Loss.crossEntropy(logits: logits, labels: targets)
      for row in targets.indices { chances[row] += exp(-Double(losses.pointer[row])) }
    }
    let count = Double(weights.count)
    return (chances.reduce(0) { $0 + log(max($1 / count, 1e-300)) }, targets.count)
  }

  /// A caption for each image and language that people wrote in, and theirs. A word out of the vocabulary matches none.
  private static func items(
    _ learner: CaptionLearner, _ test: Captions, samples: Int, key: RandomKey, with crew: Crew
  ) throws -> [CaptionScores.Item] {
    func words(_ caption: Caption) -> [String] { caption.words.map { learner.spelling.vocabulary[Int($0)] } }
    return try learner.languages.indices.flatMap { language in
      let references = test.ofExample.map { $0.filter { $0.language == language } }
      let guesses = try learner.captions(
        of: learner.inputs.test!, language: language, samples: samples, key: key, with: crew)
      return zip(guesses, references).compactMap { guess, references in
        references.isEmpty
          ? nil
          : CaptionScores.Item(
            guess: guess.text.split(separator: " ").map(String.init), references: references.map(words))
      }
    }
  }
}
