import Computations
import Datasets
import Learners
import Networks
import Training

/// Both players in the units of the data: pixels of generated pictures lie in 0…1. The generator is the moving average
/// where there is one.
extension AdversarialLearner {
  func computations(_ request: ExportRequest) throws -> [Computation] {
    try request.requireNoDraws("a GAN's weights have no posterior to draw from")
    return [try generatorComputation(), try discriminatorComputation()]
  }

  private func generatorComputation() throws -> Computation {
    var block = Block()
    let latent = Computation.Port("latent", block.input([Value.examples, codes.width]))
    let made = try generator.grown(to: present).steps(latent.value, in: &block)
    let rows = block.reshape(made, to: [Value.examples, inputs.width])
    let examples =
      pixels
      ? block.reshape(
        block.clamp(block.multiply(block.add(rows, .number(1)), .number(0.5)), to: 0...1),
        to: [Value.examples] + inputs.train.shape)
      : inputs.restoring(rows, in: &block)
    return Computation(
      name: "generator",
      summary: "latent [n, \(codes.width)], standard normal"
        + (codes.hasCodes
          ? " but for \(codes.categories) of a one-hot code and \(codes.continuous) continuous codes in -1...1 at the end"
          : "") + (codes.classes > 0 ? " but for the one-hot class, \(codes.classes) numbers at the end" : "")
        + " -> new examples" + (pixels ? ", pixels in 0...1." : ", in the units of the data."),
      inputs: [latent], outputs: [.init("examples", examples)], block: block,
      constants: (average?.parameters ?? generator.parameters).constants() + inputs.constants)
  }

  private func discriminatorComputation() throws -> Computation {
    var block = Block()
    let examples = Computation.Port("examples", block.input([Value.examples] + inputs.train.shape))
    let rows =
      pixels
      ? block.subtract(
        block.multiply(block.reshape(examples.value, to: [Value.examples, inputs.width]), .number(2)), .number(1))
      : inputs.steps(examples, in: &block)
    let classes =
      codes.classes > 0 ? Computation.Port("classes", block.input([Value.examples, codes.classes])) : nil
    let told = classes.map { block.join(block.reshape(rows, to: [Value.examples, inputs.width]), $0.value) } ?? rows
    let scores = block.channelsLast(try discriminator.grown(to: present).steps(told, in: &block))
    return Computation(
      name: "discriminator",
      summary: "examples as the generator makes them -> scores [n, \(1 + codes.outputs)]: the output"
        + (codes.hasCodes ? ", then readings of codes." : ".")
        + (codes.classes > 0 ? " `classes` [n, \(codes.classes)] is the one-hot class." : ""),
      inputs: [examples] + (classes.map { [$0] } ?? []), outputs: [.init("scores", scores)], block: block,
      constants: discriminator.parameters.constants() + inputs.constants)
  }
}
