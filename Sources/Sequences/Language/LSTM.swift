import BayesianNetworks
import Datasets
import Foundation
import Learners
import LinearAlgebra
import Networks
import Recipes
import Tensors
import Training

/// A recurrent language model: the probability of each token of a text given those before it (Zaremba, Sutskever and
/// Vinyals 2014).
public enum LSTM: Model {
  public static let name = "lstm"
  public static let summary = "language model of characters or words by a recurrent network (LSTM or GRU)"
  public static var recipe: [UInt8] { PackageResources.lstm_yaml }
  public static var learnsSequences: Bool { true }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try recipe.learner(LanguageModelLearner(recipe, data: data, seed: seed), posterior: false, section: "network")
  }
}

/// The same with a posterior over all weights (Fortunato, Blundell and Vinyals, Bayesian Recurrent Neural Networks, 2017).
public enum BayesianRNN: Model {
  public static let name = "bayesian-rnn"
  public static let summary = "language model whose weights have a posterior (Bayes by Backprop through time)"
  public static var recipe: [UInt8] { PackageResources.bayesian_rnn_yaml }
  public static var learnsSequences: Bool { true }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try recipe.learner(LanguageModelLearner(recipe, data: data, seed: seed), posterior: true, section: "network")
  }
}

/// Learns a text that is cut into streams, which are read side by side in windows of a fixed length: backpropagation is cut
/// off at the windows' ends (truncated BPTT), and the state is carried on.
final class LanguageModelLearner: DrawnLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let statistics: Layout
  let order: Order.Kind
  let metrics = ["nll"]
  let weightSource = WeightSource()
  let network: LanguageNetwork
  let vocabulary: [String]
  /// Monte Carlo samples of an evaluation and of predictions.
  private let evaluationSamples: Int
  /// Tokens that a sampled text has.
  let sampleLength: Int
  private let carry: Carry
  private let train: [UInt32]
  private let test: [UInt32]
  /// The text that the parameters were trained on, where it is at hand.
  private let trainingText: [UInt32]?
  private let dynamic: DynamicEvaluation?
  private let streams: Int
  private let unroll: Int
  /// Tokens that a stream foretells in an epoch.
  private let streamLength: Int

  init(_ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    guard let vocabulary = data.vocabulary, data.train.captions == nil else {
      throw TrainingError(
        .unsuitable, "\(data.name) is no text", advice: "name a text file, or set data.format=text")
    }
    self.vocabulary = vocabulary
    streams = try recipe["train"].integer("batch", default: 20, in: 1...100_000)
    unroll = try recipe["train"].integer("unroll", default: 20, in: 1...10_000)
    let count = data.train.inputs.count
    streamLength = (count - 1) / streams
    guard streamLength >= unroll else {
      throw RecipeError(
        "\(streams) streams of \(count) tokens are shorter than a window of \(unroll): lower train.batch or train.unroll"
      )
    }
    order = .streams(count: streams, steps: streamLength / unroll)
    train = data.train.inputs.tokens
    test = data.test?.inputs.tokens ?? []
    dynamic = try DynamicEvaluation(recipe["evaluate"])
    // Other data to evaluate brings a text of its own in the place of the training's.
    let isAtHand =
      dynamic?.needsTrainingText == true && !train.isEmpty
      && (data.reference.map { $0.fingerprint == data.fingerprint } ?? true)
    trainingText = isAtHand ? train : nil
    var (layout, sums) = (Layout(), Layout())
    network = try LanguageNetwork(recipe["network"], tokens: vocabulary.count, layout: &layout)
    sampleLength = try recipe["evaluate"].integer("sample_length", default: 200, in: 1...100_000)
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
    carry = Carry(streams: streams, width: network.core.stateWidth, statistics: &sums)
    statistics = sums
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    descent = try GradientDescent(recipe, parameters: layout)
  }

  var exampleCount: Int { streams }
  var carried: [FlatBuffer] { [carry.rows] }
  var pointSlots: [Slot] { network.pointSlots }
  var tables: [Slot] { network.tables }
  /// In as many streams as a step has, where the text is long enough.
  var testReader: (any WindowReader)? {
    TextReader(network, test, streams: TextReader.streams(of: test, atMost: streams), window: unroll)
  }
  /// The loss of a step is a mean over streams, and an epoch has as many steps as a stream has windows.
  var lossesPerEpoch: Int { streams * (streamLength / unroll) }

  /// The sum over a window and the mean over streams of −log p: what published learning rates and norms mean.
  func loss(_ batch: ShardBatch, metrics: inout Sums) throws -> Tensor {
    let first = batch.step.positionInEpoch * unroll
    func tokens(_ offset: Int) -> [UInt32] {
      (0..<unroll).flatMap { t in batch.indices.map { train[Int($0) * streamLength + first + t + offset] } }
    }
    let count = batch.indices.count
    let state = carry.state(of: batch, initially: network.core.initialState(count, batch.pass()))
    let (outputs, last) = network.outputs(tokens(0), streams: count, from: state) { batch.pass($0) }
    carry.hand(on: last, of: batch)
    let loss = Loss.crossEntropy(logits: network.logits(outputs, batch.pass()), labels: tokens(1)).sum()
    metrics["nll"] += Double(loss.value) / Double(unroll)
    return loss
  }

  func absorb(statistics: TotalStatistics, of step: Step) { carry.absorb(statistics) }

  // MARK: Evaluation

  var evaluationCount: Int { max(test.count - 1, 0) }

  var offers: Offers {
    var offers = Offers()
    offers.evaluation = { key, crew in try self.scores(key: key, with: crew) }
    offers.closedFormPrediction = self
    offers.export = { request, crew in [try self.computation(request, with: crew)] }
    offers.sampling = SamplingOffer(
      picture: { _, _, _ in
        throw TrainingError(.unsuitable, "an lstm makes texts, no pictures", advice: "name a .txt with --output")
      },
      texts: { count, key, crew in try self.texts(count, key: key, with: crew) })
    return offers
  }

  /// What the test text costs under the mean of the samples' probabilities; with a posterior also under its means. The
  /// entropy gap is how much less sure the means (or the parameters) are of the words of the reversed text than of the
  /// text (Fortunato et al. 2017, section 6.1.2).
  private func scores(key: RandomKey, with crew: Crew) throws -> [String: Double] {
    let nll = try score(weights(key: key, with: crew), with: crew)
    var scores = ["lm/nll": nll, "lm/perplexity": exp(nll), "lm/tokens": Double(test.count - 1)]
    let means = try weightSource.means(of: self, with: crew)
    if weightSource.isRandom { scores["lm/perplexity_of_means"] = exp(try score([means], with: crew)) }
    if let dynamic {
      guard let trainingText = dynamic.needsTrainingText ? trainingText : [] else {
        throw TrainingError(
          .noData, "evaluate.dynamic=rms needs the text that the run was trained on",
          advice: "evaluate the run on its own data, or set evaluate.dynamic=sgd")
      }
      let nll = try dynamic.loss(of: test, by: network, means, training: trainingText, with: crew)
      scores["lm/dynamic_perplexity"] = exp(nll)
    }
    let texts = [test, test.reversed()]
    let entropies = try crew.map(2) { [self] text in
      costs(of: texts[text], means).entropies.reduce(0) { $0 + Double($1) } / Double(test.count - 1)
    }
    scores["lm/entropy"] = entropies[0]
    scores["lm/entropy_gap"] = entropies[1] - entropies[0]
    return scores
  }

  /// The weights of each sample of an evaluation.
  private func weights(key: RandomKey, with crew: Crew) throws -> [FlatBuffer] {
    try weightSource.samples(weightSource.isRandom ? evaluationSamples : 1, of: self, key: key, with: crew)
  }

  /// Mean −log p of all tokens of the test text but the first, which is read in up to ten streams, in nats.
  private func score(_ weights: [FlatBuffer], with crew: Crew) throws -> Double {
    let losses = try crew.map(weights.count) { [self] in costs(of: test, weights[$0]).losses }
    return losses[0].indices.reduce(0) { $0 - logMean(losses, $1) } / Double(test.count - 1)
  }

  /// log of the mean over samples of p, from −log p of each.
  private func logMean(_ losses: [[Float]], _ index: Int) -> Double {
    let least = Double(losses.reduce(.infinity) { min($0, $1[index]) })
    return log(losses.reduce(0) { $0 + exp(least - Double($1[index])) } / Double(losses.count)) - least
  }

  /// −log p of each token but the first and the entropy of what was expected there, window by window.
  private func costs(of tokens: [UInt32], _ weights: FlatBuffer) -> (losses: [Float], entropies: [Float]) {
    var reader = TextReader(
      network, tokens, streams: TextReader.streams(of: tokens, atMost: 10), window: unroll)
    var result: (losses: [Float], entropies: [Float]) = ([], [])
    let views = ParameterViews(weights)
    while !reader.isAtEnd {
      let window = reader.read(views)
      let entropies = window.logits.entropies
      for (row, isOfText) in window.isOfText.enumerated() where isOfText {
        result.losses.append(window.losses.pointer[row])
        result.entropies.append(entropies.pointer[row])
      }
    }
    return result
  }

  // MARK: Samples

  /// The token that a text begins behind: the end of a line where there is one.
  var beginning: UInt32 {
    UInt32(vocabulary.firstIndex(of: "<eos>") ?? vocabulary.firstIndex(of: "\n") ?? 0)
  }

  /// Texts of `sampleLength` tokens, each a function of the key and its number, each with a draw of the weights of its own.
  private func texts(_ count: Int, key: RandomKey, with crew: Crew) throws -> [String] {
    let weights = try weightSource.samples(count, of: self, key: key, with: crew)
    // Texts of the same weights are computed side by side.
    let groups = weightSource.isRandom ? (0..<count).map { $0..<$0 + 1 } : [0..<count]
    let texts = try crew.map(groups.count) { [self] group in
      tokens(of: groups[group], weights[groups[group].lowerBound], key: key)
    }
    return texts.joined().map(text)
  }

  private func tokens(of texts: Range<Int>, _ weights: FlatBuffer, key: RandomKey) -> [[UInt32]] {
    var generators = texts.map { RandomStream(key.at(tensor: NoiseStream.latent).at(sample: UInt32($0))) }
    let pass = Pass(predictingWith: ParameterViews(weights))
    var state = network.core.initialState(texts.count, pass)
    var tokens = [UInt32](repeating: beginning, count: texts.count)
    var result = [[UInt32]](repeating: [], count: texts.count)
    for _ in 0..<sampleLength {
      let (output, next) = network.outputs(tokens, streams: texts.count, from: state) { _ in pass }
      state = next
      let chances = network.logits(output, pass).softmax()
      for text in result.indices {
        let row = UnsafeBufferPointer(start: chances.pointer + text * vocabulary.count, count: vocabulary.count)
        tokens[text] = UInt32(generators[text].categorical(row.map(Double.init)))
        result[text].append(tokens[text])
      }
    }
    return result
  }

  private func text(_ tokens: [UInt32]) -> String {
    let words = tokens.map { vocabulary[Int($0)] }
    guard vocabulary.contains("<eos>") else { return words.joined() }
    return words.split(separator: "<eos>", omittingEmptySubsequences: false).map { $0.joined(separator: " ") }
      .joined(separator: "\n")
  }
}

