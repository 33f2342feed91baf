import Foundation
import Training

/// The mushrooms of the UCI repository (Schlimmer 1987): one a line, `e` or `p` for edible or poisonous, then a letter
/// for each attribute. An attribute's letters become one-hot columns, in the order of the alphabet.
public struct MushroomTable: Sendable {
  public let isEdible: [Bool]
  /// One row a mushroom.
  public let features: [Float]
  public let width: Int

  public var count: Int { isEdible.count }

  /// - Throws: `TrainingError` that names the line that is wrong.
  public init(_ path: String) throws(TrainingError) {
    func damaged(_ what: String) -> TrainingError {
      TrainingError(
        .unsuitable, "\(path): \(what)", advice: "name the table agaricus-lepiota.data of the UCI mushroom set")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw damaged("it cannot be read") }
    let rows = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    guard let attributes = rows.first.map({ $0.count - 1 }), attributes > 0 else { throw damaged("it has no columns") }
    for (index, row) in rows.enumerated() {
      guard row.count == attributes + 1, row.allSatisfy({ $0.count == 1 }), row[0] == "e" || row[0] == "p" else {
        throw damaged("line \(index + 1) is not e or p and \(attributes) letters, separated by commas")
      }
    }
    var places: [[Substring: Int]] = []
    var width = 0
    for attribute in 1...attributes {
      let letters = Set(rows.map { $0[attribute] }).sorted()
      places.append(Dictionary(uniqueKeysWithValues: letters.enumerated().map { ($1, width + $0) }))
      width += letters.count
    }
    guard width <= 10_000 else { throw damaged("it has \(width) different letters") }
    var features = [Float](repeating: 0, count: rows.count * width)
    for (index, row) in rows.enumerated() {
      for attribute in 0..<attributes { features[index * width + places[attribute][row[attribute + 1]]!] = 1 }
    }
    isEdible = rows.map { $0[0] == "e" }
    (self.features, self.width) = (features, width)
  }
}
