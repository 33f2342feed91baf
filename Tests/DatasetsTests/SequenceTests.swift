import Datasets
import Testing

@Suite struct SequenceTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let table = "id,a,b\nx,1,2\nx,3,4\ny,5,6\nz,7,8\nz,9,10\nz,11,12\n"

  private func request(_ source: String, _ change: (inout DataRequest) -> Void = { _ in }) -> DataRequest {
    DataRequest(source) {
      $0.sequence = "id"
      change(&$0)
    }
  }

  // MARK: Tables

  @Test func aColumnNamesTheSequences() throws {
    let data = try DataSource.open(request(try folder.write("t.csv", Self.table)))
    #expect(data.train.sequences?.starts == [0, 2, 3, 6])
    #expect(data.train.count == 3 && data.train.inputs.count == 6)
    #expect(data.columns == ["a", "b"])
    #expect(data.train.inputs.elements == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    #expect("\(data)" == "t: 3 train sequences of 2 float64, 6 elements to train")
  }

  @Test func aSequenceThatComesBackIsRefused() throws {
    let path = try folder.write("t.csv", "id,a\n1,1\n2,2\n1,3\n")
    let error = failure(request(path))
    #expect(error?.code == .mismatched && error?.place?.line == 4)
    let gap = failure(request(try folder.write("g.csv", "id,a\n1,1\n,2\n1,3\n")))
    #expect(gap?.code == .missingValues && gap?.place?.line == 3)
    #expect(failure(request(path) { $0.sequence = "series" })?.code == .badRequest)
  }

  @Test func rowsAreNotDroppedOutOfASequence() throws {
    let path = try folder.write("t.csv", "id,a\n1,1\n1,NA\n1,3\n")
    #expect(failure(request(path) { $0.missing = .drop })?.code == .badRequest)
    let kept = try DataSource.open(request(path) { $0.missing = .keep })
    #expect(kept.train.inputs.elements[1].isNaN && kept.train.count == 1)
  }

  @Test(arguments: [SplitRule.random, .position]) func partsAreWholeSequences(_ rule: SplitRule) throws {
    var text = "id,a,kind\n"
    for sequence in 0..<10 {
      for step in 0...sequence { text += "s\(sequence),\(sequence * 100 + step),\(step % 2 == 0 ? "even" : "odd")\n" }
    }
    let data = try DataSource.open(
      request(try folder.write("t.csv", text)) { ($0.testFraction, $0.split, $0.target) = (0.3, rule, "kind") })
    let parts = try data.validating(0.3, rule, seed: 1)
    var seen: Set<Double> = []
    for set in [parts.data.train, parts.data.test!, parts.validation.test!] {
      let (sequences, values) = (set.sequences!, set.inputs.elements)
      #expect(sequences.elementCount == values.count && set.labels!.indices.count == values.count)
      for index in 0..<sequences.count {
        let own = values[sequences[index]]
        let first = own.first!
        #expect(first.truncatingRemainder(dividingBy: 100) == 0, "a sequence begins with its first element")
        #expect(own.count == Int(first / 100) + 1, "and is whole")
        #expect(seen.insert(first).inserted)
        #expect(set.labels!.indices[sequences[index]].map { Int($0) } == own.indices.map { ($0 - own.startIndex) % 2 })
      }
    }
    #expect(seen.count == 10)
  }

  // MARK: Archives

  private func archive(_ lengths: [Double], name: String = "lengths") throws -> String {
    let path = "\(folder.path)/a.npz"
    var writer = try NPZWriter(path)
    try writer.add("x", (0..<12).map { Double($0) }, shape: [6, 2])
    try writer.add(name, lengths, shape: [lengths.count])
    try writer.add("y", (0..<lengths.count).map { Double($0) }, shape: [lengths.count])
    try writer.finish()
    return path
  }

  @Test func anArchiveHasLengths() throws {
    let data = try DataSource.open(DataRequest(try archive([4, 2])) { $0.targetKind = .classes })
    #expect(data.train.sequences?.starts == [0, 4, 6])
    #expect(data.train.labels?.indices == [0, 1], "a label for each sequence")
    let named = try DataSource.open(
      DataRequest(try archive([4, 2], name: "n")) { ($0.sequence, $0.targetKind) = ("n", .classes) })
    #expect(named.fingerprint == data.fingerprint)
    let other = try DataSource.open(DataRequest(try archive([3, 3])) { $0.targetKind = .classes })
    #expect(other.fingerprint != data.fingerprint, "where sequences begin is part of the data")
  }

  @Test func lengthsThatCannotBeAreRefused() throws {
    func code(_ lengths: [Double]) throws -> DataError.Code? {
      failure(DataRequest(source: try archive(lengths)))?.code
    }
    #expect(try code([4, 3]) == .mismatched)
    #expect(try code([6, 0]) == .empty)
    #expect(try code([7, -1]) == .mismatched)
    #expect(try code([3.5, 2.5]) == .mismatched)
  }

  // MARK: Texts

  private static let text = "the cat sat\nthe cat ran\na dog ran\n"

  @Test func wordsAreCountedAndRareOnesAreUnknown() throws {
    let path = try folder.write("t.txt", Self.text)
    let all = try DataSource.open(DataRequest(path) { $0.tokens = .words })
    #expect(all.vocabulary == ["<unk>", "<eos>", "cat", "ran", "the", "a", "dog", "sat"])
    #expect(all.train.inputs.elements == [4, 2, 7, 1, 4, 2, 3, 1, 5, 6, 3, 1])
    #expect(all.train.sequences == nil, "one long text")
    let often = try DataSource.open(DataRequest(path) { ($0.tokens, $0.minimumCount) = (.words, 2) })
    #expect(often.vocabulary == ["<unk>", "<eos>", "cat", "ran", "the"])
    #expect(often.train.inputs.elements == [4, 2, 0, 1, 4, 2, 3, 1, 0, 0, 3, 1])
  }

  @Test func aTestTextHasTheTrainingTextsWords() throws {
    let path = try folder.write("t.txt", Self.text)
    let data = try DataSource.open(DataRequest(path) { ($0.tokens, $0.testFraction) = (.words, 0.34) })
    #expect(data.vocabulary == ["<unk>", "<eos>", "cat", "the", "ran", "sat"])
    #expect(data.test!.inputs.elements == [0, 0, 4, 1])
  }

  @Test func aTextIsReadByTheWordsOfASchema() throws {
    let path = try folder.write("t.txt", Self.text)
    let schema = try DataSource.open(DataRequest(path) { $0.tokens = .words }).schema
    let other = try folder.write("o.txt", "a cat flew\n")
    let data = try DataSource.open(DataRequest(other) { ($0.tokens, $0.schema) = (.words, schema) })
    #expect(data.train.inputs.elements == [5, 2, 0, 1])
    let characters = try DataSource.open(DataRequest(source: path)).schema
    let error = failure(DataRequest(other) { $0.schema = characters })
    #expect(error?.code == .mismatched, "no <unk> among characters")
    #expect(error?.problem.contains("'f'") == true)
  }

  @Test func eachFileOfAFolderIsASequence() throws {
    for (name, text) in [("a.txt", "ab"), ("b.txt", "c"), ("c.txt", "aab")] { _ = try folder.write(name, text) }
    let data = try DataSource.open(DataRequest(source: folder.path))
    #expect(data.vocabulary == ["a", "b", "c"] && data.train.sequences?.starts == [0, 2, 3, 6])
    #expect(data.train.inputs.elements == [0, 1, 2, 0, 0, 1])
    _ = try folder.write("d.txt", "")
    #expect(failure(DataRequest(source: folder.path))?.code == .empty)
    _ = try folder.write("d.txt", [0x61, 0xe4, 0x62])
    #expect(failure(DataRequest(source: folder.path))?.code == .unsupported, "another encoding")
  }

  // MARK: Words with tags

  @Test func sentencesOfTaggedWords() throws {
    let tree = """
      # sent_id = 1
      1-2\tdont\t_\t_\t_\t_\t_\t_\t_\t_
      1\tdo\tdo\tAUX\tVB\t_\t0\t_\t_\t_
      2\tn't\tnot\tPART\tRB\t_\t1\t_\t_\t_

      1\tgo\tgo\tVERB\tVB\t_\t0\t_\t_\t_

      """
    let data = try DataSource.open(DataRequest(source: try folder.write("t.conllu", tree)))
    #expect(data.train.sequences?.starts == [0, 2, 3])
    #expect(data.train.labels?.names == ["AUX", "PART", "VERB"] && data.train.labels?.indices == [0, 1, 2])
    #expect(data.vocabulary == ["<unk>", "do", "go", "n't"])

    let columns = "do\tAUX\tVB\n#\tSYM\tNN\n\ngo\tVERB\tVB\n"
    let plain = try DataSource.open(
      DataRequest(try folder.write("t.tsv", columns)) { ($0.format, $0.target) = (.conll, "xpos") })
    #expect(plain.train.sequences?.starts == [0, 2, 3] && plain.train.labels?.names == ["NN", "VB"])
    let error = failure(DataRequest(source: try folder.write("u.conll", "do\tAUX\n\ngo\n")))
    #expect(error?.code == .damaged && error?.place?.line == 3)
  }

  @Test(.enabled(if: sharedData != nil, "the shared data is not beside the repository"))
  func realTaggedWords() throws {
    let data = try DataSource.open(
      DataRequest(sharedData! + "/ud_english_ewt") { ($0.format, $0.minimumCount) = (.conll, 2) })
    #expect(data.train.count == 12544 && data.train.inputs.count == 204_577)
    #expect(data.test!.count == 2077 && data.test!.inputs.count == 25_094)
    #expect(data.train.labels!.count == 17)
  }

  // MARK: What a trained model knows

  @Test func aSchemaKnowsOfSequences() throws {
    let path = try folder.write("t.csv", Self.table)
    let data = try DataSource.open(request(path))
    let schema = try Schema(json: data.schema.json, path: "schema.json")
    #expect(schema == data.schema && schema.sequences?.train == 6 && schema.train == 3)
    let absent = Dataset(schema: schema)
    #expect(absent.train.count == 3 && !absent.hasExamples)
    #expect(try data.seen(as: schema).train.sequences == data.train.sequences)
    let rows = try DataSource.open(DataRequest(path) { $0.drop = ["id"] })
    #expect(throws: DataError.self) { try rows.seen(as: schema) }
    var lying = schema
    lying.sequences!.train = 2
    #expect(throws: DataError.self) { try Schema(json: lying.json, path: "schema.json") }
  }

  @Test func piecesHoldWholeSequences() throws {
    let sequences = try Sequences(lengths: [3, 1, 10, 2, 2])
    #expect(sequences.pieces(of: 0..<5, elements: 4) == [0..<2, 2..<3, 3..<5])
    #expect(sequences.stretch(3..<5).starts == [0, 2, 4])
    #expect(sequences.elements(of: 2..<4) == 4..<16)
  }
}
