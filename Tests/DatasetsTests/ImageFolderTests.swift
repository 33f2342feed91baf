import Datasets
import Files
import Foundation
import Images
import Testing

/// A folder of pictures that lasts as long as a test.
private final class PictureFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "elbo-pictures-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, side: Int, value: UInt8, channels: Int = 1) throws {
    let samples = [UInt8](repeating: value, count: side * side * channels)
    try write(name, try PNG.encode(Raster(width: side, height: side, channels: channels, samples: samples)))
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  func open(_ change: (inout DataRequest) -> Void = { _ in }) throws -> Dataset {
    var request = DataRequest(source: path)
    change(&request)
    return try DataSource.open(request)
  }
}

/// A gray PNG of one row, with 16 bits a sample (PNG specification, third edition, section 11).
private func deepPNG(_ samples: [UInt16]) -> [UInt8] {
  func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(slowChecksum(body))
  }
  let row: [UInt8] = [0] + samples.flatMap { bigEndian($0) }
  var (a, b) = (UInt32(1), UInt32(0))
  for byte in row {
    a = (a + UInt32(byte)) % 65521
    b = (b + a) % 65521
  }
  let header = bigEndian(UInt32(samples.count)) + bigEndian(UInt32(1)) + [16, 0, 0, 0, 0]
  let data = [0x78, 0x01] + storedDeflate(row) + bigEndian(b << 16 | a)
  let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  return signature + chunk("IHDR", header) + chunk("IDAT", data) + chunk("IEND", [])
}

