import Recipes
import Tensors

extension NetworkBuilder {
  /// Adds the mirror image of an encoder's layers: from rows of a latent space back to what the encoder saw.
  ///
  /// A dense layer, or from an image a convolution of 1 × 1, makes as many numbers as the encoder's last layer; then each layer that changed the shape is undone,
  /// the last first: a convolution by a transposed one, a pooling by repeating pixels.
  /// - Parameter parts: how many numbers there are for each of the encoder's inputs: 2 for means and log variances,
  ///   which then lie one behind the other.
  /// - Throws: `RecipeError` when a layer has no mirror image.
  public mutating func mirror(_ encoder: NetworkBuilder, input: [Int], parts: Int = 1) throws(RecipeError) {
    let stages = encoder.stages
    guard let last = stages.last else { return dense(parts * input.reduce(1, *)) }
    if shape.count == 3, last.output.count == 3 {
      try convolution(last.output[2], Window(1))
    } else {
      dense(last.output.reduce(1, *))
      if last.output.count == 3 { reshape(to: last.output) }
    }
    for spec in last.followers { try add(spec) }
    for index in stages.indices.reversed() {
      try undo(stages[index], parts: index == 0 ? parts : 1)
      guard index > 0 else { break }
      if stages[index].input.count == 3, shape.count == 1 { reshape(to: stages[index].input) }
      for spec in stages[index - 1].followers { try add(spec) }
    }
    if shape.count == 3 {
      if parts > 1 { append(ChannelParts(parts)) }
      reshape(to: [features])
    }
  }

  private mutating func undo(_ stage: Stage, parts: Int) throws(RecipeError) {
    let (small, large) = (stage.output, stage.input)
    switch stage.spec {
    case .dense: dense(parts * large.reduce(1, *))
    case .convolution(_, var window):
      window.hasBias = true
      func missing(_ axis: Int) -> Int {
        large[axis] - window.transposedResult(of: small[axis], outputPadding: 0)
      }
      window.outputPadding = Pair(missing(0), missing(1))
      try transposedConvolution(parts * large[2], window)
    case .transposedConvolution(_, var window):
      window.hasBias = true
      try convolution(parts * large[2], window)
    case .pooling(_, let window)
    where window.stride == window.size && window.padding == 0 && large[0] == small[0] * window.size
      && large[1] == small[1] * window.size && parts == 1:
      try add(.upsampling(window.size, .nearest))
    case .upsampling(let factor, _) where parts == 1: try add(.pooling(.average, Window(factor, stride: factor)))
    default:
      throw RecipeError(
        "`\(stage.spec)` of images of \(large[0]) × \(large[1]) has no mirror image for the decoder: use conv with a stride"
      )
    }
  }
}
