import BayesianNetworks
import Datasets
import Foundation
import Recipes

/// How many Monte Carlo samples a prediction takes.
///
/// A whole number stands for so many: `run.predict(inputs, samples: 100)`.
public enum SampleCount: Sendable, ExpressibleByIntegerLiteral {
  /// So many, or as many as differ: a plain network has one.
  case count(Int)
  /// As many as leave no mean with a standard error above the tolerance: of a probability, or of a number relative to
  /// its standard deviation. They are doubled from 64 on, up to the limit.
  case automatic(tolerance: Double = 0.01, limit: Int = 10_000)

  public init(integerLiteral count: Int) { self = .count(count) }

  /// The number of samples, for what is not made of as many as a tolerance asks for.
  /// - Parameter needy: what needs a number, with its verb: `captions need`.
  /// - Throws: `RecipeError` for a tolerance.
  func number(for needy: String) throws(RecipeError) -> Int {
    guard case .count(let count) = self else {
      throw RecipeError("samples is auto: \(needy) a number of samples")
    }
    return count
  }

  /// - Throws: `RecipeError` for numbers that make no sense.
  package func validate() throws(RecipeError) {
    let bounds = 1...1_000_000
    switch self {
    case .count(let count):
      guard bounds.contains(count) else {
        throw RecipeError("samples is \(count): it must be from 1 to \(bounds.upperBound)")
      }
    case .automatic(let tolerance, let limit):
      guard tolerance > 0, bounds.contains(limit) else {
        throw RecipeError("tolerance must be above 0, and limit from 1 to \(bounds.upperBound)")
      }
    }
  }
}

/// What a run says of some examples, as named columns, and how sure it is.
///
/// A Monte Carlo prediction of classes has `mean`, `std`, `mean_error` and `quantiles` of each probability, and
/// `entropy`, `expected_entropy` and `mutual_information` with their errors. One of numbers has `mean`, `std`,
/// `mean_error`, `aleatoric_variance`, `epistemic_variance` and `quantiles` with their errors, in the units of the data.
/// Models in closed form have columns of their own, such as `responsibilities`.
///
/// ```swift
/// let predictions = try run.predict(inputs, samples: 100)
/// let probabilities = predictions["mean"]!.values
/// try predictions.write(to: "predictions.npz")
/// ```
public struct Predictions: Sendable {
  /// Numbers for each example.
  public struct Column: Sendable {
    public let name: String
    /// The number of examples, then the shape of one example's numbers.
    public let shape: [Int]
    /// Example after example.
    public let values: [Double]
    /// What the numbers stand for.
    package var kind = RowPrediction.Kind.real
  }

  /// Samples of examples that were not computed.
  public struct Missing: Sendable, Hashable {
    public var samples: Range<Int>
    public var examples: Range<Int>

    package init(samples: Range<Int>, examples: Range<Int>) { (self.samples, self.examples) = (samples, examples) }
  }

  /// How many examples there are.
  public let examples: Int
  public private(set) var columns: [Column]
  /// How many Monte Carlo samples were taken; nil: the model predicts in closed form.
  public let samples: Int?
  /// The greatest standard error of a mean that the number of samples leaves; nil: the model predicts in closed form.
  public let greatestError: Double?
  /// What nodes did not compute; empty when one process has computed everything.
  public let missing: [Missing]
  /// Why fewer samples were taken than the tolerance needs, in one line; nil: it was met, or there was none.
  public let shortfall: String?
  /// The names of the classes in the order of `mean`'s columns; empty where the data does not name them, or where numbers
  /// are predicted.
  public let classNames: [String]
  /// The names of the targets in the order of `mean`'s columns; empty where classes are predicted, or nothing is.
  public let targetNames: [String]
  /// The names of the inputs' columns; empty where they have none.
  let inputNames: [String]
  /// What the examples are called; nil: by their row.
  public private(set) var identifiers: [String]?
  /// The number of each example's row in the data, where some rows have empty cells and are no examples; nil: its index.
  public private(set) var rows: [Int]?
  /// How many rows of the data were left out.
  public private(set) var leftOut = 0
  /// Whether `mean` holds probabilities of classes.
  let isClassification: Bool
  /// How many samples there are of each example, where nodes computed them and some are missing.
  private let sampleCounts: [Int]?

  /// The probabilities of the columns `quantiles`.
  public let quantileLevels: [Double]

  /// The same with more columns.
  func adding(_ more: [Column]) -> Predictions {
    var result = self
    result.columns += more
    return result
  }

  /// The same with what the examples are called.
  package func identified(by identifiers: Identifiers?) -> Predictions {
    guard let identifiers, identifiers.rows.count == examples else { return self }
    var result = self
    if identifiers.name != nil { result.identifiers = identifiers.values }
    if identifiers.leftOut > 0 { (result.rows, result.leftOut) = (identifiers.rows, identifiers.leftOut) }
    return result
  }

