import Recipes

/// Bayesian SegNet-Basic (Kendall, Badrinarayanan and Cipolla 2015): an encoder of convolutions, batch normalization and
/// maximum pooling, and a decoder that puts numbers back where the maxima lay. It keeps height and width.
///
/// Windows of the poolings stand out over the edge where they do not fit, as in Caffe, so that images of any size can be
/// segmented. The decoder has no rectification. What the paper's network does besides, a local response normalization of
/// the image, is left out.
enum SegNetBasic: Architecture {
  static let name = "segnet-basic"

  /// Where dropout acts (section 4.1 of the paper).
  private enum Placement: String, CaseIterable {
    case none
    /// Behind each pooling; behind each convolution of the decoder; both.
    case encoder, decoder, both
    /// Behind the two deepest of both.
    case central
    /// Behind the deepest pooling.
    case center
    /// Before the last layer.
    case classifier

    /// Whether it acts in the encoder or decoder at a level, counted from the image.
    func acts(inDecoder isDecoder: Bool, at level: Int, of levels: Int) -> Bool {
      switch self {
      case .none: false
      case .encoder: !isDecoder
      case .decoder: isDecoder
      case .both: true
      case .central: level >= levels - 2
      case .center: !isDecoder && level == levels - 1
      case .classifier: isDecoder && level == 0
      }
    }
  }

  static func layers(_ section: RecipeSection, input: [Int]) throws(RecipeError) -> [LayerSpec] {
    let filters = try section.integer("filters", default: 64, in: 1...65_536)
    let size = try section.integer("kernel", default: 3, in: 1...101)
    let levels = try section.integer("levels", default: 4, in: 1...12)
    let placement = try section.choice("dropout_placement", default: Placement.central)
    let rate = try section.number("dropout", default: 0.5, in: 0...0.999)
    guard input.count == 3 else { throw RecipeError("network.architecture=segnet-basic needs images") }
    guard size % 2 == 1 else {
      throw RecipeError("network.kernel is \(size): an odd one keeps height and width")
    }
    let convolution: [LayerSpec] = [
      .convolution(filters: filters, Window(size, padding: size / 2, hasBias: false)), .normalization(.batch),
    ]
    func dropout(inDecoder isDecoder: Bool, _ level: Int) -> [LayerSpec] {
      rate > 0 && placement.acts(inDecoder: isDecoder, at: level, of: levels) ? [.dropout(rate)] : []
    }
    let encoder = (0..<levels).flatMap { level in
      convolution + [.activationOfNetwork, .pooling(.maximum, Window(2, stride: 2, roundsUp: true))]
        + dropout(inDecoder: false, level)
    }
    let decoder = (0..<levels).reversed().flatMap { level in
      [.unpooling] + convolution + dropout(inDecoder: true, level)
    }
    return encoder + decoder
  }
}
