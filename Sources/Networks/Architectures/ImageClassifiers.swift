import Recipes

/// LeNet-5 with maximum pooling (LeCun, Bottou, Bengio and Haffner 1998), as Bayesian convolutional networks are
/// compared with (Shridhar, Laumann and Liwicki 2019): 6 and 16 filters of 5 × 5, then 120 and 84 units. Images below
/// 32 × 32 are padded to it.
enum LeNet: Architecture {
  static let name = "lenet"

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    guard input.count == 3 else { throw RecipeError("network.architecture=lenet needs images") }
    let padding = max(32 - min(input[0], input[1]), 0) / 2
    return [
      .convolution(filters: 6, Window(5, padding: padding)), .activationOfNetwork,
      .pooling(.maximum, Window(2, stride: 2)),
      .convolution(filters: 16, Window(5)), .activationOfNetwork, .pooling(.maximum, Window(2, stride: 2)),
      .units(120), .units(84),
    ]
  }
}

/// Three convolutions and three dense layers (Shridhar, Laumann and Liwicki 2019, table 5): 32, 64 and 128 filters, each
/// followed by an overlapping pooling of 3 × 3, then twice 1,000 units.
enum ThreeConvolutions: Architecture {
  static let name = "3conv3fc"

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    guard input.count == 3 else { throw RecipeError("network.architecture=3conv3fc needs images") }
    let pooling = LayerSpec.pooling(.maximum, Window(3, stride: 2))
    return [
      .convolution(filters: 32, Window(5, padding: 2)), .activationOfNetwork, pooling,
      .convolution(filters: 64, Window(5, padding: 2)), .activationOfNetwork, pooling,
      .convolution(filters: 128, Window(5, padding: 1)), .activationOfNetwork, pooling,
      .units(1000), .units(1000),
    ]
  }
}

/// AlexNet for images of 32 × 32 (Shridhar, Laumann and Liwicki 2019, table 4).
enum AlexNet: Architecture {
  static let name = "alexnet"

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    guard input.count == 3 else { throw RecipeError("network.architecture=alexnet needs images") }
    let pooling = LayerSpec.pooling(.maximum, Window(2, stride: 2))
    return [
      .convolution(filters: 64, Window(11, stride: 4, padding: 5)), .activationOfNetwork, pooling,
      .convolution(filters: 192, Window(5, padding: 2)), .activationOfNetwork, pooling,
      .convolution(filters: 384, Window(3, padding: 1)), .activationOfNetwork,
      .convolution(filters: 256, Window(3, padding: 1)), .activationOfNetwork,
      .convolution(filters: 128, Window(3, padding: 1)), .activationOfNetwork, pooling,
    ]
  }
}
