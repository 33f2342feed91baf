import Images

/// A folder of pictures and a table of their captions: `captions.csv`, `.tsv` or `.txt`, with a header, beside the
/// pictures or beside a folder `images` with them.
///
/// The table's first column, or the one named `image`, `file` or `filename`, names the picture. `data.columns` names the
/// columns of captions, one for each language; by default it is the first of the others. A picture may have several
/// lines. Captions are read as words in lower case; punctuation is left out.
struct CaptionFolder {
  private static let tables = ["captions.csv", "captions.tsv", "captions.txt"]
  private static let largestTable = 1 << 30

  private let path: String
  private let table: String
  private let pictures: String
  private let request: DataRequest

  /// Nil: the folder is none of these.
  init?(_ path: String, _ names: [String], _ request: DataRequest) {
    guard let table = Self.tables.first(where: names.contains) else { return nil }
    func isFolder(_ name: String) -> Bool { names.contains(name) && DataFile.kind(of: "\(path)/\(name)") == .folder }
    let folder = ["images", "Images"].first(where: isFolder)
    guard folder != nil || names.contains(where: ImageFolder.isImage) else { return nil }
    (self.path, self.request) = (path, request)
    self.table = "\(path)/\(table)"
    pictures = folder.map { "\(path)/\($0)" } ?? path
  }

  /// What the table says of one picture.
  private struct Entry {
    let picture: String
    let line: Int
    /// Words of each caption, by language.
    var captions: [(language: Int, words: [String])] = []
  }

  func open(name: String) throws(DataError) -> Dataset {
    for (key, isSet) in [
      (DataKey.target, request.target != nil), (.drop, !request.drop.isEmpty), (.oneHot, !request.oneHot.isEmpty),
      (.sequence, request.sequence != nil), (.dates, !request.dates.isEmpty),
      (.percent, !request.percent.isEmpty),
    ] where isSet {
      throw DataError(
        .badRequest, at: DataPlace(file: path), "\(key) is set, and pictures with captions have none",
        advice: "take it out; \(DataKey.columns) names the columns of captions")
    }
    var notes: [String] = []
    let (languages, entries) = try readTable(&notes)
    var reader = ImageFolder.Reader(request)
    let (pictures, kept) = try reader.pictures(entries, at: DataPlace(file: table), path: picturePath)
    // Numbers of words for the time being: what a sentence is must be known before the split, and the vocabulary is
    // that of the training part.
    var list = TokenList()
    let captions = kept.map { entry in
      entry.captions.map { caption in
        Caption(language: caption.language, words: caption.words.map { list.append($0) })
      }
    }
    let all = try ExampleSet(inputs: pictures, captions: Captions(captions, languages: languages))
    let parts = try all.split(request, place: DataPlace(file: table))
    let vocabulary = request.schema?.vocabulary.map { Vocabulary($0) } ?? vocabulary(parts.train, list.names)
    func coded(_ set: ExampleSet) throws(DataError) -> ExampleSet {
      let order = list.names.map { vocabulary.index(of: $0) ?? 0 }
      return try ExampleSet(
        inputs: set.inputs,
        captions: Captions(
          set.captions!.ofExample.map { captions in
            captions.map { Caption(language: $0.language, words: $0.words.map { order[Int($0)] }) }
          }, languages: languages))
    }
    let test = try parts.test.map { (set) throws(DataError) in try coded(set) }
    return try Dataset(
      name: name, train: coded(parts.train), test: test, vocabulary: vocabulary.tokens, notes: notes + reader.notes)
  }

  /// `<unk>`, `<eos>`, a token for each language where there are several, and the words of the training part that are
  /// frequent enough.
  private func vocabulary(_ train: ExampleSet, _ names: [String]) -> Vocabulary {
    var counts: [String: Int] = [:]
    for word in train.captions!.ofExample.joined().flatMap(\.words) { counts[names[Int(word)], default: 0] += 1 }
    let words = Vocabulary(words: counts, minimumCount: request.minimumCount).tokens.dropFirst()
    let languages = train.captions!.languages
    return Vocabulary(
      [Vocabulary.unknown, Vocabulary.end] + (languages.count > 1 ? languages.map(Captions.token) : []) + words)
  }

  // MARK: The table