extension LanguageModelLearner: RowPredicting {
  func mismatch(_ array: ExampleArray) -> String? {
    array.elementsPerExample == 1 ? nil : "its elements have \(array.elementsPerExample) numbers, and a token is one"
  }

  func predict(_ array: ExampleArray, with crew: Crew) throws -> [RowPrediction] {
    try predict(ExampleSet(inputs: array), with: crew)
  }

  /// Of each token its log-probability given those before it in its sequence, and the entropy of what was expected there;
  /// with a posterior, under the mean of the samples' probabilities, and the part of the entropy that the parameters leave
  /// open.
  func predict(_ examples: ExampleSet, with crew: Crew) throws -> [RowPrediction] {
    let tokens = examples.inputs.tokens
    let sequences = examples.sequences ?? Sequences(whole: tokens.count)
    let weights = try weights(key: Prediction.key(seed: 0), with: crew)
    let results = try crew.map(sequences.count) { [self] sequence in
      expectations(of: Array(tokens[sequences[sequence]]), weights)
    }
    var predictions = [
      RowPrediction("log_density", results.flatMap(\.logDensities)),
      RowPrediction("entropy", results.flatMap(\.entropies)),
    ]
    if weightSource.isRandom {
      predictions.append(RowPrediction("mutual_information", results.flatMap(\.mutualInformation)))
    }
    return predictions
  }

