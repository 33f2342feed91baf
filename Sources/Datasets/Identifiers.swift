/// What each of some examples is called in the data, such as a customer's number: for whoever reads predictions.
public struct Identifiers: Sendable, Equatable {
  /// What the column is called.
  public let name: String
  /// One an example.
  public let values: [String]

  public init(name: String, values: [String]) { (self.name, self.values) = (name, values) }

  func gathering(_ indices: [UInt32]) -> Identifiers {
    Identifiers(name: name, values: indices.map { values[Int($0)] })
  }

  subscript(range: Range<Int>) -> Identifiers { Identifiers(name: name, values: Array(values[range])) }
}

extension Table {
  /// Names of columns that say which row is which, where the request names none.
  private static let identifierNames = ["id", "identifier", "key", "uuid"]

  /// The column that says which row is which, as the request names it; of a table to predict from or to evaluate, which
  /// need not have it, also one with such a name that is not used otherwise.
  func identifierColumn(_ request: DataRequest, apartFrom used: [Int]) throws(DataError) -> Int? {
    let isShown = request.schema != nil
    if let name = request.identifier, !isShown || layout.names.contains(name) {
      return try layout.index(of: name, .identifier, file: file)
    }
    guard isShown else { return nil }
    return columns.indices.first { index in
      !used.contains(index) && Self.identifierNames.contains(columns[index].name.lowercased())
    }
  }

  /// What some rows are called. Training needs no names, so they are read only of data that a trained model is shown.
  func identifiers(
    _ request: DataRequest, rows: [Int], apartFrom used: [Int]
  ) throws(DataError) -> Identifiers? {
    guard request.schema != nil, let column = try identifierColumn(request, apartFrom: used) else { return nil }
    let cells = try texts(ofColumn: column)
    return Identifiers(name: columns[column].name, values: rows.map { cells[$0] })
  }
}
