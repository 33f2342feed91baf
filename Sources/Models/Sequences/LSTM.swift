import Datasets
import Foundation
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
    guard let vocabulary = data.vocabulary else {
      throw TrainingError(
        .unsuitable, "\(data.name) is no text", advice: "name a text file, or set data.format=text")
    }
    return try LanguageModelLearner(recipe, data: data, vocabulary: vocabulary, seed: seed)
  }
}

/// Learns a text that is cut into streams, which are read side by side in windows of a fixed length: backpropagation is cut
/// off at the windows' ends (truncated BPTT), and the state is carried on.
final class LanguageModelLearner: GradientLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let statistics: Layout
  let order: Order.Kind
  let metrics = ["nll"]
  let network: LanguageNetwork
  let vocabulary: [String]
  /// Tokens that a sampled text has.
  let sampleLength: Int
  private let carry: Carry
  private let train: [UInt32]
  private let test: [UInt32]
  private let streams: Int
  private let unroll: Int
  /// Tokens that a stream foretells in an epoch.
  private let streamLength: Int

  init(_ recipe: Recipe, data: Dataset, vocabulary: [String], seed: UInt64) throws {
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
    var (layout, sums) = (Layout(), Layout())
    network = try LanguageNetwork(recipe["network"], tokens: vocabulary.count, layout: &layout)
    sampleLength = try recipe["evaluate"].integer("sample_length", default: 200, in: 1...100_000)
    carry = Carry(streams: streams, width: network.core.stateWidth, statistics: &sums)
    statistics = sums
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    descent = try GradientDescent(recipe, parameters: layout)
  }

  var exampleCount: Int { streams }
  var auxiliary: [FlatBuffer] { descent.moments + [carry.rows] }

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
    offers.evaluation = { _, crew in
      let score = try self.score(self.test, with: crew)
      return ["lm/nll": score, "lm/perplexity": exp(score), "lm/tokens": Double(self.test.count - 1)]
    }
    offers.closedFormPrediction = self
    offers.sampling = SamplingOffer(
      picture: { _, _, _ in
        throw TrainingError(.unsuitable, "an lstm makes texts, no pictures", advice: "name a .txt with --output")
      },
      texts: { count, key, crew in try self.texts(count, key: key, with: crew) })
    return offers
  }

  /// Mean −log p of all tokens but the first of a text, which is read in up to ten streams, in nats.
  private func score(_ tokens: [UInt32], with crew: Crew) throws -> Double {
    let count = tokens.count - 1
    let streams = max(min(10, count / 100), 1)
    let length = (count + streams - 1) / streams
    let sum = Box(0.0)
    try crew.forEach(1) { [self] _, _ in
      let pass = Pass(predictingWith: ParameterViews(parameters))
      var state = network.core.initialState(streams, pass)
      for start in stride(from: 0, to: length, by: unroll) {
        let steps = min(unroll, length - start)
        // Streams may end before others do: what follows them stands for nothing.
        func places(_ offset: Int) -> [Int] {
          (start..<start + steps).flatMap { t in (0..<streams).map { $0 * length + t + offset } }
        }
        let targets = places(1)
        let (outputs, last) = network.outputs(
          places(0).map { tokens[min($0, count)] }, streams: streams, from: state
        ) { _ in pass }
        state = last
        let losses = Loss.crossEntropy(
          logits: network.logits(outputs, pass), labels: targets.map { tokens[min($0, count)] })
        for (row, target) in targets.enumerated() where target <= count { sum.value += Double(losses.pointer[row]) }
      }
    }
    return sum.value / Double(count)
  }

  // MARK: Samples

  /// The token that a text begins behind: the end of a line where there is one.
  var beginning: UInt32 {
    UInt32(vocabulary.firstIndex(of: "<eos>") ?? vocabulary.firstIndex(of: "\n") ?? 0)
  }

  /// Texts of `sampleLength` tokens, each a function of the key and its number.
  private func texts(_ count: Int, key: RandomKey, with crew: Crew) throws -> [String] {
    let texts = Box([[UInt32]](repeating: [], count: count))
    try crew.forEach(1) { [self] _, _ in
      var generators = (0..<count).map {
        RandomStream(key.at(tensor: NoiseStream.latent).at(sample: UInt32($0)))
      }
      let pass = Pass(predictingWith: ParameterViews(parameters))
      var state = network.core.initialState(count, pass)
      var tokens = [UInt32](repeating: beginning, count: count)
      for _ in 0..<sampleLength {
        let (output, next) = network.outputs(tokens, streams: count, from: state) { _ in pass }
        state = next
        let chances = network.logits(output, pass).softmax()
        for text in 0..<count {
          let row = UnsafeBufferPointer(start: chances.pointer + text * vocabulary.count, count: vocabulary.count)
          tokens[text] = UInt32(generators[text].categorical(row.map(Double.init)))
          texts.value[text].append(tokens[text])
        }
      }
    }
    return texts.value.map(text)
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

  /// Of each token its log-probability given those before it in its sequence, and the entropy of what was expected there.
  func predict(_ examples: ExampleSet, with crew: Crew) throws -> [RowPrediction] {
    let tokens = examples.inputs.tokens
    let sequences = examples.sequences ?? Sequences(whole: tokens.count)
    let results = Box([(logDensities: [Double], entropies: [Double])](repeating: ([], []), count: sequences.count))
    try crew.forEach(1) { [self] _, _ in
      let pass = Pass(predictingWith: ParameterViews(parameters))
      for sequence in 0..<sequences.count {
        let own = Array(tokens[sequences[sequence]])
        let before = [beginning] + own.dropLast()
        var state = network.core.initialState(1, pass)
        for start in stride(from: 0, to: own.count, by: 100) {
          let range = start..<min(start + 100, own.count)
          let (outputs, last) = network.outputs(Array(before[range]), streams: 1, from: state) { _ in pass }
          state = last
          let logits = network.logits(outputs, pass)
          let losses = Loss.crossEntropy(logits: logits, labels: Array(own[range]))
          let entropies = -(logits.softmax() * logits.logSoftmax()).sumOfRows()
          for row in 0..<range.count {
            results.value[sequence].logDensities.append(-Double(losses.pointer[row]))
            results.value[sequence].entropies.append(Double(entropies.pointer[row]))
          }
        }
      }
    }
    return [
      RowPrediction("log_density", results.value.flatMap(\.logDensities)),
      RowPrediction("entropy", results.value.flatMap(\.entropies)),
    ]
  }
}

/// A result that one lane writes and who waits for it reads.
private final class Box<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
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
