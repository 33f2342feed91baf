import Datasets
import Foundation
import Tensors
import Training

/// A UCI regression set with its official train and test splits, in the layout of Hernández-Lobato and Adams 2015 and
/// Gal and Ghahramani 2016: `data.txt`, `index_features.txt`, `index_target.txt`, `index_train_k.txt` and
/// `index_test_k.txt`, in the folder of the set or in a folder `data` of it.
public struct UCISplits: Sendable {
  public let name: String
  private let rows: [[Double]]
  private let features: [Int]
  private let target: Int
  private let splits: [(train: [Int], test: [Int])]

  public var count: Int { splits.count }

  /// - Throws: `TrainingError` that names the file and what is wrong with it.
  public init(_ set: String) throws(TrainingError) {
    name = URL(fileURLWithPath: set).lastPathComponent
    // As published, the files lie in a folder beside that of the results.
    func holdsData(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + "data.txt") }
    let folder = !holdsData(set) && holdsData(set + "/data") ? set + "/data" : set
    func path(_ file: String) -> String { folder + "/" + file }
    let rows = try UCISplits.numbers(path("data.txt"))
    guard let width = rows.first?.count, rows.allSatisfy({ $0.count == width }) else {
      throw UCISplits.damaged(path("data.txt"), "its lines do not have as many numbers as the first")
    }
    func indices(_ file: String, below bound: Int) throws(TrainingError) -> [Int] {
      let numbers = try UCISplits.numbers(path(file)).flatMap { $0 }
      guard !numbers.isEmpty, numbers.allSatisfy({ $0 >= 0 && $0 < Double(bound) && $0 == $0.rounded() }) else {
        throw UCISplits.damaged(path(file), "it must hold indices from 0 to \(bound - 1)")
      }
      return numbers.map { Int($0) }
    }
    self.rows = rows
    features = try indices("index_features.txt", below: width)
    target = try indices("index_target.txt", below: width)[0]
    var splits: [(train: [Int], test: [Int])] = []
    while FileManager.default.fileExists(atPath: path("index_train_\(splits.count).txt")) {
      let number = splits.count
      splits.append(
        (
          try indices("index_train_\(number).txt", below: rows.count),
          try indices("index_test_\(number).txt", below: rows.count)
        ))
    }
    guard !splits.isEmpty else { throw UCISplits.damaged(folder, "it has no index_train_0.txt") }
    self.splits = splits
  }

  /// A split's training and test examples; for validation the test examples stay out of sight, and every fifth of the
  /// shuffled training examples takes their place.
  public func dataset(_ split: Int, validation: Bool, seed: UInt64) throws -> Dataset {
    var (train, test) = splits[split]
    if validation {
      let order = RandomKey(seed: seed).at(step: UInt32(split)).permutation(train.count)
      let shuffled = order.map { train[Int($0)] }
      let held = max(shuffled.count / 5, 1)
      (train, test) = (Array(shuffled.dropFirst(held)), Array(shuffled.prefix(held)))
    }
    return try Dataset(name: "\(name), split \(split)", train: examples(train), test: examples(test))
  }

  private func examples(_ indices: [Int]) throws -> ExampleSet {
    try ExampleSet(
      inputs: ExampleArray(indices.flatMap { row in features.map { rows[row][$0] } }, shape: [features.count]),
      targets: ExampleArray(indices.map { rows[$0][target] }, shape: [1]))
  }

  private static func damaged(_ path: String, _ what: String) -> TrainingError {
    TrainingError(.unsuitable, "\(path): \(what)", advice: "name a folder of a UCI set with its official splits")
  }

  /// The numbers of each line that has any.
  private static func numbers(_ path: String) throws(TrainingError) -> [[Double]] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw damaged(path, "it cannot be read")
    }
    var rows: [[Double]] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      let row = words.compactMap { Double($0) }.filter(\.isFinite)
      guard row.count == words.count else { throw damaged(path, "line \(rows.count + 1) is not all numbers") }
      if !row.isEmpty { rows.append(row) }
    }
    return rows
  }
}
