import Datasets
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// Examples as rows of numbers for the exact models, with their targets where a model wants them: as they lie in memory
/// or in a mapped file where their kind allows it, converted piece by piece where it does not, so that data larger than
/// memory can be swept.
package struct ExactRows: Sendable {
  package let array: ExampleArray
  package var targets: ExactTargets
  package var inputScaling: KeptScaling?
  package var targetScaling: KeptScaling?
  /// Where the sequences begin that the rows are the elements of; an example is then a sequence.
  package var sequences: Sequences?

  package init(
    array: ExampleArray, targets: ExactTargets = .none, inputScaling: KeptScaling? = nil,
    targetScaling: KeptScaling? = nil, sequences: Sequences? = nil
  ) {
    (self.array, self.targets, self.sequences) = (array, targets, sequences)
    (self.inputScaling, self.targetScaling) = (inputScaling, targetScaling)
  }

  /// Rows that are converted at a time: bytes become doubles in a scratch of this many rows.
  private static let pieceLength = 4096
  /// Bytes that are lent at a time.
  private static let pieceBytes = 4 << 20

  /// How many examples: sequences, or rows.
  package var count: Int { sequences?.count ?? array.count }
  /// The rows without what they are the sequences of.
  package var elements: ExactRows {
    var rows = self
    rows.sequences = nil
    return rows
  }
  package var width: Int { array.elementsPerExample }
  /// What is done to the inputs; nothing where they are taken as they are.
  package var scaling: ColumnScaling? { inputScaling?.scaling }

  /// Rows as the model sees them, in the units of the data.
  package func restored(_ rows: Matrix) -> Matrix {
    guard let scaling else { return rows }
    var rows = rows
    for i in 0..<rows.rows {
      for j in 0..<rows.columns { rows[i, j] = scaling.restored(rows[i, j], column: j) }
    }
    return rows
  }

  /// Hands the examples of a range to `body`, in order, in one block or several, each with the number of its first row.
  /// A block of sequences holds whole ones.
  /// - Throws: `TrainingError` for what a model says about the rows, with the row's number in the data.
  package func forEachBlock(_ range: Range<Int>, _ body: (_ first: Int, _ block: Observations) throws -> Void) throws {
    guard !range.isEmpty else { return }
    let isDirect = inputScaling == nil && targetScaling == nil && array.kind != .uint8 && targets.areDirect
    let length = isDirect ? max(ExactRows.pieceBytes / (width * array.kind.size), 1) : ExactRows.pieceLength
    for part in sequences?.pieces(of: range, elements: length) ?? range.pieces(of: length) {
      let piece = sequences?.elements(of: part) ?? part
      let starts = sequences?.stretch(part).starts
      func handOver(_ block: Observations) throws {
        var block = block
        block.starts = starts
        try body(piece.lowerBound, block)
      }
      try saying(from: piece.lowerBound) {
        if isDirect { try direct(piece, handOver) } else { try converted(piece, handOver) }
      }
      // A mapped file then takes no more memory than a piece for each lane.
      array.releaseResident(piece)
      targets.releaseResident(piece)
    }
  }

  /// Lends the rows where they lie, inputs and targets both being as the models read them.
  private func direct(_ piece: Range<Int>, _ body: (Observations) throws -> Void) throws {
    try array.withRows(piece) { rows in
      guard case .values(let values) = targets else { return try body(Observations(inputs: rows)) }
      try values.withRows(piece) { try body(Observations(inputs: rows, targets: $0)) }
    }
  }

  private func converted(_ piece: Range<Int>, _ body: (Observations) throws -> Void) throws {
    var inputs = array.doubles(piece)
    scaling?.apply(to: &inputs)
    var wanted = targets.doubles(piece)
    if let targetScaling, wanted != nil { targetScaling.scaling.apply(to: &wanted!) }
    try inputs.withUnsafeBufferPointer { inputs in
      let rows = RowBlock(inputs.baseAddress!, count: piece.count, dimension: width)
      guard let wanted else { return try body(Observations(inputs: rows)) }
      try wanted.withUnsafeBufferPointer { values in
        let columns = values.count / piece.count
        try body(
          Observations(
            inputs: rows, targets: RowBlock(values.baseAddress!, count: piece.count, dimension: columns)))
      }
    }
  }

  /// Rows chosen by their numbers, ascending, copied as doubles. A few at a time: the system brings in the neighbours of
  /// each page that is touched, so that ten thousand rows here and there would be most of a mapped file.
  package func gathering(_ indices: [UInt32]) throws -> (inputs: Matrix, targets: Matrix?) {
    var (inputs, wanted): ([Double], [Double]) = ([], [])
    inputs.reserveCapacity(indices.count * width)
    for start in stride(from: 0, to: indices.count, by: 64) {
      let few = Array(indices[start..<min(start + 64, indices.count)])
      let chosen = try ExactRows(
        array: array.gathering(few), targets: targets.gathering(few), inputScaling: inputScaling,
        targetScaling: targetScaling
      ).matrices()
      inputs += chosen.inputs.elements
      wanted += chosen.targets?.elements ?? []
      array.releaseResident(0..<array.count)
      targets.releaseResident(0..<array.count)
    }
    return (
      Matrix(rows: indices.count, columns: width, elements: inputs),
      wanted.isEmpty
        ? nil : Matrix(rows: indices.count, columns: wanted.count / indices.count, elements: wanted)
    )
  }

  /// All rows, or the first of them, copied as doubles.
  package func matrices(first count: Int? = nil) throws -> (inputs: Matrix, targets: Matrix?) {
    let count = min(count ?? array.count, array.count)
    var (inputs, wanted): ([Double], [Double]) = ([], [])
    inputs.reserveCapacity(count * width)
    try elements.forEachBlock(0..<count) { _, block in
      inputs += block.inputs.matrix.elements
      if let targets = block.targets { wanted += targets.matrix.elements }
    }
    return (
      Matrix(rows: count, columns: width, elements: inputs),
      wanted.isEmpty ? nil : Matrix(rows: count, columns: wanted.count / count, elements: wanted)
    )
  }
}

