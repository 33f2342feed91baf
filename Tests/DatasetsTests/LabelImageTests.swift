import Datasets
import Foundation
import Images
import Testing

/// Pictures with label pictures in a folder that lasts as long as a test.
private struct LabelFolder {
  let folder: TemporaryFolder
  var path: String { folder.path }

  init() throws { folder = try TemporaryFolder() }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let url = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func picture(_ name: String, _ height: Int, _ width: Int, channels: Int = 1, _ samples: [UInt8]? = nil) throws {
    let samples = samples ?? (0..<height * width * channels).map { UInt8($0 % 200) }
    try write(name, try PNG.encode(Raster(width: width, height: height, channels: channels, samples: samples)))
  }

  /// A picture of 2 × 3 and its labels.
  func pair(_ name: String, _ labels: [UInt8], image: String = "image", label: String = "label") throws {
    try picture("\(image)/\(name).png", 2, 3)
    try picture("\(label)/\(name).png", 2, 3, labels)
  }

  func open(_ change: (inout DataRequest) -> Void = { _ in }) throws -> Dataset {
    try DataSource.open(DataRequest(path, change))
  }

  func failure(_ change: (inout DataRequest) -> Void = { _ in }) -> DataError? {
    DatasetsTests.failure(DataRequest(path, change))
  }
}

extension LabelImages {
  fileprivate func image(_ index: Int) -> [UInt8] { withImage(index) { Array($0) } }
}

@Suite("Pictures with label pictures")
struct LabelImageTests {
  @Test("Partners are found by name, sizes stay, classes are what the pictures hold")
  func pairs() throws {
    let folder = try LabelFolder()
    try folder.pair("b", [0, 1, 2, 0, 0, 0])
    try folder.pair("a", [2, 2, 2, 2, 2, 2])
    let data = try folder.open()
    #expect(data.train.inputs.shape == [2, 3])
    let labels = try #require(data.train.labelImages)
    #expect(labels.image(0) == [2, 2, 2, 2, 2, 2] && labels.image(1) == [0, 1, 2, 0, 0, 0])
    #expect(labels.kinds == LabelImages.Classes(count: 3))
    #expect(data.test == nil && data.validation == nil && data.notes.isEmpty)
    #expect("\(data)".hasSuffix("2×3 uint8, 3 classes of pixels"))
  }

  @Test("The numbers of palettes of 1 to 8 bits are classes", arguments: [1, 2, 4, 8])
  func palettes(_ bits: Int) throws {
    let folder = try LabelFolder()
    try folder.picture("image/a.png", 2, 3)
    try folder.write("label/a.png", try golden("palette_\(bits)"))
    let labels = try #require(try folder.open().train.labelImages)
    #expect(labels.image(0) == [0, 1, 1, 0, 1, 0])
  }