@Suite struct ImageFolderTests {
  @Test("Pictures keep their sizes when asked for")
  func wholePictures() throws {
    let folder = try PictureFolder()
    let samples = (0..<6).map { UInt8(40 * $0) }
    try folder.write("train/a.png", try PNG.encode(Raster(width: 3, height: 2, channels: 1, samples: samples)))
    try folder.write("train/b.png", side: 4, value: 9)
    try folder.write("test/c.png", side: 5, value: 7, channels: 3)
    let data = try folder.open { $0.wholePictures = true }
    #expect(data.train.holdsWholePictures && data.train.count == 2 && data.test?.count == 1)
    #expect(data.train.wholePicture(0) == Raster(width: 3, height: 2, channels: 1, samples: samples))
    #expect(data.train.wholePicture(1).height == 4)
    // All have the channels of the first.
    #expect(data.test?.wholePicture(0).samples == Array(repeating: 7, count: 25))
    #expect(throws: DataError.self) {
      try folder.open {
        $0.wholePictures = true
        $0.imageSize = 8
      }
    }
    #expect(try !folder.open().train.holdsWholePictures)
  }

  @Test func picturesInTheOrderOfTheirNames() throws {
    let folder = try PictureFolder()
    try folder.write("b.png", side: 8, value: 20)
    try folder.write("a.PNG", side: 8, value: 10)
    try folder.write("notes.txt", Array("no picture".utf8))
    let data = try folder.open()
    #expect(data.train.count == 2)
    #expect(data.train.inputs.shape == [8, 8])
    #expect(data.train.labels == nil)
    let bytes = data.train.inputs.withUnsafeBufferPointer(as: UInt8.self) { Array($0) }
    #expect(bytes == [UInt8](repeating: 10, count: 64) + [UInt8](repeating: 20, count: 64))
  }

  @Test func otherSizesAndColoursAreMadeAlike() throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 8, value: 10)
    try folder.write("b.png", side: 31, value: 20, channels: 4)
    #expect(try folder.open().train.inputs.shape == [8, 8])
    let data = try folder.open { ($0.imageSize, $0.imageChannels) = (16, 3) }
    #expect(data.train.inputs.shape == [16, 16, 3])
    #expect(data.train.count == 2)
  }

  @Test("Defects 25 and 26: transparency and 16 bits are said once, and the background is a key")
  func losses() throws {
    let folder = try PictureFolder()
    // Wholly transparent white, half transparent gray, and opaque.
    for (name, samples) in [("a", [255, 0] as [UInt8]), ("b", [100, 51]), ("c", [7, 255])] {
      try folder.write("\(name).png", PNG.encode(Raster(width: 1, height: 1, channels: 2, samples: samples)))
    }
    try folder.write("d.png", deepPNG([0x07F0]))
    let black = try folder.open()
    #expect(black.train.inputs.elements == [0, 20, 7, 8])
    #expect(
      black.notes == [
        "2 pictures with transparent parts, which are laid over black; data.background=255 lays them over white",
        "1 picture of 16 bits a channel, which are rounded to 8",
      ])
    let backgrounds = (try #require(Background("200")), try #require(Background("#FF8000")))
    let gray = try folder.open { $0.background = backgrounds.0 }
    #expect(gray.train.inputs.elements == [200, 180, 7, 8])
    #expect(gray.notes.first == "2 pictures with transparent parts, which are laid over data.background")
    let orange = try folder.open { ($0.background, $0.imageChannels) = (backgrounds.1, 3) }
    #expect(Array(orange.train.inputs.elements.prefix(6)) == [255, 128, 0, 224, 122, 20])
    #expect(try ExampleArray(picture: folder.path + "/a.png", channels: 1, background: .init(gray: 9)).elements == [9])
  }

  @Test(arguments: ["-1", "256", "#12345", "#12345G", "white", "", "#+12345"])
  func noBackground(_ text: String) { #expect(Background(text) == nil) }

  @Test func foldersAreClasses() throws {
    let folder = try PictureFolder()
    for (index, name) in ["cats", "dogs"].enumerated() {
      for picture in 0...index { try folder.write("\(name)/\(picture).png", side: 4, value: UInt8(index)) }
    }
    let labels = try #require(try folder.open().train.labels)
    #expect(labels.names == ["cats", "dogs"])
    #expect(labels.indices == [0, 1, 1])
  }

  @Test("Folders train and test are the parts of the data, not its classes", arguments: ["test", "Validation"])
  func foldersAreParts(_ test: String) throws {
    let folder = try PictureFolder()
    for (index, part) in ["train", test].enumerated() {
      for name in ["cats", "dogs"] {
        for picture in 0...1 - index {
          try folder.write("\(part)/\(name)/\(picture).png", side: 4, value: UInt8(index))
        }
      }
    }
    let data = try folder.open()
    #expect(data.train.labels?.indices == [0, 0, 1, 1] && data.test?.labels?.indices == [0, 1])
    #expect(data.train.labels?.names == ["cats", "dogs"] && data.test?.labels?.names == ["cats", "dogs"])
    #expect(data.train.inputs.elements.allSatisfy { $0 == 0 } && data.test!.inputs.elements.allSatisfy { $0 == 1 })
    try folder.write("\(test)/birds/0.png", side: 4, value: 1)
    let error = #expect(throws: DataError.self) { try folder.open() }
    #expect(error?.problem == "a class is in one of train and test only: 'birds'")
  }

  @Test("A class may have no test pictures, and a folder without pictures is no class; both are said")
  func emptyClasses() throws {
    let parts = try PictureFolder()
    for name in ["cats", "dogs"] { try parts.write("train/\(name)/0.png", side: 4, value: 0) }
    try parts.write("test/cats/0.png", side: 4, value: 1)
    let data = try parts.open()
    #expect(data.test?.labels?.indices == [0] && data.test?.labels?.names == ["cats", "dogs"])
    #expect(data.notes == ["no test pictures of the classes 'dogs'"])

    let classes = try PictureFolder()
    for name in ["cats", "dogs"] { try classes.write("\(name)/0.png", side: 4, value: 0) }
    try classes.write("notes/readme.txt", Array("words".utf8))
    try classes.write(".hidden/0.png", side: 4, value: 0)
    #expect(try classes.open().train.labels?.names == ["cats", "dogs"])
    #expect(try classes.open().notes == ["no classes, without pictures: the folders 'notes'"])
  }

  @Test func partsMayHaveNoClasses() throws {
    let folder = try PictureFolder()
    for (index, name) in ["train/a", "train/b", "test/c"].enumerated() {
      try folder.write(name + ".png", side: 4, value: UInt8(index))
    }
    let data = try folder.open()
    #expect(data.train.count == 2 && data.test?.count == 1 && data.train.labels == nil)
  }

  @Test("Pictures of kinds that are not read are named and counted") func foreignKinds() throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 4, value: 1)
    try folder.write("b.JFIF", golden("jpeg", "colour"))
    for name in ["c.webp", "d.GIF", "e.tiff"] { try folder.write(name, [1, 2, 3]) }
    let error = #expect(throws: DataError.self) { try folder.open() }
    #expect(error?.problem == "3 pictures of a kind that is not read: 'c.webp', 'd.GIF', 'e.tiff'")
    #expect(error?.advice.contains("--no-strict") == true)
    let data = try folder.open { $0.strict = false }
    #expect(data.train.count == 2 && data.notes == ["left out \(error!.problem)"])
    let only = try PictureFolder()
    try only.write("c.webp", [1])
    #expect(#expect(throws: DataError.self) { try only.open() }?.problem.contains("'c.webp'") == true)
  }

  @Test func picturesInFoldersBesideOthersAreSaidToBeUnread() throws {
    let folder = try PictureFolder()
    for name in ["a.png", "more/b.png"] { try folder.write(name, side: 4, value: 1) }
    let data = try folder.open()
    #expect(data.train.count == 1)
    #expect(data.notes == ["pictures in the folders 'more' are not read: there are pictures beside them"])
  }

  @Test func namesThatAreNotUTF8AreSaidToBeSo() throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 4, value: 1)
    let name = Array((folder.path + "/caf").utf8) + [0xE9] + Array(".png\0".utf8)
    let file = try #require(name.withUnsafeBytes { fopen($0.baseAddress!.assumingMemoryBound(to: CChar.self), "w") })
    fclose(file)
    let error = #expect(throws: DataError.self) { try folder.open() }
    #expect(error?.problem == "its name is not UTF-8")
    #expect(try folder.open { $0.strict = false }.train.count == 1)
  }

  /// A file of ImagesTests, as another program wrote it.
  private func golden(_ book: String, _ name: String) throws -> [UInt8] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../ImagesTests/Golden/\(book)_variants.json")
    let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    let files = try #require(object as? [[String: Any]] ?? (object as? [String: Any])?["files"] as? [[String: Any]])
    let file = try #require(files.first { $0["name"] as? String == name })
    let text = try #require(file["png"] as? String ?? file["bytes"] as? String)
    return Array(try #require(Data(base64Encoded: text)))
  }

  @Test(arguments: [
    "text.png", "text.jpg", "truncated.png", "truncated.jpg", "bomb.png", "empty.png", "empty.jpg", "cmyk.jpg",
    "cmyk called.png",
  ])
  func badPicturesAreRefusedWithTheirPathOrLeftOut(name: String) throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 8, value: 10)
    let whole = try PNG.encode(Raster(width: 8, height: 8, channels: 1, samples: [UInt8](repeating: 3, count: 64)))
    var bytes = whole
    switch name {
    case "text.png", "text.jpg": bytes = Array("not a picture at all".utf8)
    case "truncated.png": bytes = Array(whole.prefix(whole.count - 20))
    case "truncated.jpg": bytes = try golden("jpeg", "cut off in the picture")
    case "bomb.png": bytes.replaceSubrange(16..<24, with: [0, 0, 0x9C, 0x40, 0, 0, 0x9C, 0x40])  // 40,000 × 40,000
    case "cmyk.jpg", "cmyk called.png": bytes = try golden("jpeg", "CMYK")
    default: bytes = []
    }
    try folder.write(name, bytes)
    let error = try #require(throws: DataError.self) { try folder.open() }
    #expect("\(error)".contains(name) && "\(error)".contains("--no-strict"))
    #expect(!"\(error)".contains("\n"))
    let data = try folder.open { $0.strict = false }
    #expect(data.train.count == 1)
    #expect(data.notes.count == 1 && data.notes[0].contains(name))
  }

  /// Unusual pictures are not bad ones.
  @Test(arguments: [
    ("png", "RGB and alpha 16"), ("png", "a pixel"), ("png", "grey and alpha 8"), ("jpeg", "one pixel"),
  ])
  func unusualPicturesAreRead(book: String, name: String) throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 8, value: 10)
    let bytes =
      name == "a pixel"
      ? try PNG.encode(Raster(width: 1, height: 1, channels: 4, samples: [200, 100, 50, 255])) : try golden(book, name)
    try folder.write("b.\(book)", bytes)
    let data = try folder.open { ($0.imageSize, $0.imageChannels) = (8, 3) }
    #expect(data.train.count == 2 && data.train.inputs.shape == [8, 8, 3])
    #expect(!data.notes.contains { $0.hasPrefix("left out") })
  }

  @Test func nothingThatCanBeReadIsAnError() throws {
    let folder = try PictureFolder()
    try folder.write("bad.png", [1, 2, 3])
    #expect(throws: DataError.self) { try folder.open { $0.strict = false } }
  }
}

@Suite struct SyntheticDataTests {
  @Test(arguments: [("gaussian-ring", 2, 8), ("gaussian-grid", 2, 25), ("gaussian-pair", 1, 2)])
  func pointsLieAroundTheirComponents(name: String, width: Int, modes: Int) throws {
    let data = try DataSource.open(DataRequest(source: name))
    let labels = try #require(data.train.labels)
    #expect(data.train.inputs.shape == [width] && labels.count == modes)
    let values = data.train.inputs.withUnsafeBufferPointer(as: Float.self) { Array($0) }
    for mode in 0..<modes {
      let rows = labels.indices.indices.filter { labels.indices[$0] == mode }
      let x = rows.map { Double(values[$0 * width]) }
      let mean = x.reduce(0, +) / Double(x.count)
      let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)).squareRoot()
      let expected = name == "gaussian-ring" ? 0.02 : name == "gaussian-grid" ? 0.05 : [0.4, 0.6][mode]
      // The deviation of n points errs by 1/√(2n) of itself.
      #expect(abs(deviation - expected) < 4 * expected / (2 * Double(x.count)).squareRoot())
    }
    #expect(try DataSource.open(DataRequest(source: name)).fingerprint == data.fingerprint)
  }
}
