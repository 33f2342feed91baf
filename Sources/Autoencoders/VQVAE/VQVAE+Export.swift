import Computations
import Learners
import Networks
import Tensors
import Training

extension VQVAELearner {
  /// From examples to images of codes, and back. Whether a prior has drawn the codes makes no difference.
  func computations(_ request: ExportRequest) throws -> [Computation] {
    try request.requireNoDraws("the weights of an auto-encoder have no posterior")
    let constants = parameters.constants() + inputs.constants
    let (height, width) = (positions[0], positions[1])
    var (first, second) = (Block(), Block())

    let examples = inputs.port(in: &first)
    let image = try encoder.steps(inputs.steps(examples, in: &first), in: &first)
    let vectors = first.reshape(image, to: [Value.examples, quantizer.width])
    let table = first.tensor(quantizer.codes.name, shape: [quantizer.count, quantizer.width])
    // |z − e|² without |z|², which is the same for all codes.
    let products = first.multiply(first.linear(vectors, table, nil), .number(-2))
    let squares = first.constant(
      "quantizer/squares", shape: [quantizer.count], Array(quantizer.squares(of: ParameterViews(parameters)).buffer))
    let nearest = first.placeOfLeast(first.add(products, squares))
    let codes = first.reshape(nearest, to: [Value.examples, height, width])

    let given = Computation.Port("codes", second.input([Value.examples, height, width]), .int64)
    let found = second.rows(
      of: second.tensor(quantizer.codes.name, shape: [quantizer.count, quantizer.width]), at: given.value)
    let rows = second.reshape(found, to: [Value.examples, height * width * quantizer.width])
    let restored = try decoder.steps(rows, in: &second)
    let size = "[n, \(height), \(width)], from 0 to \(quantizer.count - 1)"
    return [
      Computation(
        name: "encoder", summary: "x, as the data has it -> codes \(size).", inputs: [examples],
        outputs: [.init("codes", codes, .int64)], block: first, constants: constants),
      Computation(
        name: "decoder", summary: "codes \(size) -> the example.", inputs: [given],
        outputs: [.init("mean", inputs.restoring(restored, in: &second))], block: second, constants: constants),
    ]
  }
}