  private func readTable(_ notes: inout [String]) throws(DataError) -> (languages: [String], entries: [Entry]) {
    let place = DataPlace(file: table)
    let region = try DataFile.read(table)
    guard region.count <= Self.largestTable else {
      throw DataError(.tooLarge, at: place, "has \(region.count) bytes", advice: "captions have at most 1 GiB")
    }
    if let offset = region.withUnsafeBytes({ TextDataset.firstInvalid($0) }) {
      throw .notUTF8(at: DataPlace(file: table, byteOffset: offset))
    }
    return try region.withUnsafeBytes { (raw) throws(DataError) in
      let bytes = raw.bindMemory(to: UInt8.self)
      let header = bytes.prefix { $0 != UInt8(ascii: "\n") }
      let delimiter: UInt8 = header.contains(UInt8(ascii: "\t")) ? UInt8(ascii: "\t") : UInt8(ascii: ",")
      let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
      var scanner = TableScanner(
        bytes, .byte(delimiter), .point, from: TableScanner.Start(offset: start, line: 1), file: table)
      var fields: [TableScanner.Field] = []
      guard try scanner.next(&fields), fields.count > 1 else {
        throw DataError(
          .damaged, at: place, "has no header of at least two columns",
          advice: "write a line such as image,caption and then a picture's file and its caption in each line")
      }
      let columns = fields.map { scanner.text(of: $0) }
      let (picture, captions) = try choose(columns, &notes)
      var (entries, places): ([Entry], [String: Int]) = ([], [:])
      while try scanner.next(&fields) {
        guard fields.count == columns.count else {
          throw DataError(
            .damaged, at: DataPlace(file: table, line: scanner.line),
            "\(counted(fields.count, "field")), but the header has \(columns.count)",
            advice: "put a caption with a comma between quotes")
        }
        let file = scanner.text(of: fields[picture])
        let place = places[file] ?? entries.count
        if place == entries.count {
          places[file] = place
          entries.append(Entry(picture: file, line: scanner.line))
        }
        for (language, column) in captions.enumerated() {
          let words = Captions.words(of: scanner.text(of: fields[column]))
          if !words.isEmpty { entries[place].captions.append((language, words)) }
        }
      }
      let empty = entries.count { $0.captions.isEmpty }
      if empty > 0 { notes.append("\(counted(empty, "picture")) without a caption left out") }
      entries.removeAll(where: \.captions.isEmpty)
      guard !entries.isEmpty else {
        throw DataError(.empty, at: place, "has no captions", advice: "name the columns by \(DataKey.columns)")
      }
      return (captions.map { columns[$0] }, entries)
    }
  }

  /// The columns of the picture and of the captions.
  private func choose(_ columns: [String], _ notes: inout [String]) throws(DataError) -> (Int, [Int]) {
    let picture = columns.firstIndex { ["image", "file", "filename"].contains($0.lowercased()) } ?? 0
    let wanted = request.schema?.captions?.languages ?? request.columns
    guard wanted.isEmpty else {
      let places = try wanted.map { (name) throws(DataError) in
        guard let place = columns.firstIndex(of: name), place != picture else {
          throw DataError(
            .badRequest, at: DataPlace(file: table, line: 1), "no column of captions is named '\(name.shortened)'",
            advice: "its columns: \(listed(columns.indices.filter { $0 != picture }.map { columns[$0] }))")
        }
        return place
      }
      guard Set(places).count == places.count else {
        throw DataError(
          .badRequest, at: DataPlace(file: table), "\(DataKey.columns) names a column twice", advice: "name it once")
      }
      return (picture, places)
    }
    let others = columns.indices.filter { $0 != picture }
    if others.count > 1 {
      notes.append(
        "captions are column '\(columns[others[0]])'; \(DataKey.columns) takes others: \(listed(others.dropFirst().map { columns[$0] }))"
          .oneLine)
    }
    return (picture, [others[0]])
  }

  private func picturePath(_ entry: Entry) throws(DataError) -> String {
    let place = DataPlace(file: table, line: entry.line)
    guard !entry.picture.hasPrefix("/"), !entry.picture.split(separator: "/").contains("..") else {
      throw DataError(
        .badRequest, at: place, "'\(entry.picture.shortened)' lies outside of the folder",
        advice: "name pictures within \(pictures)")
    }
    let path = "\(pictures)/\(entry.picture)"
    guard DataFile.kind(of: path) == .file else {
      throw DataError(
        .notFound, at: place, "\(path.shortened) is not there",
        advice: "add it or remove the line, or leave such pictures out: \(DataKey.strict)=false")
    }
    return path
  }
}

extension Captions {
  /// What a caption in a language begins with, where there are several.
  public static func token(_ language: String) -> String { "<\(language)>" }

  /// The words of a sentence: runs of letters and digits in lower case, with the apostrophes and hyphens within them.
  static func words(of sentence: String) -> [String] {
    let scalars = Array(sentence.lowercased().unicodeScalars)
    func isLetter(_ index: Int) -> Bool {
      scalars.indices.contains(index)
        && (scalars[index].properties.isAlphabetic || scalars[index].properties.numericType != nil
          || scalars[index].properties.generalCategory == .nonspacingMark)
    }
    var words: [String] = []
    var word = String.UnicodeScalarView()
    for (index, scalar) in scalars.enumerated() {
      let joins = "'’-".unicodeScalars.contains(scalar) && isLetter(index - 1) && isLetter(index + 1)
      if isLetter(index) || joins {
        word.append(scalar)
      } else if !word.isEmpty {
        words.append(String(word))
        word = .init()
      }
    }
    return word.isEmpty ? words : words + [String(word)]
  }
}
