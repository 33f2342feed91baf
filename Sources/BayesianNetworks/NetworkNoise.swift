import Networks
import Recipes
import Tensors

/// The noise that a recipe puts into a network: dropout before every layer that has weights, or masks on the weights.
struct NetworkNoise {
  /// The probabilities of a zero before hidden layers and in the input.
  let rate: Double
  let inputRate: Double
  /// The probability that a weight is zero.
  let dropConnect: Double
  /// Whether the rates are learned.
  let isConcrete: Bool
  private let isInserted: Bool

  /// Which noise a model has where its recipe does not say.
  enum Defaults {
    /// The keys do not exist.
    case absent
    case none
    case dropout
  }

  /// Reads `dropout`, `input_dropout`, `drop_connect` and `concrete`. A list of layers with `dropout` entries of its own
  /// gets no more.
  init(_ section: RecipeSection, for network: LayerStack, _ defaults: Defaults) throws {
    isInserted = defaults != .absent && !network.allLayers.contains { $0 is Dropout }
    guard defaults != .absent else {
      (rate, inputRate, dropConnect, isConcrete) = (0, 0, 0, false)
      return
    }
    dropConnect = try section.number("drop_connect", default: 0, in: 0...0.999)
    guard isInserted else {
      section.passOver(["dropout", "input_dropout", "concrete"])
      (rate, inputRate, isConcrete) = (0, 0, false)
      return
    }
    rate = try section.number("dropout", default: defaults == .dropout ? 0.5 : 0, in: 0...0.999)
    inputRate = try section.number("input_dropout", default: defaults == .dropout ? 0.2 : 0, in: 0...0.999)
    isConcrete = try section.flag("concrete", default: false)
  }

  /// Whether there is any.
  var isActive: Bool { rate > 0 || inputRate > 0 || dropConnect > 0 || isConcrete }

  /// A network with its dropout layers.
  /// - Parameter name: what the slots of learned rates begin with.
  func inserted(into network: LayerStack, name: String, layout: inout Layout) -> LayerStack {
    guard isInserted else { return network }
    return network.inserting { index, layer in
      let rate = index == 0 ? inputRate : rate
      guard isConcrete else { return Dropout(rate: rate) }
      // Dropping a channel of the input would drop the picture.
      if index == 0, layer is Convolution2D { return nil }
      return ConcreteDropout(name: "\(name).\(index)", before: layer, rate: rate, layout: &layout)
    }
  }
}
