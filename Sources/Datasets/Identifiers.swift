/// The rows of the data that examples come from, with their names, such as customers' numbers. Files of predictions repeat
/// both.
public struct Identifiers: Sendable, Equatable {
  /// What the column is called; nil: the data has none.
  public let name: String?
  /// One an example; none where the data has no such column.
  public let values: [String]
  /// The number of each example's row, from 0.
  public let rows: [Int]
  /// How many rows of the data are no examples, since they have empty cells.
  public let leftOut: Int

  public init(name: String?, values: [String], rows: [Int]? = nil, leftOut: Int = 0) {
    (self.name, self.values, self.rows, self.leftOut) = (name, values, rows ?? Array(values.indices), leftOut)
  }

  func gathering(_ indices: [UInt32]) -> Identifiers { picking(indices.map { Int($0) }) }

  subscript(range: Range<Int>) -> Identifiers { picking(Array(range)) }

  private func picking(_ indices: [Int]) -> Identifiers {
    Identifiers(
      name: name, values: name == nil ? [] : indices.map { values[$0] }, rows: indices.map { rows[$0] },
      leftOut: leftOut)
  }
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

  /// Which rows there are and what they are called; nil: all of them, without names. Training needs none of this, so it is
  /// read only of data that a trained model is shown.
  func identifiers(
    _ request: DataRequest, rows: [Int], apartFrom used: [Int]
  ) throws(DataError) -> Identifiers? {
    guard request.schema != nil else { return nil }
    let leftOut = rowCount - rows.count
    guard let column = try identifierColumn(request, apartFrom: used) else {
      return leftOut == 0 ? nil : Identifiers(name: nil, values: [], rows: rows, leftOut: leftOut)
    }
    let cells = try texts(ofColumn: column)
    return Identifiers(name: columns[column].name, values: rows.map { cells[$0] }, rows: rows, leftOut: leftOut)
  }
}
