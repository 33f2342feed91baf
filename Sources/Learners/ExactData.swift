import Datasets
import LinearAlgebra
import Recipes
import Tensors
import Training

/// What figures are drawn from.
package struct ExactData {
  package var train: ExactRows
  package var test: ExactRows?
  package let labels: ClassLabels?
  /// Names of the inputs' columns, where they have any.
  package let columns: [String]
  package let targetName: String?
  /// Draws that a figure needs are keyed by the training's seed.
  package let seed: UInt64
  /// Whether the model has been trained: what its training rows fixed is in a checkpoint, and is not computed from these.
  package let isTrained: Bool
  /// How many rows the model is or was trained on.
  package let trainingCount: Int

  /// What a column is called, where its numbers are those of the data.
  package func name(of column: Int) -> String { columnName(column < columns.count ? columns[column] : "\(column)") }

  /// What a column is called, where its numbers are as the model sees them.
  package func column(_ index: Int) -> String { name(of: index) + (train.inputScaling == nil ? "" : " (scaled)") }

  /// What the target is called.
  package var target: String { targetName.map(columnName) ?? "target" }

  /// Takes targets relative to others from here on.
  package mutating func scaleTargets(_ scaling: KeptScaling) {
    train.targetScaling = scaling
    test?.targetScaling = scaling
  }

  /// How often an iteration with several optima starts by default; one of many rows takes long, and less depends on its
  /// start.
  package var restarts: Int { trainingCount <= 10_000 ? 12 : 4 }

  /// Rows that a picture shows at most.
  package static let shownRows = 5000
}

/// A column of a table without names is called by its number.
package func columnName(_ name: String) -> String { Int(name) == nil ? name : "column \(name)" }

extension ExactData {
  /// Reads `data.normalisation`, whose values all suit exact models, and takes the rows with it.
  /// - Parameter targets: what a supervised model learns about each row.
  package init(
    _ data: Dataset, _ recipe: Recipe, seed: UInt64, normalization: Normalization = .none,
    targets: (ExampleSet) throws -> ExactTargets = { _ in .none }
  ) throws {
    let normalization = try recipe["data"].choice("normalisation", default: normalization)
    isTrained = data.reference != nil
    trainingCount = data.trainingCount
    var train = ExactRows(array: data.train.inputs)
    if normalization.usesColumns || normalization == .unit && train.array.kind == .uint8 {
      let scaling = try isTrained ? .init(identity: train.width) : ColumnScaling(normalization, of: train.array)
      train.inputScaling = KeptScaling("inputs", scaling)
    }
    train.targets = try targets(data.train)
    train.sequences = data.train.sequences
    self.train = train
    if let set = data.test {
      test = ExactRows(
        array: set.inputs, targets: try targets(set), inputScaling: train.inputScaling, sequences: set.sequences)
    } else {
      test = nil
    }
    (labels, columns, targetName, self.seed) = (data.train.labels, data.columns, data.targetName, seed)
  }

  /// The same with examples that are sequences: where the data says of none, all rows are one.
  package var asSequences: ExactData {
    var result = self
    result.train.sequences = train.sequences ?? Sequences(whole: train.array.count)
    if let test { result.test!.sequences = test.sequences ?? Sequences(whole: test.array.count) }
    return result
  }
}
