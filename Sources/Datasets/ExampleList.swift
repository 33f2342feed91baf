/// Some examples of other data, as a file that names it and lists their numbers: parts of data that need no copies of it.
///
/// ```
/// elbo-examples 1
/// source: /data/flowers
/// part: train
/// 0
/// 17
/// ```
package struct ExampleList: Sendable {
  package enum Part: String, Sendable { case train, test }

  /// What the data is called by, as a recipe's `data.source` is.
  package let source: String
  package let part: Part
  /// Numbers of examples in the part, from 0.
  package let indices: [UInt32]

  private static let head = "elbo-examples 1\n"

  package init(source: String, part: Part, indices: [UInt32]) {
    (self.source, self.part, self.indices) = (source, part, indices)
  }

  /// The file's contents.
  package var text: String {
    ExampleList.head + "source: \(source)\npart: \(part.rawValue)\n" + indices.map { "\($0)\n" }.joined()
  }

  /// Whether a file with this beginning is a list.
  static func isList(_ prefix: [UInt8]) -> Bool { prefix.starts(with: head.utf8) }

  /// - Throws: `DataError` where a line is none of a list.
  init(_ file: ByteRegion, place: DataPlace) throws(DataError) {
    let lines = file.copy(from: 0, count: file.count).split(separator: UInt8(ascii: "\n"))
    func value(_ line: Int, _ key: String) throws(DataError) -> String {
      let prefix = key + ": "
      guard lines.indices.contains(line), lines[line].starts(with: prefix.utf8) else {
        var place = place
        place.line = line + 1
        throw DataError(.damaged, at: place, "\(key): is not there", advice: "write the list again")
      }
      return String(decoding: lines[line].dropFirst(prefix.utf8.count), as: UTF8.self)
    }
    source = try value(1, "source")
    guard let part = Part(rawValue: try value(2, "part")) else {
      throw DataError(.damaged, at: place, "its part is neither train nor test", advice: "write the list again")
    }
    self.part = part
    indices = try lines.dropFirst(3).enumerated().map { (index, line) throws(DataError) in
      guard let number = UInt32(String(decoding: line, as: UTF8.self)) else {
        var place = place
        place.line = index + 4
        throw DataError(.damaged, at: place, "is no number of an example", advice: "write the list again")
      }
      return number
    }
  }

  /// The examples. Shares for testing and validation are of them.
  func open(_ request: DataRequest, place: DataPlace, name: String) throws(DataError) -> Dataset {
    var whole = request
    (whole.source, whole.testFraction) = (source, 0)
    guard try !DataSource.isList(source) else {
      throw DataError(.badRequest, at: place, "lists examples of another list", advice: "name the data itself")
    }
    let data = try DataSource.open(whole)
    guard let examples = part == .train ? data.train : data.test else {
      throw DataError(.badRequest, at: place, "\(source) has no test part", advice: "write the list again")
    }
    if let far = indices.first(where: { $0 >= examples.count }) {
      throw DataError(
        .mismatched, at: place, "lists example \(far), and \(source) has \(examples.count)",
        advice: "name the data that the list is of")
    }
    guard !indices.isEmpty else {
      throw DataError(.empty, at: place, "lists no examples", advice: "write the list again")
    }
    let (train, test) = try examples.gathering(indices).split(request, place: place)
    return try Dataset(
      name: name, train: train, test: test, columns: data.columns, levels: data.levels, substitutes: data.substitutes,
      targetName: data.targetName,
      vocabulary: data.vocabulary, notes: data.notes)
  }
}

extension DataSource {
  /// Whether a source is a file that lists examples.
  static func isList(_ source: String) throws(DataError) -> Bool {
    guard !names.contains(source), DataFile.kind(of: source) == .file else { return false }
    return ExampleList.isList(try DataFile.read(source).copy(from: 0, count: 4096))
  }
}
