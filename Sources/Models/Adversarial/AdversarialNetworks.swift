import Networks
import Recipes
import Tensors

/// A generator and a discriminator as the recipe's `network` section says, each with a layout of its own.
struct AdversarialNetworks: Sendable {
  let generator: LayerStack
  let generatorLayout: Layout
  let discriminator: LayerStack
  let discriminatorLayout: Layout

  private enum Normalisation: String, CaseIterable { case none, batch }

  /// - Parameters:
  ///   - latent: numbers of a latent row.
  ///   - outputs: of the discriminator.
  ///   - pixels: whether the data lies in −1…1, and so what is generated.
  init(_ section: RecipeSection, latent: Int, width: Int, outputs: Int, pixels: Bool) throws {
    let hidden = try section.integers("generator", default: [256, 512, 1024], in: 1...1_000_000)
    let critic = try section.integers("discriminator", default: [512, 256], in: 1...1_000_000)
    let activation = try section.nonlinearity(default: .leakyReLU)
    let normalisation: Normalisation = try section.choice("normalisation", default: .none)
    let dropout = try section.number("dropout", default: 0, in: 0...0.99)

    var layout = Layout()
    var layers: [any Layer] = []
    var inputs = latent
    for (index, units) in hidden.enumerated() {
      layers.append(Dense(name: "generator.\(index)", in: inputs, out: units, layout: &layout))
      if normalisation == .batch {
        layers.append(BatchNormalization(name: "generator.\(index).norm", channels: units, layout: &layout))
      }
      layers.append(Elementwise(activation))
      inputs = units
    }
    layers.append(
      Dense(
        name: "generator.\(hidden.count)", in: inputs, out: width, activation: pixels ? .tanh : .identity,
        layout: &layout))
    generator = LayerStack(layers)
    generatorLayout = layout

    layout = Layout()
    layers = []
    inputs = width
    for (index, units) in critic.enumerated() {
      layers.append(
        Dense(name: "discriminator.\(index)", in: inputs, out: units, activation: activation, layout: &layout))
      if dropout > 0 { layers.append(TrainingDropout(rate: dropout, number: index)) }
      inputs = units
    }
    layers.append(Dense(name: "discriminator.\(critic.count)", in: inputs, out: outputs, layout: &layout))
    discriminator = LayerStack(layers)
    discriminatorLayout = layout
  }
}
