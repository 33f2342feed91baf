extension Table {
  /// The sequences that a column names: rows one behind the other with one value are a sequence, in the order of the rows.
  /// - Throws: where a value is missing, where one comes back after another, and where rows would be left out of the
  ///   middle of a sequence.
  func sequences(_ column: Int, _ request: DataRequest) throws(DataError) -> Sequences {
    var place = DataPlace(file: file, column: columns[column].name)
    guard columns[column].missing == 0 else {
      place.line = columns[column].missingLine
      throw DataError(
        .missingValues, at: place, "rows that belong to no sequence: \(columns[column].missing)",
        advice: "name the sequence of each row")
    }
    guard request.missing != .drop else {
      throw DataError(
        .badRequest, at: place, "\(DataKey.missing)=drop would join what lies before and behind a row that is left out",
        advice: "set \(DataKey.missing)=keep for a model that can do with missing values, or correct the table")
    }
    let codes = try coded([column])[column]!
    var seen = [Bool](repeating: false, count: codes.names.count)
    var lengths: [Int] = []
    var current: UInt32?
    for (row, code) in codes.codes.enumerated() {
      if code == current {
        lengths[lengths.count - 1] += 1
        continue
      }
      guard !seen[Int(code)] else {
        place.line = line(ofRow: row)
        throw DataError(
          .mismatched, at: place, "the sequence '\(codes.names[Int(code)].shortened)' comes back after another one",
          advice: "sort the rows by sequence, and in a sequence by time")
      }
      seen[Int(code)] = true
      current = code
      lengths.append(1)
    }
    return try Sequences(lengths: lengths, place: place)
  }
}
