import Computations
import Networks
import Recipes
import Tensors

/// Tokens to vectors, cells on top of each other, and logits of the next token.
///
/// Dropout acts on what goes up, anew at each step (Zaremba et al. 2014, section 3). Or its masks are the same for all steps
/// of a window, one for each sequence, and act on what goes on in time as well (Gal and Ghahramani 2016, section 4).
struct LanguageNetwork {
  private enum Masks: String, CaseIterable { case step, window }
  private enum CellName: String, CaseIterable { case lstm, gru }
  private enum Start: String, CaseIterable {
    /// The bias of the logits starts at zero, and a GRU's numbers in ±1/√units.
    case standard
    /// All numbers start in ±`initial_bound` (Zaremba et al. 2014, section 4.1).
    case uniform
  }

  let core: RecurrentStack
  private let embedding: Embedding
  private let readout: Dense
  private var dropout: Dropout
  /// Whether passes with a key draw noise.
  let drawsNoise: Bool
  private let masks: Masks

  init(_ section: RecipeSection, tokens: Int, layout: inout Layout) throws {
    let units = try section.integer("units", default: 200, in: 1...100_000)
    let layers = try section.integer("layers", default: 2, in: 1...64)
    let cell: CellName = try section.choice("cell", default: .lstm)
    let bound = Float(try section.number("initial_bound", default: 0.1, in: 1e-6...10))
    let isUniform = try section.choice("initialization", default: Start.standard) == .uniform
    let rate = try section.number("dropout", default: 0, in: 0...0.99)
    let stateRate = try section.number("state_dropout", default: 0, in: 0...0.99)
    masks = try section.choice("dropout_masks", default: .step)
    drawsNoise = rate > 0 || stateRate > 0
    embedding = Embedding(name: "embedding", tokens: tokens, width: units, bound: bound, layout: &layout)
    core = RecurrentStack(
      (0..<layers).map { index -> any RecurrentCore in
        let name = "cells.\(index)"
        let core: any RecurrentCore =
          switch cell {
          case .lstm:
            LSTMCell(
              name: name, in: units, width: units, bound: bound, stateDropout: stateRate, layout: &layout)
          case .gru:
            GRUCell(
              name: name, in: units, width: units, bound: isUniform ? bound : nil, stateDropout: stateRate,
              layout: &layout)
          }
        return DroppedInput(core, rate: rate)
      })
    readout = Dense(
      name: "readout", in: units, out: tokens, layout: &layout, weight: .uniform(bound),
      bias: isUniform ? .uniform(bound) : .zeros)
    // Numbered behind the dropout of the cells.
    dropout = Dropout(rate: rate, stream: UInt32(stateRate > 0 ? 2 * layers : layers))
  }

  /// The bias of the logits, which has no posterior in Fortunato et al. 2017.
  var pointSlots: [Slot] { readout.slots.bias.map { [$0] } ?? [] }

  /// The vectors of tokens.
  var tables: [Slot] { [embedding.weight] }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    embedding.initialize(parameters, seed: seed)
    core.initialize(parameters, seed: seed)
    readout.initialize(parameters, seed: seed)
  }

  /// The number of a step's pass: that of its noise.
  func noise(of step: Int) -> Int { masks == .step ? step : 0 }

  /// What the uppermost cells put out for a window of streams.
  ///
  /// - Parameters:
  ///   - tokens: of all streams at the first step, then at the next.
  ///   - pass: that of a step: each has noise of its own.
  /// - Returns: rows in the order of the tokens, and the state behind the window.
  func outputs(
    _ tokens: [UInt32], streams: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) {
    let vectors = embedding(Tensor(tokens.map { Float($0) }, [tokens.count, 1]), pass(0))
    let steps = tokens.count / streams
    let (outputs, last) = core.unrolled(over: vectors, steps: steps, from: state) { pass(noise(of: $0)) }
    return (dropout(outputs, steps: steps) { pass(noise(of: $0)) }, last)
  }

  /// The state behind a first input that is no token: [n, units] → [n, state].
  func begun(with vectors: Tensor, _ pass: Pass) -> Tensor {
    core(vectors, core.initialState(vectors.rows, pass), pass).state
  }

  /// One step of sequences, whose dropout's noise is that of the pass.
  func step(_ tokens: [UInt32], from state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    let vectors = embedding(Tensor(tokens.map { Float($0) }, [tokens.count, 1]), pass)
    let (output, next) = core(vectors, state, pass)
    return (dropout(output, pass), next)
  }

  /// Logits of the tokens that follow, [n, tokens].
  func logits(_ outputs: Tensor, _ pass: Pass) -> Tensor { readout(outputs, pass) }

  /// The same as steps of an export.
  func logits(_ outputs: Value, in block: inout Block) -> Value { readout.steps(outputs, in: &block) }
}
