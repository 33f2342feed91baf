import BayesianNetworks
import Networks
import Tensors

/// A text that is read in streams side by side, window after window. A window begins with the state that the one before
/// it left; no derivative goes through that state.
///
/// A reader is a value: a copy reads the same window again.
struct TextReader {
  /// What a window costs.
  struct Window {
    /// [rows, vocabulary], the rows of all streams at the first step, then at the next.
    let logits: Tensor
    /// −log p of the token that follows each row, [rows], in nats.
    let losses: Tensor
    /// Whether the token that follows a row belongs to the text: streams may end before others do.
    let isOfText: [Bool]

    var tokenCount: Int { isOfText.count { $0 } }
    /// −log p of all tokens of the window, a number of the tape.
    var loss: Tensor { (losses * Tensor(isOfText.map { $0 ? 1 : 0 }, losses.shape)).sum() }
  }

  let streams: Int
  private let network: LanguageNetwork
  private let tokens: [UInt32]
  /// Tokens of a stream in a window.
  private let window: Int
  private var start = 0
  private var state: Tensor?

  /// - Parameter tokens: the text, whose first token is not foretold.
  init(_ network: LanguageNetwork, _ tokens: [UInt32], streams: Int, window: Int) {
    (self.network, self.tokens, self.streams, self.window) = (network, tokens, streams, window)
  }

  /// How many tokens are foretold.
  var count: Int { max(tokens.count - 1, 0) }
  private var length: Int { (count + streams - 1) / streams }
  var isAtEnd: Bool { start >= length }

  /// At most so many streams, and none of a short text that has less than a hundred tokens.
  static func streams(of tokens: [UInt32], atMost most: Int) -> Int { max(min(most, (tokens.count - 1) / 100), 1) }

  /// Reads the next window.
  mutating func read(_ weights: ParameterViews) -> Window {
    let pass = Pass(predictingWith: weights)
    let steps = min(window, length - start)
    func places(_ offset: Int) -> [Int] {
      (start..<start + steps).flatMap { t in (0..<streams).map { $0 * length + t + offset } }
    }
    let targets = places(1)
    let (outputs, last) = network.outputs(
      places(0).map { tokens[min($0, count)] }, streams: streams,
      from: state ?? network.core.initialState(streams, pass)
    ) { _ in pass }
    state = last.detached
    start += steps
    let logits = network.logits(outputs, pass)
    let losses = Loss.crossEntropy(logits: logits, labels: targets.map { tokens[min($0, count)] })
    return Window(logits: logits, losses: losses, isOfText: targets.map { $0 <= count })
  }

  /// Reads the next window, and leaves in `gradient` the derivative of its loss times `scale`.
  /// - Parameter scale: of the number of tokens of the window.
  /// - Returns: −log p of all its tokens, and how many these are.
  mutating func read(
    _ weights: FlatBuffer, gradient: FlatBuffer, on tape: Tape, scale: (_ tokens: Int) -> Float
  ) -> (loss: Double, tokens: Int) {
    tape.reset()
    let window = read(ParameterViews(weights, on: tape, gradient: gradient.float32.baseAddress!))
    let (loss, tokens) = (window.loss, window.tokenCount)
    tape.backward(from: loss, seed: scale(tokens))
    return (Double(loss.value), tokens)
  }
}

extension TextReader: WindowReader {
  mutating func loss(_ weights: FlatBuffer) -> Double { Double(read(ParameterViews(weights)).loss.value) }

  mutating func differentiate(_ weights: FlatBuffer, into gradient: FlatBuffer, on tape: Tape, scale: Float) {
    _ = read(weights, gradient: gradient, on: tape) { _ in scale }
  }
}
