import Learners
import Networks
import Recipes
import Tensors

/// The keys of the `network` section for progressive and style networks, and the networks that they ask for.
struct PyramidKeys {
  /// Keys that other architectures pass over.
  static let names = [
    "channel_base", "channel_limit", "minibatch_group", "growing", "stable_examples", "fading_examples", "style",
    "style_width", "mapping_layers", "mapping_rate", "mixing", "noise", "conditional",
  ]

  private let pyramid: ImagePyramid
  private let group: Int
  /// The number of classes that both networks receive; 0: none.
  let classes: Int

  init(_ section: RecipeSection, _ ends: AdversarialNetworks.Ends) throws {
    let base = try section.integer("channel_base", default: 1024, in: 1...1_000_000)
    let limit = try section.integer("channel_limit", default: 128, in: 1...4096)
    let image = ends.example
    pyramid = try ImagePyramid(image: [image.height, image.width, image.channels], base: base, limit: limit)
    group = try section.integer("minibatch_group", default: 4, in: 1...1_000_000)
    guard try section.flag("conditional", default: false) else {
      classes = 0
      return
    }
    guard let known = ends.classes else {
      throw RecipeError(
        "network.conditional is true, but the examples have no classes: set it to false, or use labeled data")
    }
    classes = known
  }

  /// When networks grow; nil: they do not.
  func growth(_ section: RecipeSection) throws -> GrowthPlan? {
    let isGrowing = try section.flag("growing", default: true)
    let stable = try section.integer("stable_examples", default: 25_000, in: 1...1_000_000_000)
    let fading = try section.integer("fading_examples", default: 25_000, in: 1...1_000_000_000)
    return isGrowing ? GrowthPlan(levels: pyramid.levels, stable: stable, fading: fading) : nil
  }

  func progressiveGenerator(_ ends: AdversarialNetworks.Ends, _ layout: inout Layout) -> ProgressiveGenerator {
    ProgressiveGenerator(
      name: "generator", latent: ends.latent, classes: classes, pyramid: pyramid, layout: &layout)
  }

  func progressiveDiscriminator(_ ends: AdversarialNetworks.Ends, _ layout: inout Layout) -> ProgressiveDiscriminator {
    ProgressiveDiscriminator(
      name: "discriminator", outputs: ends.outputs, group: group, classes: classes, pyramid: pyramid,
      layout: &layout)
  }

  func styleGenerator(
    _ section: RecipeSection, _ ends: AdversarialNetworks.Ends, _ layout: inout Layout
  ) throws -> StyleGenerator {
    var settings = StyleGenerator.Settings()
    settings.latent = ends.latent
    settings.style = try section.integer("style_width", default: ends.latent, in: 1...65_536)
    settings.classes = classes
    (settings.mapping, settings.mappingRate) = try mapping(section)
    settings.kind = try section.choice("style", default: StyleKind.demodulated)
    settings.mixing = Float(try section.number("mixing", default: 0.9, in: 0...1))
    settings.hasNoise = try section.flag("noise", default: true)
    return StyleGenerator(name: "generator", settings: settings, pyramid: pyramid, layout: &layout)
  }

  func styleDiscriminator(
    _ section: RecipeSection, _ ends: AdversarialNetworks.Ends, _ layout: inout Layout
  ) throws -> StyleDiscriminator {
    let mapping = try classes > 0 ? mapping(section) : nil
    return StyleDiscriminator(
      name: "discriminator", outputs: ends.outputs, group: group,
      classes: mapping.map { (classes, $0.layers, $0.rate) }, pyramid: pyramid, layout: &layout)
  }

  private func mapping(_ section: RecipeSection) throws -> (layers: Int, rate: Float) {
    (
      try section.integer("mapping_layers", default: 2, in: 1...64),
      Float(try section.number("mapping_rate", default: 0.01, in: 1e-6...1))
    )
  }
}
