import Computations
import Datasets
import Foundation
import Networks
import Recipes
import Tensors
import Training

/// What a network is to say of each example: a class, or numbers. Numbers are standardized by the training examples
/// alone; everything that is reported is in the units of the data.
public struct Supervision: Sendable {
  public enum Kind: Sendable {
    case classes(count: Int, names: [String])
    case values(count: Int)
  }

  /// What a model learns of its examples.
  public enum Wanted: Sendable { case classes, values }

  /// The examples that are learned from, or those that are held out.
  package enum Part { case train, test }

  public let inputs: NetworkInputs
  public let kind: Kind
  /// What an example of each class counts in the loss; nil: one.
  package private(set) var labelWeights: [Float]?
  private let trainLabels: [UInt32]
  private let trainTargets: ExampleArray?
  package let testLabels: [Int]
  private let testTargets: ExampleArray?
  private let columns: [String]
  private let targetName: String?
  /// Mean and standard deviation of each target's training values; nothing for classes.
  private let targetStatistics: FlatBuffer?

  package init(_ data: Dataset, _ section: RecipeSection, wants: Wanted, default normalization: Normalization) throws {
    inputs = try NetworkInputs(data, section, default: normalization)
    (columns, targetName) = (data.columns, data.targetName)
    switch wants {
    case .classes:
      guard let labels = data.train.labels else {
        throw TrainingError.noClasses(data)
      }
      kind = .classes(count: labels.count, names: labels.names)
      trainLabels = labels.indices
      testLabels = data.test?.labels?.indices.map { Int($0) } ?? []
      (trainTargets, testTargets, targetStatistics) = (nil, nil, nil)
    case .values:
      guard let targets = data.train.targets else {
        throw TrainingError.noNumbers(data)
      }
      let width = targets.elementsPerExample
      kind = .values(count: width)
      (trainLabels, testLabels) = ([], [])
      (trainTargets, testTargets) = (targets, data.test?.targets)
      let scaling = try data.reference == nil ? ColumnScaling(.standard, of: targets) : .init(identity: width)
      targetStatistics = FlatBuffer("targets", columns: [("mean", scaling.offset), ("deviation", scaling.scale)])
    }
  }

  /// Reads what an example of each class counts, of what learns classes.
  package mutating func readLabelWeights(_ objective: RecipeSection, _ data: Dataset) throws {
    guard case .classes = kind else { return try LabelWeights.refuse(objective, data) }
    let weights = try LabelWeights(objective, data.train.labels!, isTrained: data.reference != nil)
    labelWeights = weights.values?.map { Float($0) }
  }

  /// Refuses targets that a likelihood gives no probability.
  package func check(_ likelihood: any Likelihood) throws {
    for targets in [trainTargets, testTargets].compactMap(\.self) {
      try likelihood.support.check(
        targets, "the target", advice: "remove or correct such rows, or choose a model of another likelihood")
    }
  }

  /// What the training data fixed; see `Learner.dataStatistics`.
  package var statistics: [FlatBuffer] { inputs.statistics + (targetStatistics.map { [$0] } ?? []) }

  /// Of each target's training values, in the units of the data; nothing for classes. Those of a checkpoint take their
  /// place, so they are read when they are used.
  public var targetMeans: [Double] { targetStatistics?.numbers("mean") ?? [] }
  public var targetDeviations: [Double] { targetStatistics?.numbers("deviation") ?? [] }

  /// The same as the tensors that steps name.
  package var targetConstants: [Computation.Constant] { targetStatistics?.constants(prefix: "targets/") ?? [] }

  /// What an input and a target are called.
  package func name(of input: Int) -> String { columnName(input < columns.count ? columns[input] : "\(input)") }
  package func target(_ index: Int) -> String {
    guard width > 1 else { return targetName.map(columnName) ?? "target" }
    // Target columns of a table have a name each, an array has one for all.
    let names = targetName?.components(separatedBy: ", ") ?? []
    return names.count == width ? columnName(names[index]) : "\(targetName ?? "target") \(index)"
  }

  /// The number of classes, or of targets, to predict for an example.
  public var width: Int {
    switch kind {
    case .classes(let count, _), .values(let count): count
    }
  }

  public var classNames: [String] {
    if case .classes(_, let names) = kind { names } else { [] }
  }

  /// What each class is called: its index where the data does not name it.
  package var shownNames: [String] { ClassLabels.shown(classNames, count: width) }

  /// What is wrong with other inputs, or nothing: they must be of the shape and type of the training data.
  package func mismatch(_ array: ExampleArray) -> String? {
    guard array.elementsPerExample == inputs.width else {
      return "its examples have \(array.elementsPerExample) numbers, the training data's have \(inputs.width)"
    }
    guard (array.kind == .uint8) == (inputs.train.kind == .uint8) else {
      return "its numbers are \(array.kind.rawValue), the training data's \(inputs.train.kind.rawValue)"
    }
    return nil
  }

  package func labels(_ examples: [UInt32], of part: Part = .train) -> [UInt32] {
    switch part {
    case .train: examples.map { trainLabels[Int($0)] }
    case .test: examples.map { UInt32(testLabels[Int($0)]) }
    }
  }

  /// Targets, [n, width], standardized or in the units of the data.
  package func targets(_ examples: [UInt32], of part: Part = .train, isStandardized: Bool = true) -> Tensor {
    let result = Tensor(uninitialized: [examples.count, width])
    let (means, deviations) = (targetMeans, targetDeviations)
    let targets = (part == .train ? trainTargets : testTargets)!
    for (row, example) in examples.enumerated() {
      for column in 0..<width {
        let value = targets.number(Int(example) * width + column)
        result.pointer[row * width + column] =
          isStandardized ? Float((value - means[column]) / deviations[column]) : Float(value)
      }
    }
    return result
  }

  /// A test target in the units of the data.
  package func testTarget(_ example: Int, _ column: Int) -> Double { testTargets!.number(example * width + column) }

  /// How many test examples have an answer.
  package var testCount: Int {
    switch kind {
    case .classes: testLabels.count
    case .values: testTargets?.count ?? 0
    }
  }
}
