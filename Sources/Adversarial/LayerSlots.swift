import Networks
import Recipes
import Tensors

/// The slots of a discriminator's layout by layer, beginning at the image: those of a layer share the first two parts of
/// their names, as in `discriminator.0.weight` and `discriminator.0.norm.scale`.
struct LayerSlots {
  private let layers: [[Slot]]

  init(_ layout: Layout, of network: LayerStack) {
    var (layers, last): ([[Slot]], [Substring]) = ([], [])
    for slot in layout.slots {
      let layer = Array(slot.name.split(separator: ".").prefix(2))
      if layer != last { layers.append([]) }
      layers[layers.count - 1].append(slot)
      last = layer
    }
    // A network that grows has its smallest images first.
    let grows = network.layers.first is ProgressiveDiscriminator
    let levels = layers.prefix { Int($0[0].name.split(separator: ".")[1]) != nil }
    self.layers = grows ? levels.reversed() + layers.dropFirst(levels.count) : layers
  }

  var count: Int { layers.count }

  /// The slots of the first so many layers.
  func first(_ count: Int) -> [Slot] { layers.prefix(count).flatMap { $0 } }
}

extension RecipeSection {
  /// How many of the discriminator's first layers are frozen.
  func frozenLayers(of layout: Layout, _ network: LayerStack) throws(RecipeError) -> Int {
    let (frozen, layers) = (
      try integer("frozen_layers", default: 0, in: 0...10_000), LayerSlots(layout, of: network).count
    )
    guard frozen <= layers else {
      throw RecipeError(
        "\(name).frozen_layers is \(frozen), and the discriminator has \(layers) layers with parameters")
    }
    return frozen
  }
}