extension Range<Int> {
  /// The range cut into pieces of a length, the last of what is left.
  fileprivate func pieces(of length: Int) -> [Range<Int>] {
    stride(from: lowerBound, to: upperBound, by: length).map { $0..<Swift.min($0 + length, upperBound) }
  }
}

/// What a model is to learn about each row.
package enum ExactTargets: Sendable {
  case none
  case values(ExampleArray)
  case classes(ClassLabels)

  /// Whether models can read them where they lie.
  fileprivate var areDirect: Bool {
    switch self {
    case .none: true
    case .values(let values): values.kind != .uint8
    case .classes: false
    }
  }

  fileprivate func releaseResident(_ range: Range<Int>) {
    if case .values(let values) = self { values.releaseResident(range) }
  }

  fileprivate func doubles(_ range: Range<Int>) -> [Double]? {
    switch self {
    case .none: nil
    case .values(let values): values.doubles(range)
    case .classes(let labels): labels.indices[range].map(Double.init)
    }
  }

  fileprivate func gathering(_ indices: [UInt32]) throws -> ExactTargets {
    switch self {
    case .none: .none
    case .values(let values): .values(try values.gathering(indices))
    case .classes(let labels):
      .classes(
        ClassLabels(indices: indices.map { labels.indices[Int($0)] }, count: labels.count, names: labels.names))
    }
  }
}

extension ExampleArray {
  /// Lends rows of floats or doubles where they lie.
  fileprivate func withRows(_ range: Range<Int>, _ body: (RowBlock) throws -> Void) throws {
    let width = elementsPerExample
    switch kind {
    case .float64:
      try withUnsafeBufferPointer(as: Double.self) { values in
        try body(RowBlock(values.baseAddress! + range.lowerBound * width, count: range.count, dimension: width))
      }
    case .float32:
      try withUnsafeBufferPointer(as: Float.self) { values in
        try body(RowBlock(values.baseAddress! + range.lowerBound * width, count: range.count, dimension: width))
      }
    case .uint8: preconditionFailure("bytes are converted")
    }
  }
}

/// A scaling in the buffer that a checkpoint holds, whose numbers take the place of those of the training data.
package struct KeptScaling: Sendable {
  package let buffer: FlatBuffer

  /// - Parameter name: of what is scaled, in a checkpoint.
  package init(_ name: String, _ scaling: ColumnScaling) {
    buffer = FlatBuffer(name, columns: [("offset", scaling.offset), ("factor", scaling.factor)])
  }

  package var scaling: ColumnScaling {
    ColumnScaling(offset: buffer.numbers("offset"), factor: buffer.numbers("factor"))
  }
}

/// Does something with an exact model, and says what it has to say as the user should hear it: data that does not suit
/// is a mistake in what was asked, a matrix that collapses on the way is a training that failed.
/// - Parameter first: the number in the data of the first row that the model sees.
package func saying<Result>(from first: Int = 0, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as ExactError {
    let row = error.row.map { " at row \(first + $0)" } ?? ""
    let isTraining = [ExactError.Code.singular, .notConverged].contains(error.code)
    throw TrainingError(
      isTraining ? .diverged : .unsuitable, "\(error.code.rawValue)\(row) while \(error.doing)", advice: error.remedy)
  }
}
