import Datasets
import Networks
import Recipes
import Tensors

/// A convolutional encoder of images and a recurrent network of words, which sees the image once, before the first word
/// (Vinyals, Toshev, Bengio and Erhan, Show and Tell, 2015, section 3).
struct CaptionNetwork {
  let encoder: LayerStack
  let language: LanguageNetwork
  private static let stepOfWords = 2

  /// - Parameter recipe: `network` describes the encoder, `decoder` the recurrent network.
  init(_ recipe: Recipe, input: [Int], tokens: Int, layout: inout Layout) throws {
    // Keys of the recipe's architecture, so that another can be named without taking them out.
    recipe["network"].passOver(["filters", "kernel", "levels", "batch_norm"])
    let units = try recipe["decoder"].integer("units", default: 200, in: 1...100_000)
    encoder = try NetworkRecipe(recipe["network"], input: input, default: [])
      .network(name: "encoder", outputs: units, layout: &layout)
    language = try LanguageNetwork(recipe["decoder"], tokens: tokens, layout: &layout)
  }

  var drawsNoise: Bool { encoder.drawsNoise || language.drawsNoise }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    encoder.initialize(parameters, seed: seed)
    language.initialize(parameters, seed: seed)
  }

  /// The state of images before their first token.
  ///
  /// - Parameter pass: passes of different numbers have different noise.
  func begun(with images: Tensor, _ pass: (_ number: Int) -> Pass) -> Tensor {
    language.begun(with: encoder(images, pass(0)), pass(1))
  }

  /// Logits of the tokens after some, [n, tokens], and the state behind these.
  func logits(
    after tokens: [UInt32], at step: Int, from state: Tensor, _ pass: (_ number: Int) -> Pass
  ) -> (logits: Tensor, state: Tensor) {
    let pass = pass(CaptionNetwork.stepOfWords + language.noise(of: step))
    let (output, next) = language.step(tokens, from: state, pass)
    return (language.logits(output, pass), next)
  }

  /// Logits of every token of some captions of images, in the order of ``CaptionBatch/targets``.
  ///
  /// - Parameters:
  ///   - images: a row for each of the batch's captions, in its order.
  ///   - pass: a pass of a number for the first captions of the batch, as many as are given.
  func logits(
    of batch: CaptionBatch, images: Tensor, _ pass: (_ number: Int, _ count: Int) -> Pass
  ) -> Tensor {
    var state = begun(with: images) { pass($0, batch.count) }
    var outputs: [Tensor] = []
    for step in 0..<batch.steps {
      let count = batch.count(at: step)
      if count < state.rows { state = state.rows(0..<count) }
      let (output, next) = language.step(
        batch.inputs(at: step), from: state, pass(CaptionNetwork.stepOfWords + language.noise(of: step), count))
      outputs.append(output)
      state = next
    }
    return language.logits(outputs.joinedRows, pass(1, batch.count))
  }
}

/// Captions by falling length, so that those that still have a token at some step are the first.
struct CaptionBatch {
  /// Where each stood in the list that the batch was made of.
  let order: [Int]
  private let captions: [Caption]
  private let spelling: CaptionSpelling

  init(_ captions: [Caption], _ spelling: CaptionSpelling) {
    order = captions.indices.sorted { a, b in
      captions[a].words.count == captions[b].words.count ? a < b : captions[a].words.count > captions[b].words.count
    }
    self.captions = order.map { captions[$0] }
    self.spelling = spelling
  }

  var count: Int { captions.count }
  /// Of the longest caption: its words and `<eos>`.
  var steps: Int { captions[0].words.count + 1 }

  /// How many captions have a token to be foretold at a step.
  func count(at step: Int) -> Int { captions.firstIndex { $0.words.count < step } ?? captions.count }

  /// What is known before each token of a step.
  func inputs(at step: Int) -> [UInt32] {
    captions[..<count(at: step)].map { step == 0 ? spelling.beginning($0.language) : $0.words[step - 1] }
  }

  /// All tokens to be foretold, step after step.
  var targets: [UInt32] {
    (0..<steps).flatMap { step in
      captions[..<count(at: step)].map { step < $0.words.count ? $0.words[step] : spelling.end }
    }
  }

  /// The caption of each of the targets, as the place in `order`.
  var rowsOfTargets: [Int] { (0..<steps).flatMap { Array(0..<count(at: $0)) } }
}

/// Which tokens begin and end captions, and the words of others.
struct CaptionSpelling {
  let vocabulary: [String]
  let languages: [String]
  let end: UInt32
  /// By language; `<eos>` where there is one.
  private let beginnings: [UInt32]

  init(_ vocabulary: [String], languages: [String]) {
    func place(_ token: String) -> UInt32? { vocabulary.firstIndex(of: token).map { UInt32($0) } }
    (self.vocabulary, self.languages) = (vocabulary, languages)
    end = place("<eos>") ?? 0
    let end = end
    beginnings = languages.count == 1 ? [end] : languages.map { place(Captions.token($0)) ?? end }
  }

  func beginning(_ language: Int) -> UInt32 { beginnings[language] }

  /// Whether a caption may hold a token: those that begin captions and `<unk>` stand for no word.
  func isWord(_ token: Int) -> Bool { token >= 2 + (languages.count > 1 ? languages.count : 0) }

  func text(_ words: [UInt32]) -> String { words.map { vocabulary[Int($0)] }.joined(separator: " ") }
}
