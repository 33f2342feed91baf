import BayesianNetworks
import Computations
import Learners
import Networks
import Recipes
import Tensors
import Training

extension LanguageNetwork {
  /// One token of each sequence and the state behind those before it, to logits of the next token and the state behind
  /// this one.
  /// - Parameter start: what the state is before the first token.
  func computation(start: String, constants: [Computation.Constant]) throws(RecipeError) -> Computation {
    var block = Block()
    let token = Computation.Port("token", block.input([Value.examples]), .int64)
    let state = Computation.Port("state", block.input([Value.examples, core.stateWidth]))
    let vectors = block.rows(of: block.tensor(tables[0]), at: token.value)
    let (output, next) = try core.steps(vectors, state.value, in: &block)
    return Computation(
      name: "language",
      summary: "token [n], state [n, \(core.stateWidth)] (\(start)) -> logits of the next token, next_state.",
      inputs: [token, state],
      outputs: [.init("logits", logits(output, in: &block)), .init("next_state", next)], block: block,
      constants: constants)
  }

  /// The state behind a first input that is no token.
  fileprivate func begun(with vectors: Value, in block: inout Block) throws(RecipeError) -> Value {
    try core.steps(vectors, core.initialState(like: vectors, in: &block), in: &block).state
  }
}

extension LanguageModelLearner {
  /// One step of the text; with a posterior, at its means.
  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation {
    try request.requireNoDraws("each draw of the weights of a recurrent network has a state of its own")
    return try network.computation(
      start: "zeros before the text, whose first token is \(beginning)",
      constants: weightSource.means(of: self, with: crew).constants())
  }
}

extension CaptionLearner {
  /// From an image to the state before its caption, and a step of the caption; with a posterior, at its means.
  func computations(_ request: ExportRequest, with crew: Crew) throws -> [Computation] {
    try request.requireNoDraws("each draw of the weights of a recurrent network has a state of its own")
    let constants = try weightSource.means(of: self, with: crew).constants() + inputs.constants
    var block = Block()
    let examples = inputs.port(in: &block)
    let vectors = try network.encoder.steps(inputs.steps(examples, in: &block), in: &block)
    let state = try network.language.begun(with: vectors, in: &block)
    let beginnings = spelling.languages.indices.map { String(spelling.beginning($0)) }.joined(separator: ", ")
    return [
      Computation(
        name: "encoder", summary: "x, as the data has it -> the state before the caption.", inputs: [examples],
        outputs: [.init("state", state)], block: block, constants: constants),
      try network.language.computation(
        start: "the encoder's before the caption, whose first token is \(beginnings), by language; "
          + "\(spelling.end) ends it",
        constants: constants),
    ]
  }
}
