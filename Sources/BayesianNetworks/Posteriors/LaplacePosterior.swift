import Foundation
import Learners
import LinearAlgebra
import Networks
import Recipes
import Synchronization
import Tensors
import Training

/// A Gaussian over a network's weights at their most probable values, its precision the curvature of the loss there plus
/// that of a Gaussian prior (MacKay 1992; Ritter, Botev and Barber 2018; Daxberger et al. 2021, Laplace Redux).
///
/// Precisions of the prior, one for each layer, are given or maximize the marginal likelihood. The network is
/// linearized for predictions: the Gauss-Newton matrix is the curvature of the linearized network alone (Immer, Korzepa
/// and Bauer 2021).
struct LaplacePosterior: Sendable {
  fileprivate struct Block: Sendable {
    let curvature: LayerCurvature
    /// Rows of eigenvectors, where the form has them, of the outputs' side and of the inputs'.
    let left: Slot?
    let right: Slot?
    /// Eigenvalues of the curvature, one for each weight.
    let values: Slot
    let precision: Slot
  }

  private let blocks: [Block]
  /// Whether the network is linear in the weights that have a posterior.
  let isLinear: Bool
  /// What a sweep over the examples adds up, in double precision.
  let sums: Layout
  private let logLikelihood: Slot
  /// Whether the posterior has been fitted to the weights as they are: 1 or 0.
  private let fitted: Slot
  /// The numbers of the posterior among the parameters.
  private let range: Range<Int>
  /// Of the prior; nil: by marginal likelihood.
  private let precision: Double?
  /// Examples that go through the network at a time: few of a convolution, whose windows are many.
  private let blockLength: Int

  private enum Layers: String, CaseIterable { case last, all }
  private enum Form: String, CaseIterable { case automatic, full, kronecker, diagonal }
  /// The most weights whose full curvature is kept: by default, and where the recipe asks for it.
  private static let mostByDefault = 1024
  private static let most = 4608
  /// The most inputs of a layer whose second moments are kept.
  private static let mostInputs = 8192

  /// Reads `laplace_layers`, `curvature` and `prior_precision`; adds the posterior's slots to those of the network.
  init(_ objective: RecipeSection, over network: LayerStack, parameters layout: inout Layout) throws {
    let layers = try objective.choice("laplace_layers", default: Layers.last)
    let wanted = try objective.choice("curvature", default: Form.automatic)
    precision = try objective.optionalNumber("prior_precision", in: 1e-12...1e12)
    let linear = network.allLayers.filter { $0 is any LinearLayer }
    let matrices = linear.compactMap { $0 as? any MatrixLayer }
    guard matrices.count == linear.count, let last = matrices.last, (network.layers.last as? any LinearLayer) != nil
    else {
      throw RecipeError(
        "objective.posterior is laplace, for networks of dense layers and convolutions that end in one of them: "
          + "choose another objective.posterior")
    }
    isLinear = layers == .last || matrices.count == 1
    var sums = Layout()
    logLikelihood = sums.add("log_likelihood", .scalar)
    let start = layout.count
    fitted = layout.add("laplace.fitted", .scalar)
    let watched = layers == .last ? [last] : matrices
    blockLength = watched.contains { $0 is Convolution2D } ? 10 : 100
    blocks = try watched.map { layer in
      let slots = layer.slots
      let rows = slots.weight.shape[0]
      let size = slots.weight.shape.count + (slots.bias == nil ? 0 : rows)
      let form: CurvatureForm
      switch wanted {
      case .automatic: form = layers == .last && size <= LaplacePosterior.mostByDefault ? .full : .kronecker
      case .full: form = .full
      case .kronecker: form = .kronecker
      case .diagonal: form = .diagonal
      }
      guard form != .full || layers == .last && layer is Dense && size <= LaplacePosterior.most else {
        throw RecipeError(
          "objective.curvature is full, which the last layer can have, up to \(LaplacePosterior.most) weights, and "
            + "\(slots.weight.name) has \(size): set objective.curvature=kronecker")
      }
      guard form != .kronecker || size / rows <= LaplacePosterior.mostInputs else {
        throw RecipeError(
          "\(slots.weight.name) has \(size / rows) inputs, and objective.curvature=kronecker keeps the second moments of "
            + "\(LaplacePosterior.mostInputs) at most: set it to diagonal, or objective.laplace_layers=last")
      }
      let curvature = LayerCurvature(layer, as: form, sums: &sums)
      let name = "laplace.\(slots.weight.name)"
      func vectors(_ side: String, _ count: Int) -> Slot { layout.add("\(name).\(side)", [count, count]) }
      return Block(
        curvature: curvature,
        left: form == .kronecker ? vectors("outputs", curvature.rows) : nil,
        right: form == .kronecker
          ? vectors("inputs", curvature.columns) : form == .full ? vectors("vectors", size) : nil,
        values: layout.add("\(name).curvature", [size]), precision: layout.add("\(name).prior_precision", .scalar))
    }
    self.sums = sums
    range = start..<layout.count
  }

