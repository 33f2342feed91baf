import Datasets
import Images
import Recipes

extension DataRequest {
  /// Reads a recipe's `data` section.
  package init(_ section: RecipeSection, seed: UInt64) throws {
    guard let source = try section.text(DataKey.source.rawValue) else {
      throw RecipeError("the recipe names no data: set \(DataKey.source), or give --data")
    }
    self.init(source: source)
    format = try section.choice(DataKey.format.rawValue, default: .detect)
    let targets = try section.textOrTexts(DataKey.target.rawValue)
    (target, moreTargets) = (targets.first, Array(targets.dropFirst()))
    targetKind = try section.choice(DataKey.targetKind.rawValue, default: .detect)
    columns = try section.texts(DataKey.columns.rawValue)
    identifier = try section.text(DataKey.identifier.rawValue)
    drop = try section.texts(DataKey.drop.rawValue)
    oneHot = try section.texts(DataKey.oneHot.rawValue)
    dates = try section.texts(DataKey.dates.rawValue)
    percent = try section.texts(DataKey.percent.rawValue)
    unseen = try section.choice(DataKey.unseen.rawValue, default: .error)
    missing = try section.choice(DataKey.missing.rawValue, default: .error)
    header = try section.choice(DataKey.header.rawValue, default: .detect)
    delimiter = try section.choice(DataKey.delimiter.rawValue, default: .detect)
    decimal = try section.choice(DataKey.decimal.rawValue, default: .point)
    skip = try section.integer(DataKey.skip.rawValue, default: 0, in: 0...1_000_000)
    imageSize = try section.integer(DataKey.imageSize.rawValue, default: 0, in: 0...4096)
    imageChannels = try section.integer(DataKey.imageChannels.rawValue, default: 0, in: 0...3)
    wholePictures = try section.flag(DataKey.wholePictures.rawValue, default: false)
    let color = try section.text(DataKey.background.rawValue, default: "0")!
    guard let background = Background(color) else {
      throw RecipeError("\(DataKey.background) is \(color): it must be a gray level from 0 to 255, or a color #RRGGBB")
    }
    self.background = background
    let text = try section.text(DataKey.void.rawValue, default: "automatic")!
    guard let label = VoidLabel(text) else {
      throw RecipeError("\(DataKey.void) is \(text): it must be automatic, none, or a number from 0 to 255")
    }
    void = label
    sequence = try section.text(DataKey.sequence.rawValue)
    tokens = try section.choice(DataKey.tokens.rawValue, default: .characters)
    minimumCount = try section.integer(DataKey.minimumCount.rawValue, default: 1, in: 1...1_000_000_000)
    strict = try section.flag(DataKey.strict.rawValue, default: true)
    testFraction = try section.number(DataKey.testFraction.rawValue, default: 0, in: 0...0.99)
    validationFraction = try section.number(DataKey.validationFraction.rawValue, default: 0, in: 0...0.99)
    split = try section.choice(DataKey.split.rawValue, default: .random)
    self.seed = seed
  }
}
