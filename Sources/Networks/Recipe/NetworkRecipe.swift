import Recipes
import Tensors

/// What the `network` section of a recipe says of the layers between a model's inputs and its outputs: a named
/// architecture with its knobs, or a list of layers. Every model reads it here, so that each network can be had with
/// each objective.
///
///     network: {hidden: [500, 500]}                                         # dense layers
///     network: {hidden: [conv 32 4 2 padding=1, norm batch, relu, 256]}      # a list of layers
///     network: {architecture: lenet}                                         # by name
///
/// The last layer, which makes the outputs that the objective needs, is always added behind these.
public struct NetworkRecipe: Sendable {
  public let layers: [LayerSpec]
  public let activation: NonlinearityName
  /// The shape of an example: [features] or [height, width, channels].
  public let input: [Int]
  private let source: String

  /// Reads `architecture`, the keys of the architecture, and `activation`.
  /// - Throws: `RecipeError` for an unknown architecture or layer.
  public init(
    _ section: RecipeSection, input: [Int], default hidden: [Int], activation: NonlinearityName = .relu
  ) throws(RecipeError) {
    self.input = input
    let names = [NetworkRecipe.list] + Architectures.all.map { $0.name }
    let name = try section.choice("architecture", default: NetworkRecipe.list, among: names)
    if let architecture = Architectures.all.first(where: { $0.name == name }) {
      section.passOver(["hidden"])
      layers = try architecture.layers(section, input: input)
      source = "network.architecture=\(name)"
    } else {
      let texts = try section.words("hidden", default: hidden.map(String.init))
      layers = try texts.map { (text) throws(RecipeError) in
        do throws(RecipeError) {
          return try LayerSpec(text)
        } catch {
          throw RecipeError("network.hidden: \(error)")
        }
      }
      source = "network.hidden"
    }
    self.activation = try section.choice("activation", default: activation)
  }

  private init(_ layers: [LayerSpec], _ activation: NonlinearityName, input: [Int], _ source: String) {
    (self.layers, self.activation, self.input, self.source) = (layers, activation, input, source)
  }

  /// The architecture that reads a list of layers from `hidden`.
  static let list = "mlp"

  /// The recipe's layers under a name, without the last: its result is [n, …] of the builder's shape.
  /// - Throws: `RecipeError` that names the layer that does not fit.
  public func builder(name: String, layout: Layout) throws(RecipeError) -> NetworkBuilder {
    var builder = NetworkBuilder(name: name, input: input, layout: layout, activation: activation.nonlinearity)
    for (index, layer) in layers.enumerated() {
      do throws(RecipeError) {
        try builder.add(layer)
      } catch {
        throw RecipeError("\(source): layer \(index + 1), `\(layer)`, does not fit: \(error)")
      }
    }
    return builder
  }

  /// A network from the input to some outputs: [n, …] → [n, outputs].
  public func network(name: String, outputs: Int, layout: inout Layout) throws(RecipeError) -> LayerStack {
    var builder = try builder(name: name, layout: layout)
    builder.dense(outputs)
    layout = builder.layout
    return builder.network
  }

  /// The same layers for examples of another shape.
  public func resized(to input: [Int]) -> NetworkRecipe { NetworkRecipe(layers, activation, input: input, source) }

  /// A network from an image to some outputs for each of its pixels: [n, h, w, c] → [n, h, w, outputs].
  /// - Parameter window: of the last convolution, which keeps height and width.
  /// - Throws: `RecipeError` also where the layers do not keep the image's height and width.
  public func pixelNetwork(
    name: String, outputs: Int, window: Window = Window(1), layout: inout Layout
  ) throws(RecipeError) -> LayerStack {
    var builder = try builder(name: name, layout: layout)
    guard builder.shape.count == 3, builder.shape[..<2] == input[..<2] else {
      throw RecipeError(
        "\(source): its layers make "
          + (builder.shape.count == 3 ? "\(builder.shape[0]) × \(builder.shape[1]) pixels" : "rows of numbers")
          + " of images of \(input[0]) × \(input[1]), and every pixel needs outputs: undo each pool max by an unpool")
    }
    try builder.add(.convolution(filters: outputs, window))
    layout = builder.layout
    return builder.network
  }

  /// An encoder to an image of channels and the decoder that is its mirror image: [n, input] → [n, h, w, channels] and
  /// back, with the image's height and width.
  /// - Throws: `RecipeError` also where the layers do not end in an image.
  public func imageAutoencoder(
    channels: Int, layout: inout Layout
  ) throws(RecipeError) -> (encoder: LayerStack, decoder: LayerStack, size: [Int]) {
    var encoder = try builder(name: "encoder", layout: layout)
    let body = encoder
    guard encoder.shape.count == 3, !layers.isEmpty else {
      throw RecipeError("\(source): its layers must end in an image: begin with conv, and use no dense layers")
    }
    try encoder.add(.convolution(filters: channels, Window(1)))
    var decoder = NetworkBuilder(
      name: "decoder", input: encoder.shape, layout: encoder.layout, activation: activation.nonlinearity)
    do throws(RecipeError) {
      try decoder.mirror(body, input: input)
    } catch {
      throw RecipeError("\(source): \(error)")
    }
    layout = decoder.layout
    return (encoder.network, decoder.network, Array(encoder.shape[..<2]))
  }

  /// An encoder and the decoder that is its mirror image: [n, input] → [n, codes] and [n, latent] → [n, parts · input].
  /// - Parameters:
  ///   - codes: how many numbers the encoder makes.
  ///   - parts: how many numbers the decoder makes for each input.
  ///   - outputActivation: what follows the decoder.
  public func autoencoder(
    codes: Int, latent: Int, parts: Int = 1, outputActivation: Nonlinearity = .identity, layout: inout Layout
  ) throws(RecipeError) -> (encoder: LayerStack, decoder: LayerStack) {
    var encoder = try builder(name: "encoder", layout: layout)
    let body = encoder
    encoder.dense(codes)
    var decoder = NetworkBuilder(
      name: "decoder", input: [latent], layout: encoder.layout, activation: activation.nonlinearity)
    do throws(RecipeError) {
      try decoder.mirror(body, input: input, parts: parts)
    } catch {
      throw RecipeError("\(source): \(error)")
    }
    decoder.append(outputActivation)
    layout = decoder.layout
    return (encoder.network, decoder.network)
  }
}

/// A named network: a function from its knobs and the shape of an example to a list of layers.
public protocol Architecture: Sendable {
  static var name: String { get }
  /// Reads the architecture's keys of the `network` section.
  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec]
}

/// The table of architectures.
public enum Architectures {
  public static let all: [any Architecture.Type] = [
    ConvolutionalStack.self, LeNet.self, ThreeConvolutions.self, AlexNet.self, SegNetBasic.self, ESPCN.self,
  ]
}
