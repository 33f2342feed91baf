/// The words or characters that the elements of a text are, by index.
struct Vocabulary {
  /// Stands for every word that the training text has too seldom or not at all.
  static let unknown = "<unk>"
  /// Stands for the end of a line in a text of words.
  static let end = "<eos>"

  let tokens: [String]
  private let indices: [String: UInt32]

  init(_ tokens: [String]) {
    self.tokens = tokens
    indices = Dictionary(tokens.enumerated().map { ($1, UInt32($0)) }) { first, _ in first }
  }

  /// The index of a token, or of `<unk>` where there is one.
  func index(of token: String) -> UInt32? { indices[token] ?? indices[Vocabulary.unknown] }

  /// Words in order of their number, those of equal number by their bytes, behind `<unk>`.
  init(words counts: [String: Int], minimumCount: Int) {
    let frequent = counts.filter { $0.key != Vocabulary.unknown && $0.value >= minimumCount }
    self.init(
      [Vocabulary.unknown]
        + frequent.sorted {
          $0.value == $1.value ? $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) : $0.value > $1.value
        }.map(\.key))
  }

  /// Characters in order of their code points.
  init(characters: some Sequence<String>) {
    self.init(Set(characters).sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) })
  }
}

/// Tokens of one text or of several, each text as numbers of its distinct tokens in the order in which they come.
struct TokenList {
  private(set) var names: [String] = []
  private(set) var tokens: [UInt32] = []
  private var known: [String: UInt32] = [:]

  var count: Int { tokens.count }

  /// - Returns: the token's number.
  @discardableResult
  mutating func append(_ token: String) -> UInt32 {
    let number = known[token] ?? UInt32(names.count)
    if known[token] == nil {
      known[token] = number
      names.append(token)
    }
    tokens.append(number)
    return number
  }

  /// Appends the tokens of a text: its characters (Unicode scalars), or its words, with `<eos>` at the end of each line.
  mutating func append(_ text: Substring, as kind: TokenKind) {
    switch kind {
    case .characters:
      for scalar in text.unicodeScalars { append(String(scalar)) }
    case .words:
      var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      if lines.last?.isEmpty == true { lines.removeLast() }
      for line in lines {
        for word in line.split(whereSeparator: \.isWhitespace) { append(String(word)) }
        append(Vocabulary.end)
      }
    }
  }

  /// Examples of the numbers, to be made into indices of a vocabulary by `coded`.
  func inputs(place: DataPlace) throws(DataError) -> ExampleArray {
    // Every number is exact in float32.
    guard names.count <= 1 << 24 else {
      throw DataError(.tooLarge, at: place, "more than 16777216 distinct words", advice: "check \(DataKey.tokens)")
    }
    guard !tokens.isEmpty else { throw DataError(.empty, at: place, "holds no text", advice: "name a file with text") }
    return ExampleArray(tokens.map { Float($0) }, shape: [1])
  }

  /// A data set of parts whose inputs are numbers of tokens in this list. The vocabulary is that of the request's schema;
  /// else of words those that the training part has often enough, of characters all that there are.
  func dataset(
    _ parts: (train: ExampleSet, test: ExampleSet?), _ kind: TokenKind, _ request: DataRequest, name: String,
    place: DataPlace, notes: [String] = []
  ) throws(DataError) -> Dataset {
    let vocabulary: Vocabulary
    if let known = request.schema?.vocabulary {
      vocabulary = Vocabulary(known)
    } else if kind == .words {
      var counts: [String: Int] = [:]
      parts.train.inputs.withUnsafeBufferPointer(as: Float.self) { numbers in
        for number in numbers { counts[names[Int(number)], default: 0] += 1 }
      }
      vocabulary = Vocabulary(words: counts, minimumCount: request.minimumCount)
    } else {
      vocabulary = Vocabulary(characters: names)
    }
    let train = try coded(parts.train, vocabulary, place)
    let test = try parts.test.map { (set) throws(DataError) in try coded(set, vocabulary, place) }
    return try Dataset(name: name, train: train, test: test, vocabulary: vocabulary.tokens, notes: notes)
  }

  private func coded(
    _ set: ExampleSet, _ vocabulary: Vocabulary, _ place: DataPlace
  ) throws(DataError) -> ExampleSet {
    let order = names.map { vocabulary.index(of: $0) }
    let numbers = set.inputs.withUnsafeBufferPointer(as: Float.self) { $0.map { Int($0) } }
    if let lost = numbers.first(where: { order[$0] == nil }) {
      throw DataError(
        .mismatched, at: place, "'\(names[lost].shortened)' is none of the \(vocabulary.tokens.count) tokens known",
        advice: "leave it out, or train with a text that has it")
    }
    let indices = numbers.map { order[$0]! }
    let inputs =
      vocabulary.tokens.count <= 256
      ? ExampleArray(indices.map { UInt8($0) }, shape: [1]) : ExampleArray(indices.map { Float($0) }, shape: [1])
    return try ExampleSet(
      inputs: inputs, labels: set.labels, targets: set.targets, sequences: set.sequences, place: place)
  }
}