  private static func targetNames(_ schema: Schema, isClassification: Bool) -> [String] {
    guard !isClassification, let targets = schema.targets, let name = schema.targetName else { return [] }
    let names = name.components(separatedBy: ", ")
    return names.count == targets.shape.reduce(1, *) ? names : []
  }

  /// A column by its name.
  public subscript(name: String) -> Column? { columns.first { $0.name == name } }

  package init(
    _ table: PredictionTable, of learner: any Predicting, schema: Schema, examples: Int, asked: SampleCount,
    missing: [Missing] = []
  ) {
    self.examples = examples
    (isClassification, classNames) = (learner.isClassifier, learner.isClassifier ? schema.classes?.names ?? [] : [])
    targetNames = Predictions.targetNames(schema, isClassification: learner.isClassifier)
    columns = table.columns.map { Column(name: $0.name, shape: $0.shape, values: $0.values) }
    inputNames = schema.columns
    (samples, greatestError, sampleCounts) = (table.samples, table.greatestError, table.sampleCounts)
    quantileLevels = PredictionTable.quantileLevels
    self.missing = missing
    if case .automatic(let tolerance, _) = asked, table.greatestError > tolerance {
      let cause = learner.sampleCount(.max) <= table.samples ? "there are no more of them" : "raise --limit"
      shortfall = "the tolerance \(tolerance) was not met with \(table.samples) samples; \(cause)"
    } else {
      shortfall = nil
    }
  }

  init(
    _ predictions: [RowPrediction], schema: Schema, examples: Int,
    quantileLevels: [Double] = PredictionTable.quantileLevels
  ) {
    (self.examples, self.quantileLevels) = (examples, quantileLevels)
    // Of the models in closed form, those that learn classes predict the parts of an entropy.
    isClassification = predictions.contains { $0.name == "mean" } && predictions.contains { $0.name == "entropy" }
    classNames = isClassification ? schema.classes?.names ?? [] : []
    targetNames = Predictions.targetNames(schema, isClassification: isClassification)
    columns = predictions.map {
      Column(name: $0.name, shape: [examples] + $0.shape, values: $0.values, kind: $0.kind)
    }
    inputNames = schema.columns
    (samples, greatestError, sampleCounts, missing, shortfall) = (nil, nil, nil, [], nil)
  }

  /// Finds out whether predictions can be written to a place, before a long computation. Nothing is left there.
  package static func checkWritable(_ path: String) throws {
    _ = try PredictionFormat(path: path)
    _ = try NPZWriter(path)
  }

  /// Writes a file of the kind that its extension names: `.npz` has the columns, `quantile_levels`, `samples`, what is
  /// missing, and the names of examples, classes and targets, as arrays; `.csv` and `.jsonl` have a row or an object an
  /// example; `.npy` has `mean`, or the only column.
  /// - Throws: `RecipeError` for another extension, `DataError` or `FileError` when the file cannot be written.
  public func write(to path: String) throws {
    switch try PredictionFormat(path: path) {
    case .npz: try writeArchive(to: path)
    case .npy: try writeArray(to: path)
    case .csv: try writeCSV(to: path)
    case .jsonl: try writeJSONLines(to: path)
    }
  }

  private func writeArray(to path: String) throws {
    guard let column = self["mean"] ?? (columns.count == 1 ? columns[0] : nil) else {
      throw RecipeError(
        "\(path): an .npy file holds one array, and this prediction has \(columns.map(\.name).joined(separator: ", ")): name an .npz file"
      )
    }
    try NPY.write(column.values, shape: column.shape, to: path)
  }

  private func writeArchive(to path: String) throws {
    var writer = try NPZWriter(path)
    for column in columns { try writer.add(column.name, column.values, shape: column.shape) }
    let levels = quantileLevels
    if samples != nil || self["quantiles"] != nil { try writer.add("quantile_levels", levels, shape: [levels.count]) }
    if let samples { try writer.add("samples", [Int64(samples)], shape: []) }
    if let sampleCounts {
      try writer.add("sample_counts", sampleCounts.map { Int64($0) }, shape: [sampleCounts.count])
      // Rows of first sample, count, first example, count.
      let rows = missing.flatMap { part in
        [part.samples.lowerBound, part.samples.count, part.examples.lowerBound, part.examples.count].map { Int64($0) }
      }
      try writer.add("missing", rows, shape: [missing.count, 4])
    }
    if let rows { try writer.add("row", rows.map { Int64($0) }, shape: [rows.count]) }
    let names = [("identifier", identifiers ?? []), ("class_names", classNames), ("target_names", targetNames)]
    for (name, texts) in names where !texts.isEmpty && self[name] == nil { try writer.add(name, texts) }
    try writer.finish()
  }
}