  func isFitted(_ parameters: FlatBuffer) -> Bool { parameters.float32[fitted.offset] != 0 }

  /// Forgets what was fitted: the weights have changed.
  func clear(_ parameters: FlatBuffer) {
    guard isFitted(parameters) else { return }
    UnsafeMutableBufferPointer(rebasing: parameters.float32[range]).update(repeating: 0)
  }

  // MARK: Fitting

  /// Adds the sums of some examples.
  func add(_ examples: Examples, of base: DropoutLearner, to sums: FlatBuffer, on tape: Tape) {
    let supervision = base.supervision
    for start in stride(from: 0, to: examples.count, by: blockLength) {
      let part = examples[start..<min(start + blockLength, examples.count)]
      let indices = part.indices
      tape.reset()
      let probe = LayerProbe(
        ParameterViews(base.parameters, on: tape), watching: blocks.map(\.curvature.weight))
      let outputs = base.network(
        supervision.inputs.rows(of: supervision.inputs.train, part, key: RandomKey(seed: 0)),
        Pass(.probed(probe), examples: indices))
      let pass = Pass(.given(ParameterViews(base.parameters)), examples: indices)
      let loss = base.likelihood.loss(outputs.detached, supervision, epochs: .infinity, pass)
      sums.doubles(logLikelihood)[0] -= loss.buffer.reduce(0) { $0 + Double($1) }
      var factors = base.likelihood.information(outputs.detached, pass)!
      if let weights = supervision.labelWeights {
        let roots = supervision.labels(indices).map { weights[Int($0)].squareRoot() }
        factors = factors.map { $0.multiplyingColumn(Tensor(roots, [roots.count])) }
      }
      let places = probe.applications.map(\.output)
      // Factor after factor, the derivatives in each layer's outputs.
      let derivatives = factors.map { factor in
        tape.gradient(of: outputs * factor, withRespectTo: places)
      }
      for (index, application) in probe.applications.enumerated() {
        let block = blocks.first { $0.curvature.weight == application.layer.slots.weight }!
        let x = application.layer.rows(of: application.input)
        block.curvature.add(
          inputs: x, derivatives: derivatives.map { $0[index].reshaped(to: [x.rows, block.curvature.rows]) },
          examples: indices.count, to: sums)
      }
    }
    tape.reset()
  }

  /// Fits the posterior to the sums over all examples.
  /// - Returns: the log marginal likelihood, how many parameters the data determine, and the prior's precision.
  func fit(_ parameters: FlatBuffer, to sums: UnsafeBufferPointer<Double>, with crew: Crew) throws -> [String: Double] {
    let found = Mutex([(index: Int, evidence: Double, determined: Double, precision: Double)]())
    nonisolated(unsafe) let sums = sums
    try crew.forEach(blocks.count) { index, _ in
      let block = blocks[index]
      let spectrum = try block.curvature.spectrum(of: sums)
      let weights = block.weights(parameters)
      let norm = weights.reduce(0) { $0 + Double($1) * Double($1) }
      let precision = self.precision ?? PriorPrecision.mostLikely(curvature: spectrum.values, squaredNorm: norm)
      write(spectrum.left?.vectors.elements, to: block.left, of: parameters)
      write(spectrum.right?.vectors.elements, to: block.right, of: parameters)
      write(spectrum.values, to: block.values, of: parameters)
      write([precision], to: block.precision, of: parameters)
      let evidence = PriorPrecision.logEvidence(precision, curvature: spectrum.values, squaredNorm: norm)
      let determined = PriorPrecision.determined(precision, curvature: spectrum.values)
      found.withLock { $0.append((index, evidence, determined, precision)) }
    }
    parameters.float32[fitted.offset] = 1
    let layers = found.withLock { $0 }.sorted { $0.index < $1.index }
    return [
      "log_evidence": layers.reduce(sums[logLikelihood.offset]) { $0 + $1.evidence },
      "determined_parameters": layers.reduce(0) { $0 + $1.determined },
      "prior_precision": exp(layers.reduce(0) { $0 + log($1.precision) } / Double(layers.count)),
    ]
  }

