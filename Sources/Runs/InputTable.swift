import Datasets
import Training

/// A table in memory, to predict from: columns by name. It is read as a file of CSV is, so that both give the same numbers.
package struct InputTable: Sendable {
  package enum Cells: Sendable {
    /// NaN where there is no value.
    case numbers([Double])
    /// Dates, percentages or values of one-hot columns; empty where there is no value.
    case texts([String])

    package var count: Int {
      switch self {
      case .numbers(let numbers): numbers.count
      case .texts(let texts): texts.count
      }
    }
  }

  private let columns: [(name: String, cells: Cells)]

  /// - Parameter columns: of equally many cells, at least one of each.
  package init(_ columns: [(name: String, cells: Cells)]) { self.columns = columns }

  /// As CSV with a header, numbers with the decimal mark that the data has.
  fileprivate func text(_ decimal: DecimalRule) -> [UInt8] {
    var text = columns.map { quoted($0.name) }.joined(separator: ",") + "\n"
    for row in 0..<columns[0].cells.count {
      for (index, column) in columns.enumerated() {
        if index > 0 { text += "," }
        switch column.cells {
        case .numbers(let numbers):
          let number = numbers[row].isNaN ? "" : "\(numbers[row])"
          text += quoted(decimal == .comma ? number.replacing(".", with: ",") : number)
        case .texts(let texts): text += quoted(texts[row])
        }
      }
      text += "\n"
    }
    return Array(text.utf8)
  }

  private func quoted(_ field: String) -> String { "\"" + field.replacing("\"", with: "\"\"") + "\"" }
}

extension Run {
  /// What inputs in memory are called in errors.
  private static let inputsName = "the inputs"

  /// The columns of a table that inputs come from, in order; empty where inputs are not a table whose columns all have
  /// distinct names.
  package var inputColumns: [InputColumn] {
    let names = schema.sourceColumns
    guard !names.isEmpty, Set(names).count == names.count else { return [] }
    let request = job.dataRequest
    let texts = Set(schema.levels.map(\.column) + request.dates + request.percent)
    let sequence = request.sequence.map { [InputColumn(name: $0, isText: true)] } ?? []
    return sequence + names.map { InputColumn(name: $0, isText: texts.contains($0)) }
  }

  package struct InputColumn: Sendable, Equatable {
    package let name: String
    /// Whether its cells are texts: dates, percentages or the values of a one-hot column.
    package let isText: Bool
  }

  /// Reads a table in memory as `examples(from:)` reads a file. Every row stays: a missing value that the model cannot
  /// deal with is an error.
  package func examples(of table: InputTable) throws -> ExampleSet {
    var request = inputRequest(Run.inputsName)
    (request.format, request.header, request.delimiter, request.skip) = (.table, .present, .comma, 0)
    if request.missing == .drop { request.missing = .error }
    let bytes = table.text(request.decimal)
    let place = DataPlace(file: Run.inputsName)
    let storage = try ByteStorage.allocate(byteCount: bytes.count, for: place) { (buffer) throws(DataError) in
      buffer.copyBytes(from: bytes)
    }
    let train = try DataSource.interpret(ByteRegion(storage), request, path: Run.inputsName).train
    return try fitting(ExampleSet(inputs: train.inputs, sequences: train.sequences), Run.inputsName)
  }

  /// Examples of an array in memory, as `examples(from:)` has those of an NPY file.
  /// - Parameter bytes: little-endian numbers in C order.
  package func examples(_ bytes: [UInt8], of scalar: ScalarType, shape: [Int]) throws -> ExampleSet {
    let array = try RawArray(
      littleEndian: bytes, scalar: scalar, shape: shape, place: DataPlace(file: Run.inputsName))
    let inputs = try array.finiteExamples(allowingNaN: job.dataRequest.missing == .keep)
    return try fitting(ExampleSet(inputs: inputs), Run.inputsName)
  }
}