  /// A file that Pillow wrote.
  private func golden(_ name: String) throws -> [UInt8] {
    let bytes = try contents("\(DatasetsTests.golden)/labels.json")
    let files = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: String])
    let text = try #require(files[name])
    return Array(try #require(Data(base64Encoded: text)))
  }

  @Test("Without a test part val is the test part; with one it is the validation part")
  func parts() throws {
    let folder = try LabelFolder()
    for (part, label) in [("train", 0), ("val", 1)] as [(String, UInt8)] {
      try folder.pair("x", [label, 1, 1, 1, 1, 1], image: part, label: part + "annot")
    }
    let two = try folder.open()
    #expect(two.test?.labelImages?.image(0) == [1, 1, 1, 1, 1, 1] && two.validation == nil)
    #expect(try two.validating(DataRequest(source: "x")) == nil)

    try folder.pair("x", [0, 0, 0, 0, 0, 0], image: "test", label: "testannot")
    let three = try folder.open()
    #expect(three.test?.labelImages?.image(0) == [0, 0, 0, 0, 0, 0])
    let parts = try #require(try three.validating(DataRequest(source: "x")))
    #expect(parts.validation.test?.labelImages?.image(0) == [1, 1, 1, 1, 1, 1])
    #expect(parts.data.fingerprint == three.fingerprint && parts.data.test?.count == 1)
    let error = #expect(throws: DataError.self) {
      try three.validating(DataRequest("x") { $0.validationFraction = 0.5 })
    }
    #expect(error?.description.contains("set data.validation_fraction=0") ?? false)
  }

  @Test("A list names the pairs, also by the longer paths of SegNet's lists")
  func lists() throws {
    let folder = try LabelFolder()
    for name in ["a", "b", "c"] { try folder.pair(name, [0, 1, 0, 1, 0, 1], image: "train", label: "trainannot") }
    try folder.write(
      "train.txt", "train/c.png trainannot/c.png\n\n/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png\r\n")
    #expect(try folder.open().train.count == 2)
    try folder.write("train.txt", "train/c.png trainannot/d.png\n")
    #expect(folder.failure()?.description.contains("train.txt, line 1: trainannot/d.png is not there") ?? false)
    try folder.write("train.txt", "train/c.png\n")
    #expect(folder.failure()?.description.contains("names 1 file") ?? false)
  }

  @Test("Void is what the request says, or what is commonly void")
  func void() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 1, 255, 2, 0, 0])
    let found = try folder.open()
    #expect(found.train.labelImages?.kinds == LabelImages.Classes(count: 3, void: 255) && found.notes.count == 1)
    #expect(found.train.labelImages?.labelledPixels(0) == 5)
    #expect(folder.failure { $0.void = .none }?.description.contains("hold 256 classes") ?? false)
  }

  @Test("0 and 255 alone are two classes")
  func masks() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 255, 255, 0, 0, 0])
    let labels = try #require(try folder.open().train.labelImages)
    #expect(labels.kinds == LabelImages.Classes(count: 2, values: [0, 255]))
    #expect(labels.image(0) == [0, 1, 1, 0, 0, 0])
    let void = try #require(try folder.open { $0.void = .value(255) }.train.labelImages)
    #expect(void.kinds == LabelImages.Classes(count: 1, void: 255))
  }

  @Test("Names give the classes, one of them may be void")
  func names() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 1, 2, 2, 0, 0])
    try folder.write("codes.txt", "sky\nVoid\n tree \n")
    let labels = try #require(try folder.open().train.labelImages)
    #expect(labels.kinds == LabelImages.Classes(count: 2, names: ["sky", "tree"], values: [0, 2], void: 1))
    #expect(labels.image(0) == [0, 255, 1, 1, 0, 0])
    try folder.pair("b", [0, 0, 0, 0, 0, 7])
    #expect(folder.failure()?.description.contains("hold 7, which is none of the 2 classes") ?? false)
    try folder.write("codes.txt", "sky\nsky\n")
    #expect(folder.failure()?.code == .badLabel)
  }

  @Test("A picture without a labelled pixel is counted, and a folder of such is refused")
  func allVoid() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 1, 1, 1, 1, 1])
    try folder.pair("b", [9, 9, 9, 9, 9, 9])
    let data = try folder.open { $0.void = .value(9) }
    #expect(data.notes == ["1 picture without a pixel that has a class"])
    #expect(data.train.labelImages?.labelledPixels(1) == 0)
    let empty = try LabelFolder()
    try empty.pair("a", [9, 9, 9, 9, 9, 9])
    #expect(empty.failure { $0.void = .value(9) }?.code == .empty)
  }

  @Test("A picture of one pixel is a picture")
  func onePixel() throws {
    let folder = try LabelFolder()
    try folder.picture("image/a.png", 1, 1, channels: 3)
    try folder.picture("label/a.png", 1, 1, [0])
    #expect(try folder.open().train.inputs.shape == [1, 1, 3])
  }

  @Test("What does not fit is refused in a line, or left out with a note")
  func mistakes() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 1, 1, 1, 1, 1])
    try folder.picture("image/b.png", 2, 3)
    #expect(folder.failure()?.description.contains("image/b.png: no label picture of that name in label/") ?? false)
    try folder.picture("label/b.png", 3, 2)
    #expect(folder.failure()?.description.contains("has 3 × 2 pixels, its picture 2 × 3") ?? false)
    let lenient = try folder.open { $0.strict = false }
    #expect(lenient.train.count == 1 && lenient.notes.count == 1)
    try folder.picture("label/b.png", 2, 3, channels: 3)
    #expect(folder.failure()?.description.contains("has 3 numbers a pixel, a label picture has one") ?? false)
    #expect(folder.failure()?.code == .unsupported)
    try folder.picture("image/b.png", 4, 4)
    try folder.picture("label/b.png", 4, 4)
    #expect(folder.failure()?.description.contains("4 × 4 pixels, the first picture 2 × 3") ?? false)
    try FileManager.default.removeItem(atPath: folder.path + "/image/b.png")
    #expect(folder.failure()?.description.contains("label/b.png: no picture of that name in image/") ?? false)
    #expect(folder.failure { $0.imageSize = 8 }?.description.contains("take it out; data.crop") ?? false)
  }

  @Test("A schema knows the classes, and other data is read as it says")
  func schema() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 255, 255, 0, 0, 0])
    let data = try folder.open()
    let schema = try Schema(json: data.schema.json, path: "schema.json")
    #expect(schema == data.schema && schema.labelImages?.values == [0, 255])
    let absent = Dataset(schema: schema)
    #expect(absent.train.labelImages?.kinds == data.train.labelImages?.kinds && !absent.hasExamples)

    // Without the schema, a single class would not be recognized as the second one.
    let other = try LabelFolder()
    try other.pair("a", [255, 255, 255, 255, 255, 255])
    let seen = try other.open { $0.schema = schema }.seen(as: schema)
    #expect(seen.train.labelImages?.image(0) == [1, 1, 1, 1, 1, 1])
    #expect(throws: DataError.self) { try other.open().seen(as: schema) }

    var broken = schema
    broken.labelImages?.count = 3
    let json = try broken.json
    #expect(throws: DataError.self) { try Schema(json: json, path: "schema.json") }
  }

  @Test("Labels are part of the fingerprint")
  func fingerprint() throws {
    let folder = try LabelFolder()
    try folder.pair("a", [0, 1, 1, 1, 1, 1])
    let before = try folder.open().fingerprint
    try folder.pair("a", [0, 1, 1, 1, 1, 0])
    #expect(try folder.open().fingerprint != before)
  }

  @Test("Made-up shapes have all classes and void, the same for the same seed")
  func shapes() throws {
    let data = try DataSource.open(DataRequest(source: "shapes"))
    #expect(data.train.inputs.shape == [24, 32] && data.test?.count == 100)
    let all = (0..<data.train.count).reduce(into: Set<UInt8>()) { $0.formUnion(data.train.labelImages!.image($1)) }
    #expect(all == [0, 1, 2, 255])
    #expect(try DataSource.open(DataRequest(source: "shapes")).fingerprint == data.fingerprint)
    #expect(try DataSource.open(DataRequest("shapes") { $0.seed = 1 }).fingerprint != data.fingerprint)
  }

  @Test("CamVid and the EM membranes", .enabled(if: sharedData != nil))
  func real() throws {
    let camvid = try DataSource.open(DataRequest(source: sharedData! + "/camvid_120x160"))
    #expect(camvid.train.count == 367 && camvid.test?.count == 101)
    #expect(camvid.train.inputs.shape == [120, 160, 3])
    #expect(camvid.train.labelImages?.kinds.count == 11 && camvid.train.labelImages?.kinds.void == 11)
    let cells = try DataSource.open(
      DataRequest(sharedData! + "/em_membranes") { ($0.testFraction, $0.split) = (0.2, .position) })
    #expect(cells.train.count == 24 && cells.test?.labelImages?.count == 6)
    #expect(cells.train.labelImages?.kinds.values == [0, 255])
  }
}