  private func write(_ values: [Double]?, to slot: Slot?, of parameters: FlatBuffer) {
    guard let values, let slot else { return }
    for (index, value) in values.enumerated() { parameters.float32[slot.offset + index] = Float(value) }
  }

  // MARK: Draws

  /// Draws the distance of the weights from their most probable values, which other parameters have none of.
  /// - Parameter key: numbers of the draw count upwards from its tensor, a layer each.
  func drawDistance(into distance: FlatBuffer, from parameters: FlatBuffer, key: RandomKey, with crew: Crew) throws {
    distance.float32.update(repeating: 0)
    guard isFitted(parameters) else { return }
    try crew.forEach(blocks.count) { index, _ in
      let block = blocks[index]
      let shape = block.shape
      let noise = Tensor(uninitialized: shape)
      key.at(tensor: key.tensor + UInt32(index)).normal(into: noise.pointer, count: noise.count)
      let precision = parameters.float32[block.precision.offset]
      let values = parameters.tensor(block.values)
      for k in 0..<noise.count { noise.pointer[k] /= (values.pointer[k] + precision).squareRoot() }
      let sided = block.left.map { parameters.tensor($0).transposedProduct(with: noise) } ?? noise
      let drawn = block.right.map { sided.product(with: parameters.tensor($0)) } ?? sided
      block.scatter(drawn, to: distance)
    }
  }
}

extension LaplacePosterior.Block {
  /// Rows and columns of the basis.
  fileprivate var shape: Shape {
    curvature.form == .full ? [1, curvature.rows * curvature.columns] : [curvature.rows, curvature.columns]
  }

  /// The weights of the layer, the bias as the last column.
  fileprivate func weights(_ parameters: FlatBuffer) -> [Float] {
    let inputs = curvature.weight.shape.count / curvature.rows
    return (0..<curvature.rows).flatMap { row in
      let start = curvature.weight.offset + row * inputs
      return Array(parameters.float32[start..<start + inputs])
        + (curvature.bias.map { [parameters.float32[$0.offset + row]] } ?? [])
    }
  }

  /// The inverse of ``weights(_:)``.
  fileprivate func scatter(_ numbers: Tensor, to buffer: FlatBuffer) {
    let (width, inputs) = (curvature.columns, curvature.weight.shape.count / curvature.rows)
    for row in 0..<curvature.rows {
      let source = numbers.pointer + row * width
      (buffer.float32.baseAddress! + curvature.weight.offset + row * inputs).update(from: source, count: inputs)
      if let bias = curvature.bias { buffer.float32[bias.offset + row] = source[inputs] }
    }
  }
}

/// The precision δ of a Gaussian prior around 0 over weights θ, whose posterior has the curvature h and δ in some basis.
enum PriorPrecision {
  /// How many directions of the weights the data determine, γ = Σ h / (h + δ) (MacKay 1992, equation 4.9).
  static func determined(_ precision: Double, curvature: [Double]) -> Double {
    curvature.reduce(0) { $0 + $1 / ($1 + precision) }
  }

  /// What the weights add to the log marginal likelihood: −½ (δ |θ|² + Σ log (1 + h/δ)).
  static func logEvidence(_ precision: Double, curvature: [Double], squaredNorm: Double) -> Double {
    -0.5 * (precision * squaredNorm + curvature.reduce(0) { $0 + log1p($1 / precision) })
  }

  /// The δ of the greatest marginal likelihood, where δ |θ|² = γ(δ). The left side grows with δ and γ falls, so there is
  /// one; it is found by halving its logarithm's interval.
  static func mostLikely(curvature: [Double], squaredNorm: Double) -> Double {
    var (low, high) = (log(1e-10), log(1e10))
    for _ in 0..<60 {
      let middle = (low + high) / 2
      let precision = exp(middle)
      if determined(precision, curvature: curvature) > precision * squaredNorm { low = middle } else { high = middle }
    }
    return exp((low + high) / 2)
  }
}
