import Recipes

/// Convolutions of a small picture whose last outputs are the pixels of a larger one (Shi et al. 2016, Real-Time Single
/// Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network). They keep height and width.
enum ESPCN: Architecture {
  static let name = "espcn"

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    let filters = try section.integer("filters", default: 64, in: 2...65_536)
    let rate = try section.number("dropout", default: 0, in: 0...0.999)
    guard input.count == 3 else { throw RecipeError("network.architecture=espcn needs images") }
    let dropout: [LayerSpec] = rate > 0 ? [.dropout(rate)] : []
    return [(filters, 5), (filters, 3), (filters / 2, 3)].flatMap { filters, size in
      [.convolution(filters: filters, Window(size, padding: size / 2)), .activationOfNetwork] + dropout
    }
  }
}
