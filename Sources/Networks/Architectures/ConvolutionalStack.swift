import Recipes

/// Strided convolutions of 4 × 4 that halve an image and double its channels, as in the deep convolutional GAN (Radford,
/// Metz and Chintala 2016), and `hidden_units` of a dense layer behind them.
enum ConvolutionalStack: Architecture {
  static let name = "convolutional"

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    let filters = try section.integer("filters", default: 32, in: 1...65_536)
    let levelled = try section.integer("levels", default: 0, in: 0...12)
    let isNormalized = try section.flag("batch_norm", default: false)
    let units = try section.integer("hidden_units", default: 0, in: 0...1_000_000)
    guard input.count == 3 else { throw RecipeError("network.architecture=convolutional needs images") }
    let levels = levelled > 0 ? levelled : NetworkBuilder.halvings(of: input, above: 4)
    guard levels > 0 else {
      throw RecipeError(
        "network.architecture=convolutional: images of \(input[0]) × \(input[1]) cannot be halved: set network.levels, "
          + "or choose network.architecture=mlp")
    }
    var layers: [LayerSpec] = []
    for level in 0..<levels {
      layers.append(.convolution(filters: filters << level, Window(4, stride: 2, padding: 1, hasBias: !isNormalized)))
      if isNormalized { layers.append(.normalization(.batch)) }
      layers.append(.activationOfNetwork)
    }
    return layers + (units > 0 ? [.units(units)] : [])
  }
}

extension NetworkBuilder {
  /// How often both sides of an image can be halved while they are even and above some pixels.
  public static func halvings(of image: [Int], above least: Int) -> Int {
    var (height, width, count) = (image[0], image[1], 0)
    while height % 2 == 0, width % 2 == 0, min(height, width) > least {
      (height, width, count) = (height / 2, width / 2, count + 1)
    }
    return count
  }
}
