/// Sentences of words with tags, a word a line and an empty line behind each sentence: CoNLL-U (Universal Dependencies), or
/// columns of a word and its tags that tabs separate.
///
/// A sentence is a sequence, a word an element, and its tag the element's class. `data.target` chooses the tag: `upos` or
/// `xpos`, or a column by its number from 0. Ranges of words and empty nodes are left out.
struct TaggedText {
  private var words = TokenList()
  private var tags = TokenList()
  private var lengths: [Int] = []

  /// Opens one file, or a folder with files for training and for testing, known by `train` and `test` in their names.
  static func open(_ files: [String], _ request: DataRequest, name: String) throws(DataError) -> Dataset {
    func named(_ part: String) -> String? {
      files.first { ($0.split(separator: "/").last ?? "").lowercased().contains(part) }
    }
    guard let train = files.count == 1 ? files[0] : named("train") else {
      throw DataError(
        .notFound, at: files.first.map { DataPlace(file: $0) }, "none of the files has train in its name",
        advice: "name one file: \(listed(files))")
    }
    let test = files.count == 1 ? nil : named("test")
    let place = DataPlace(file: train)
    var text = TaggedText()
    let trainRange = try text.read(train, request)
    let testRange = try test.map { (test) throws(DataError) in try text.read(test, request) }
    let tagNames = text.tags.names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let order = Dictionary(uniqueKeysWithValues: tagNames.enumerated().map { ($1, UInt32($0)) })
    let all = try ExampleSet(
      inputs: text.words.inputs(place: place),
      labels: ClassLabels(
        indices: text.tags.tokens.map { order[text.tags.names[Int($0)]]! }, count: tagNames.count, names: tagNames),
      sequences: Sequences(lengths: text.lengths, place: place), place: place)
    let parts: (ExampleSet, ExampleSet?)
    if let testRange {
      parts = (try all[trainRange], try all[testRange])
    } else {
      parts = try all.split(request, place: place)
    }
    let unused = files.filter { $0 != train && $0 != test }
    return try text.words.dataset(
      parts, .words, request, name: name, place: place,
      notes: unused.isEmpty ? [] : ["files not used: \(listed(unused))".oneLine])
  }

  /// Reads a file's sentences behind those that are there.
  /// - Returns: which they are.
  private mutating func read(_ path: String, _ request: DataRequest) throws(DataError) -> Range<Int> {
    var place = DataPlace(file: path)
    let first = lengths.count
    var length = 0
    let text = try TextDataset.string(DataFile.read(path), place)
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      if line.allSatisfy(\.isWhitespace) {
        if length > 0 { lengths.append(length) }
        length = 0
        continue
      }
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      if fields.count == 1, line.first == "#" { continue }
      place.line = number + 1
      guard let (word, tag) = try Self.word(fields, request.target, place) else { continue }
      words.append(word)
      tags.append(tag)
      length += 1
    }
    if length > 0 { lengths.append(length) }
    place.line = nil
    guard lengths.count > first else {
      throw DataError(.empty, at: place, "holds no words", advice: "name a file of words with tags")
    }
    return first..<lengths.count
  }

  /// The word of a line and its tag; nil for a range of words and an empty node.
  private static func word(
    _ fields: [Substring], _ target: String?, _ place: DataPlace
  ) throws(DataError) -> (String, String)? {
    let isTree = fields.count == 10
    if isTree, fields[0].contains("-") || fields[0].contains(".") { return nil }
    let column: Int? =
      switch target {
      case nil, "upos": isTree ? 3 : 1
      case "xpos": isTree ? 4 : 2
      case let name?: Int(name)
      }
    guard let column, fields.indices.contains(column), fields.count >= 2 else {
      throw DataError(
        .damaged, at: place, "\(counted(fields.count, "field")), and no tag \(target ?? "upos")",
        advice: "give a word and its tags, tabs between them; \(DataKey.target) is upos, xpos or a column's number")
    }
    return (String(fields[isTree ? 1 : 0]), String(fields[column]))
  }
}
