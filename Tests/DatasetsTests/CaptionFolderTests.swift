import Datasets
import Foundation
import Images
import Testing

/// Pictures with captions in a folder that lasts as long as a test.
private struct CaptionedFolder {
  let folder: TemporaryFolder
  var path: String { folder.path }

  init(_ table: String, name: String = "captions.csv", pictures: [String] = ["a", "b", "c"]) throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: "\(path)/images", withIntermediateDirectories: true)
    for (index, picture) in pictures.enumerated() {
      let raster = Raster(width: 4, height: 4, channels: 1, samples: Array(repeating: UInt8(index), count: 16))
      try Data(PNG.encode(raster)).write(to: URL(fileURLWithPath: "\(path)/images/\(picture).png"))
    }
    try Data(table.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  func open(_ change: (inout DataRequest) -> Void = { _ in }) throws -> Dataset {
    try DataSource.open(DataRequest(path, change))
  }

  func failure(_ change: (inout DataRequest) -> Void = { _ in }) -> DataError? {
    DatasetsTests.failure(DataRequest(path, change))
  }
}

extension Dataset {
  /// The captions of a part's examples in words.
  fileprivate func sentences(_ set: ExampleSet?) -> [[String]] {
    set!.captions!.ofExample.map { $0.map { $0.words.map { vocabulary![Int($0)] }.joined(separator: " ") } }
  }
}

@Suite("Pictures with captions") struct CaptionFolderTests {
  @Test("Words are in lower case without punctuation, and a picture may have several lines")
  func words() throws {
    let folder = try CaptionedFolder(
      "image,caption\na.png,\"A dog, running!\"\nb.png,Don't  stop -- half-way\na.png,The DOG (2)\nc.png,“Été”: a dog\n"
    )
    let data = try folder.open()
    #expect(
      data.sentences(data.train) == [["a dog running", "the dog 2"], ["don't stop half-way"], ["été a dog"]])
    #expect(data.vocabulary?.prefix(4) == ["<unk>", "<eos>", "dog", "a"])
    #expect(data.train.inputs.shape == [4, 4] && data.train.count == 3 && data.notes.isEmpty)
    #expect("\(data)".hasSuffix("4×4 uint8, captions, 11 words"), "\(data)")
  }

  @Test("Columns are languages, which captions name in front")
  func languages() throws {
    let folder = try CaptionedFolder(
      "image\ten\tde\na.png\tA dog\tEin Hund\nb.png\tA cat\t\nc.png\tA dog\tEin Hund\n", name: "captions.tsv")
    let first = try folder.open()
    #expect(first.train.captions?.languages == ["en"] && first.notes.count == 1)
    let both = try folder.open { $0.columns = ["de", "en"] }
    #expect(both.sentences(both.train) == [["ein hund", "a dog"], ["a cat"], ["ein hund", "a dog"]])
    #expect(both.train.captions!.ofExample[1].map(\.language) == [1])
    #expect(both.vocabulary?.prefix(4) == ["<unk>", "<eos>", "<de>", "<en>"])
    #expect(both.fingerprint != first.fingerprint)
    let rare = try folder.open { $0.minimumCount = 2 }
    #expect(rare.sentences(rare.train) == [["a dog"], ["a <unk>"], ["a dog"]])
  }

  @Test("A split keeps pictures that share a caption together", arguments: [SplitRule.random, .position])
  func split(_ rule: SplitRule) throws {
    let names = (0..<40).map { "p\($0)" }
    // Sentences of one, two, three … pictures, and a picture with two sentences that joins two groups.
    let lines = names.enumerated().map { "\($1).png,sentence \(Int(Double(8 * $0 + 1).squareRoot()) / 2)" }
    let folder = try CaptionedFolder(
      "image,caption\n" + lines.joined(separator: "\n") + "\np39.png,sentence 2\n", pictures: names)
    for seed in 0..<20 as Range<UInt64> {
      let data = try folder.open {
        ($0.testFraction, $0.split, $0.seed) = (0.3, rule, seed)
      }
      let (train, test) = (Set(data.sentences(data.train).joined()), Set(data.sentences(data.test).joined()))
      let unknown = "sentence <unk>"
      #expect(train.isDisjoint(with: test.subtracting([unknown])) && !train.contains(unknown))
      #expect(data.train.count + data.test!.count == 40 && (1...12).contains(data.test!.count))
      let parts = try data.validating(0.3, rule, seed: seed)
      #expect(
        Set(data.sentences(parts.data.train).joined()).isDisjoint(
          with: data.sentences(parts.validation.test).joined()))
    }
  }

  @Test("A schema stands for the vocabulary and the languages")
  func schema() throws {
    let table = "image,en,de\na.png,A dog,Ein Hund\nb.png,A cat,Eine Katze\nc.png,A bird,Ein Vogel\n"
    let data = try CaptionedFolder(table).open { $0.columns = ["de"] }
    let schema = try Schema(json: data.schema.json, path: "schema.json")
    #expect(schema == data.schema && schema.captions?.languages == ["de"])
    let absent = Dataset(schema: schema)
    #expect(absent.train.captions?.languages == ["de"] && absent.train.captions?.count == 3 && !absent.hasExamples)
    let other = try CaptionedFolder("image,en,de\na.png,A dog,Ein Fisch\n").open { $0.schema = schema }
    #expect(other.vocabulary == data.vocabulary && other.sentences(other.train) == [["ein <unk>"]])
    #expect(try other.seen(as: schema).train.captions?.languages == ["de"])
    let plain = try CaptionedFolder("x", name: "notes.md").open()
    #expect(throws: DataError.self) { try plain.seen(as: schema) }
  }

  @Test("What is wrong is one line that says where")
  func failures() throws {
    let good = "image,caption\na.png,a dog\n"
    func error(_ table: String, _ change: (inout DataRequest) -> Void = { _ in }) throws -> DataError {
      try #require(try CaptionedFolder(table).failure(change))
    }
    #expect(try error(good + "x.png,a cat\n").code == .notFound)
    #expect(try error(good + "x.png,a cat\n").place?.line == 3)
    #expect(try error(good + "../images/b.png,a cat\n").code == .badRequest)
    #expect(try error(good + "/etc/passwd,a cat\n").code == .badRequest)
    #expect(try error(good + "b.png,a cat, a dog\n").place?.line == 3)
    #expect(try error("image,caption\na.png,\"never closed\n").code == .damaged)
    #expect(try error("image\na.png\n").code == .damaged)
    #expect(try error("image,caption\na.png,...\n").code == .empty)
    #expect(try error(good) { $0.columns = ["fr"] }.advice.contains("caption"))
    #expect(try error(good) { $0.columns = ["caption", "caption"] }.code == .badRequest)
    #expect(try error(good) { $0.target = "caption" }.code == .badRequest)
    #expect(try error(good) { $0.testFraction = 0.5 }.code == .badRequest)
    let lenient = try CaptionedFolder(good + "x.png,a cat\n").open { $0.strict = false }
    #expect(lenient.train.count == 1 && lenient.notes.count == 1)
  }
}
