import Learners
import Recipes
import Statistics
import Tensors
import Training

/// The features that a recipe asks for. The training data may fix where the basis functions lie: a checkpoint holds that.
struct FeatureChoice: Sendable {
  private enum BasisName: String, CaseIterable { case identity, polynomial, seasonal, gaussian, sigmoid }

  private let name: BasisName
  private let degree: Int
  private let centre: Double
  private let scale: Double
  private let period: Double
  private let harmonics: Int
  private let columns: Int
  private let hasIntercept: Bool
  /// Centres and width of the basis functions; nil where the recipe alone says what they are.
  private let places: FlatBuffer?

  /// Reads the basis functions of the `network` section. Centres that the recipe does not give lie evenly between the
  /// smallest and the largest input, as the model sees them, one width apart.
  init(_ section: RecipeSection, _ data: ExactData) throws {
    name = try section.choice("basis", default: .identity)
    degree = try section.integer("degree", default: 3, in: 0...10_000)
    centre = try section.number("centre", default: 0, in: -1e300...1e300)
    scale = try section.number("scale", default: 1, in: 1e-300...1e300)
    period = try section.number("period", default: 1, in: 1e-300...1e300)
    harmonics = try section.integer("harmonics", default: 1, in: 1...1000)
    let count = try section.integer("centres", default: 9, in: 1...10_000)
    let width = try section.optionalNumber("width", in: 1e-300...1e300)
    hasIntercept = try section.flag("intercept", default: true)
    columns = data.train.width
    guard name == .gaussian || name == .sigmoid else {
      places = nil
      return
    }
    var layout = Layout()
    layout.add("centres", [count])
    layout.add("width", .scalar)
    let places = FlatBuffer("basis", layout, precision: .float64)
    places.fill("width", [1])
    self.places = places
    guard !data.isTrained else { return }
    var (least, most) = (Double.infinity, -Double.infinity)
    try data.train.forEachBlock(0..<data.train.count) { _, block in
      for row in 0..<block.count {
        for column in 0..<data.train.width {
          least = min(least, block.inputs[row, column])
          most = max(most, block.inputs[row, column])
        }
      }
    }
    let step = count > 1 && most > least ? (most - least) / Double(count - 1) : 1
    places.fill(
      "centres", (0..<count).map { count > 1 ? least + Double($0) * step : 0.5 * (least + most) })
    places.fill("width", [width ?? step])
  }

  private func features() throws -> Features {
    let basis: Basis =
      switch name {
      case .identity: .identity
      case .polynomial: .polynomial(degree: degree, centre: centre, scale: scale)
      case .seasonal:
        .seasonal(degree: degree, centre: centre, scale: scale, period: period, harmonics: harmonics)
      case .gaussian: .gaussian(centres: places!.numbers("centres"), width: places!.numbers("width")[0])
      case .sigmoid: .sigmoid(centres: places!.numbers("centres"), width: places!.numbers("width")[0])
      }
    return try Features(basis, inputs: columns, intercept: hasIntercept)
  }

  /// A learner whose model is made of the features.
  func learner<Model: FlatStatisticsModel>(
    _ data: ExactData, _ recipe: Recipe, defaults: StatisticsLearner<Model>.Defaults,
    _ model: @escaping @Sendable (Features) throws -> Model
  ) throws -> StatisticsLearner<Model> {
    try StatisticsLearner(
      saying { try model(features()) }, data, recipe, defaults: defaults,
      kept: places.map { places in
        KeptNumbers(buffers: [places]) { _ in try model(features()) }
      })
  }
}
