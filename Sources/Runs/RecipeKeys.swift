import Datasets
import Images
import Learners
import Recipes

/// A key that a built-in recipe may have.
public struct RecipeKey: Sendable, Equatable {
  /// With its section, such as `train.batch`.
  public let key: String
  /// What the recipe says of it, by itself or by the default.
  public let value: String
  /// What is taken where a recipe says nothing.
  public let `default`: String
  /// What it may hold.
  public let allowed: String
  /// What it means; nil: `KeyMeanings` does not describe it.
  public let meaning: String?
  /// The setting that the key belongs to, such as `objective.prior=laplace`; nil: it is always there.
  public let with: String?
}

extension RecipeKey {
  /// Every key of a model's recipe.
  ///
  /// A key is known because it is read, so the recipe is read, as for a training: on small data of each kind, and with
  /// each name that one of its keys may hold.
  /// - Throws: what the reading throws, where no kind of data suits the model.
  public static func all(of model: any Model.Type) throws -> [RecipeKey] { try all(of: model) { _, _ in true } }

  /// The keys of a model's recipe that some choices bring.
  /// - Parameter isOfInterest: whether a key may hold a name: a reading costs as much as the start of a training.
  package static func all(
    of model: any Model.Type, where isOfInterest: (_ key: String, _ choice: String) -> Bool
  ) throws -> [RecipeKey] {
    var keys: [RecipeKey] = []
    func add(_ readings: [RecipeReading], with setting: String?) {
      for reading in readings where reading.key != "model" && !keys.contains(where: { $0.key == reading.key }) {
        keys.append(
          RecipeKey(
            key: reading.key, value: reading.value, default: reading.usual, allowed: reading.allowed,
            meaning: KeyMeanings.meaning(of: reading.key, in: model.name), with: setting))
      }
    }
    var (suitable, failure) = ([Dataset](), (any Error)?.none)
    var choices: [RecipeReading] = []
    for data in try StandIns.all {
      do {
        let readings = try readings(of: model, on: data)
        suitable.append(data)
        choices += readings.filter { reading in !choices.contains { $0.key == reading.key } }
        add(readings, with: nil)
      } catch {
        failure = failure ?? error
      }
    }
    if suitable.isEmpty, let failure { throw failure }
    for reading in choices {
      for choice in reading.choices where choice != reading.value && isOfInterest(reading.key, choice) {
        for data in suitable {
          let setting = "\(reading.key)=\(choice)"
          // What does not go together with the rest of the recipe says nothing of keys.
          if let readings = try? readings(of: model, on: data, setting) { add(readings, with: setting) }
        }
      }
    }
    let sections = keys.map { $0.key.prefix { $0 != "." } }
    return keys.enumerated().sorted { a, b in
      let places = [a, b].map { item in sections.firstIndex(of: item.element.key.prefix { $0 != "." })! }
      return (places[0], a.offset) < (places[1], b.offset)
    }.map(\.element)
  }

  private static func readings(
    of model: any Model.Type, on data: Dataset, _ setting: String? = nil
  ) throws -> [RecipeReading] {
    let recipe = try Recipe.named(model.name)
    // Some recipes leave it to the user.
    if try recipe["data"].text("source") == nil { recipe.set("data.source", text: data.name) }
    try setting.map { try recipe.set($0) }
    _ = try TrainingJob(recipe, data: data)
    return recipe.readings
  }
}

/// Small data of each kind that a model may learn from.
private enum StandIns {
  static var all: [Dataset] {
    get throws {
      let count = 8
      let side = 16
      let rows = ExampleArray((0..<2 * count).map { Float($0 * $0 % 7) }, shape: [2])
      let pictures = ExampleArray((0..<count * side * side).map { UInt8($0 % 251) }, shape: [side, side])
      let labels = ClassLabels(indices: (0..<UInt32(count)).map { $0 % 2 }, count: 2)
      let tokens = ExampleArray((0..<4000).map { UInt8($0 * $0 % 11 % 3) }, shape: [1])
      let letters = ["a", "b", "c"]
      let captions = Captions((0..<count).map { _ in [Caption(words: [0, 1, 2])] }, languages: ["caption"])
      let labelImages = LabelImages(
        ExampleArray((0..<count * side * side).map { UInt8($0 % 2) }, shape: [side, side]),
        LabelImages.Classes(count: 2))
      let raster = Array(
        repeating: Raster(width: 64, height: 64, channels: 1, samples: Array(repeating: 9, count: 64 * 64)), count: 8)
      let kinds: [(String, ExampleSet, [String]?)] = [
        ("classes", try ExampleSet(inputs: rows, labels: labels), nil),
        ("values", try ExampleSet(inputs: rows, targets: ExampleArray((0..<count).map { Float($0) }, shape: [1])), nil),
        ("sequences", try ExampleSet(inputs: rows, sequences: Sequences(lengths: [3, 5])), nil),
        ("text", try ExampleSet(inputs: tokens), letters),
        ("pictures", try ExampleSet(inputs: pictures, labels: labels), nil),
        ("captions", try ExampleSet(inputs: pictures, captions: captions), letters),
        ("whole pictures", try ExampleSet(wholePictures: raster), nil),
        ("label pictures", try ExampleSet(inputs: pictures, labelImages: labelImages), nil),
      ]
      return try kinds.map { try Dataset(name: $0.0, train: $0.1, test: $0.1, vocabulary: $0.2) }
    }
  }
}
