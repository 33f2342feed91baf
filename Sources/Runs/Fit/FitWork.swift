/// What trainings cost, in units: one example times one parameter. How long a unit takes is the one number that is measured
/// of a machine, and plans alone use it.
package struct FitWork: Sendable {
  package let rows: Int
  private let columns: Int
  private let outputs: Int
  /// Multiplications of one example in a plain network.
  private let parameters: Double

  /// Units that a step takes whatever its size: the start of each operation, and the optimizer.
  private static let overhead = 1e6
  /// Units of one hidden layer's parameters: networks of the spaces differ by less than the rest of the model is wrong.
  private static let hidden = 100.0
  /// Of the start of a training, its evaluations and its files.
  static let start = 5e8
  private static let exactStart = 1e8
  /// More rows of a Gaussian process, and columns of a density, are not learned from.
  private static let mostProcessRows = 5000
  private static let mostDensityColumns = 500
  /// Iterations of all restarts of two groups or states.
  private static let climbs = 2000.0
  /// More weights of an exact model are not learned: the matrix of their moments is too large.
  private static let mostWeights = 5000.0
  /// Evaluations of a Gaussian process's marginal likelihood. Measured with 430 and 768 rows of 8 columns, one takes rows³ and,
  /// for each column, 75 rows².
  static let evaluations = 40
  private static let kernelColumn = 75.0

  /// - Parameter rows: how many are trained on.
  package init(_ reading: FitReading, rows: Int) {
    (self.rows, columns, outputs) = (rows, reading.width, reading.outputs)
    parameters =
      reading.shape.isEmpty ? FitWork.hidden * Double(columns + outputs + 1) : FitWork.lenet(reading.shape)
  }

  /// Of the architecture `lenet`: two convolutions of 5 × 5, each with a pooling behind, and the first dense layer.
  private static func lenet(_ shape: [Int]) -> Double {
    let channels = shape.count == 3 ? shape[2] : 1
    let sides = shape.prefix(2).map { max($0, 32) - 4 }
    let pooled = sides.map { $0 / 2 - 4 }
    let first = sides[0] * sides[1] * 25 * 6 * channels
    let second = pooled[0] * pooled[1] * 25 * 6 * 16
    let dense = (pooled[0] / 2) * (pooled[1] / 2) * 16 * 120
    return Double(first + second + dense)
  }

  package var batch: Int { rows >= 5000 ? 128 : min(32, max(rows / 2, 1)) }

  /// Of a step of a plain network.
  package var step: Double { FitWork.overhead + Double(batch) * parameters }

  /// Of the validation examples, each a forward pass for each sample: a third of a step's work.
  func evaluation(samples: Int) -> Double {
    Double(rows) * FitPlan.validation / (1 - FitPlan.validation) * Double(samples) * parameters / 3
  }

  /// Of two groups or states.
  var density: Double {
    FitWork.exactStart + FitWork.climbs * Double(rows) * Double((columns + 1) * (columns + 1))
  }

  /// Of an exact model.
  func exact(_ family: FitFamily) -> Double {
    let (rows, columns, outputs) = (Double(rows), Double(columns + 1), Double(outputs))
    switch family.recipe {
    case "gaussian-process":
      return self.rows <= FitWork.mostProcessRows
        ? FitWork.exactStart + family.factor * Double(FitWork.evaluations) * rows * rows
          * (rows + FitWork.kernelColumn * columns) : .infinity
    case "gmm", "variational-gmm", "hmm", "lds", "ppca":
      return self.columns <= FitWork.mostDensityColumns ? density * family.factor : .infinity
    default:
      // Of numbers the matrix has a row for each weight or each example, whatever is less.
      let size = outputs > 1 ? columns * outputs : min(columns, rows)
      guard size <= FitWork.mostWeights else { return .infinity }
      return rows * columns * size + size * size * size
    }
  }
}
