import Datasets
import Figures
import LinearAlgebra
import Statistics
import Tensors
import Training

/// A model of sufficient statistics whose parameters can be kept in flat buffers of doubles, and which says what it
/// found.
package protocol FlatStatisticsModel: StatisticsModel {
  /// The slots of what is learnt.
  var parameterLayout: Layout { get }
  func write(_ parameters: Parameters, to buffer: FlatBuffer)
  /// - Throws: `ExactError` for numbers that are no parameters of this model.
  func read(_ buffer: FlatBuffer) throws -> Parameters

  /// The slots of where the iteration is, from which it goes on bit for bit; as a rule those of what is learnt.
  var searchLayout: Layout { get }
  func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer)
  func readSearch(_ buffer: FlatBuffer) throws -> Parameters

  /// Parameters to start from. Another draw of the generator is another start; restart 0 may be the recipe's own.
  func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters

  /// Whether an iteration climbs to one of several optima, so that restarts are compared where they end, end in the same
  /// or in different ones, and go on from the best.
  var climbs: Bool { get }
  /// Parameters to start from that are a move away from the best so far; nil: there is no such move.
  func start(from sample: Observations, moving best: Parameters, move: Int) throws -> Parameters?
  /// Whether parameters have a high objective for a reason that says nothing of the data: others are preferred.
  func isDegenerate(_ parameters: Parameters, rows: Int) -> Bool

  /// What is evaluated on held-out rows, one sum over rows for each name.
  var evaluationMetrics: [String] { get }
  func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws
  /// What means over rows are reported as.
  func report(_ means: [String: Double]) -> [String: Double]
  /// The metrics that a fit reports with its objective, by the number of rows.
  func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double]
  /// What the user of a fit must know, in a sentence; nil: nothing.
  func caution(_ parameters: Parameters) -> String?

  /// What the model says of new rows: numbers or vectors for each.
  func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction]
  /// What the model says of new rows that may be the elements of sequences.
  func predict(_ observations: Observations, _ parameters: Parameters) throws -> [RowPrediction]
  /// Whether an example is a sequence of rows.
  var learnsSequences: Bool { get }

  /// Adds what a learner of this model can do besides learning and predicting.
  func add(to offers: inout Offers, of learner: StatisticsLearner<Self>)
  /// Training rows that a learner keeps, to show them beside samples; nil: none.
  func shownRows(of data: ExactData) throws -> FlatBuffer?

  func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure]
  /// Pictures of the way from a start, and of what was learnt in the end.
  func stepFigures(_ data: ExactData, from start: Parameters, to end: Parameters) throws -> [Figure]
}

/// A model that adds to another one how its parameters are kept and what they say; the other one makes the statistics and
/// learns from them.
package protocol WrappingModel: FlatStatisticsModel where Parameters == Wrapped.Parameters, Scratch == Wrapped.Scratch {
  associatedtype Wrapped: StatisticsModel
  var wrapped: Wrapped { get }
}

extension WrappingModel {
  package var statisticsCount: Int { wrapped.statisticsCount }
  package func makeScratch() -> Scratch { wrapped.makeScratch() }

  package func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: Scratch
  ) throws(ExactError) {
    try wrapped.accumulate(observations, parameters: parameters, into: statistics, scratch: scratch)
  }

  package func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    try wrapped.update(parameters, statistics: statistics)
  }
}

extension FlatStatisticsModel {
  package var searchLayout: Layout { parameterLayout }
  package func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) { write(parameters, to: buffer) }
  package func readSearch(_ buffer: FlatBuffer) throws -> Parameters { try read(buffer) }
  package var climbs: Bool { false }
  package func start(from sample: Observations, moving best: Parameters, move: Int) throws -> Parameters? { nil }
  package func isDegenerate(_ parameters: Parameters, rows: Int) -> Bool { false }
  package func report(_ means: [String: Double]) -> [String: Double] { means }
  package func caution(_ parameters: Parameters) -> String? { nil }
  package var learnsSequences: Bool { false }
  package func predict(_ observations: Observations, _ parameters: Parameters) throws -> [RowPrediction] {
    try predict(observations.inputs, parameters)
  }
  package func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {}
  package func shownRows(of data: ExactData) throws -> FlatBuffer? { nil }
  package func stepFigures(_ data: ExactData, from start: Parameters, to end: Parameters) throws -> [Figure] { [] }
}

extension RowPrediction {
  package init(_ name: String, _ matrix: Matrix, kind: Kind = .real) {
    self.init(name, shape: [matrix.columns], matrix.elements, kind: kind)
  }
}

extension FlatBuffer {
  /// A buffer whose slots hold a number for each column.
  package convenience init(_ name: String, columns: [(name: String, values: [Double])], precision: Precision = .float64)
  {
    var layout = Layout()
    for column in columns { layout.add(column.name, [column.values.count]) }
    self.init(name, layout, precision: precision)
    for column in columns {
      guard precision == .float32 else {
        fill(column.name, column.values)
        continue
      }
      let start = layout[column.name]!.offset
      for (index, value) in column.values.enumerated() { float32[start + index] = Float(value) }
    }
  }

  /// Sets the numbers of the slot of a name.
  package func fill(_ name: String, _ values: [Double]) {
    let slot = doubles(layout[name]!)
    precondition(slot.count == values.count, "as many numbers as \(name) holds")
    _ = slot.update(fromContentsOf: values)
  }

  /// The numbers of the slot of a name.
  package func numbers(_ name: String) -> [Double] { Array(doubles(layout[name]!)) }

  /// The numbers of the slot of a name as a matrix of its shape.
  package func matrix(_ name: String) -> Matrix {
    let slot = layout[name]!
    return Matrix(rows: slot.shape[0], columns: slot.shape[1], elements: numbers(name))
  }
}
