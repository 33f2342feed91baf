import Datasets
import Recipes
import Training

/// What an example of each class counts in what is learned, so that rare classes are not passed over: its log-likelihood is
/// multiplied by the weight of its class. A function of all training examples together, never of a shard.
package struct LabelWeights: Sendable {
  /// One for each class; nil: every example counts as one.
  package let values: [Double]?

  private static let key = "class_weights"
  private static let (none, balanced) = ("none", "balanced")
  private static let bounds = 0...1e6

  /// Reads `class_weights`: `none`, `balanced`, a number for each class, or numbers by class, those of the others being 1.
  /// - Parameter isTrained: whether learning is over, so that the labels are not those that were learned from.
  package init(_ objective: RecipeSection, _ labels: ClassLabels, isTrained: Bool) throws {
    let words = try objective.words(Self.key, default: [Self.none])
    guard words != [Self.none], !isTrained else {
      values = nil
      return
    }
    if words == [Self.balanced] {
      values = Self.balanced(labels)
    } else {
      values = words.contains { $0.contains("=") } ? try Self.named(words, labels) : try Self.listed(words, labels)
      guard values!.contains(where: { $0 > 0 }) else { throw Self.refused(words, "numbers, at least one above 0") }
    }
  }

  /// Where numbers are learned there are no classes to weigh.
  package static func refuse(_ objective: RecipeSection, _ data: Dataset) throws {
    guard try objective.words(key, default: [none]) != [none] else { return }
    throw RecipeError(
      "objective.\(key) weighs classes, and \(data.targetName.map { "'\($0)'" } ?? "the target") is learned as numbers: "
        + "set \(DataKey.targetKind)=classes, or leave it out")
  }

  /// n / (k nᵢ) for n examples of k classes, nᵢ of them of class i, as scikit-learn does it: every class counts the same
  /// in all, and the examples together as many as they are.
  private static func balanced(_ labels: ClassLabels) -> [Double] {
    var counts = [Int](repeating: 0, count: labels.count)
    for label in labels.indices { counts[Int(label)] += 1 }
    let share = Double(labels.indices.count) / Double(max(counts.count { $0 > 0 }, 1))
    return counts.map { $0 > 0 ? share / Double($0) : 1 }
  }

  private static func listed(_ words: [String], _ labels: ClassLabels) throws -> [Double] {
    let numbers = words.compactMap { Double($0) }.filter(bounds.contains)
    guard numbers.count == words.count, numbers.count == labels.count else {
      throw refused(
        words, "none, balanced, \(labels.count) numbers from 0 to 1e6, or a list such as [\(example(labels))]")
    }
    return numbers
  }

  private static func named(_ words: [String], _ labels: ClassLabels) throws -> [Double] {
    let names = labels.shownNames
    var values = [Double](repeating: 1, count: labels.count)
    for word in words {
      // A name may have an equals sign of its own.
      guard let equals = word.lastIndex(of: "="), let number = Double(word[word.index(after: equals)...]),
        bounds.contains(number)
      else { throw refused(words, "a list of NAME=NUMBER with numbers from 0 to 1e6, such as [\(example(labels))]") }
      let name = String(word[..<equals])
      guard let index = names.firstIndex(of: name) else {
        let hint =
          nearest(to: name, among: names).map { "the nearest is \($0)" }
          ?? "it has \(names.prefix(8).joined(separator: ", "))"
        throw RecipeError("objective.\(key) names \(name), which is no class of the data: \(hint)")
      }
      values[index] = number
    }
    return values
  }

  private static func example(_ labels: ClassLabels) -> String { "\(labels.shownNames.first ?? "0")=2" }

  private static func refused(_ words: [String], _ wanted: String) -> RecipeError {
    RecipeError("objective.\(key) is [\(words.prefix(8).joined(separator: ", "))]: it must be \(wanted)")
  }
}