  private struct Expectations {
    var logDensities: [Double] = []
    var entropies: [Double] = []
    var mutualInformation: [Double] = []
  }

  private func expectations(of tokens: [UInt32], _ weights: [FlatBuffer]) -> Expectations {
    let before = [beginning] + tokens.dropLast()
    let passes = weights.map { Pass(predictingWith: ParameterViews($0)) }
    var states = passes.map { network.core.initialState(1, $0) }
    var result = Expectations()
    for start in stride(from: 0, to: tokens.count, by: 100) {
      let range = start..<min(start + 100, tokens.count)
      var (losses, mean, expected): ([[Float]], Tensor?, Tensor?) = ([], nil, nil)
      for (sample, pass) in passes.enumerated() {
        let (outputs, last) = network.outputs(Array(before[range]), streams: 1, from: states[sample]) { _ in pass }
        states[sample] = last
        let logits = network.logits(outputs, pass)
        losses.append(Loss.crossEntropy(logits: logits, labels: Array(tokens[range])).values)
        let (chances, entropy) = (logits.softmax(), logits.entropies)
        (mean, expected) = (mean.map { $0 + chances } ?? chances, expected.map { $0 + entropy } ?? entropy)
      }
      let count = Float(passes.count)
      for row in 0..<range.count {
        result.logDensities.append(logMean(losses, row))
        let within = Double(expected!.pointer[row] / count)
        var entropy = within
        if passes.count > 1 {
          let chances = UnsafeBufferPointer(start: mean!.pointer + row * vocabulary.count, count: vocabulary.count)
          entropy = chances.reduce(0) { $1 > 0 ? $0 - Double($1 / count) * log(Double($1 / count)) : $0 }
        }
        result.entropies.append(entropy)
        result.mutualInformation.append(max(entropy - within, 0))
      }
    }
    return result
  }
}

extension Tensor {
  /// The entropy of each row's softmax, in nats.
  fileprivate var entropies: Tensor { -(softmax() * logSoftmax()).sumOfRows() }
}

extension ExampleArray {
  /// Numbers of tokens; nothing where only the schema is known.
  fileprivate var tokens: [UInt32] {
    guard hasNumbers else { return [] }
    return switch kind {
    case .uint8: withUnsafeBufferPointer(as: UInt8.self) { $0.map { UInt32($0) } }
    case .float32: withUnsafeBufferPointer(as: Float.self) { $0.map { UInt32($0) } }
    case .float64: withUnsafeBufferPointer(as: Double.self) { $0.map { UInt32($0) } }
    }
  }
}
