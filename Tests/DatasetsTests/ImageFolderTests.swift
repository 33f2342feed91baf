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

@Suite struct ImageFolderTests {
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

  @Test func foldersAreClasses() throws {
    let folder = try PictureFolder()
    for (index, name) in ["cats", "dogs"].enumerated() {
      for picture in 0...index { try folder.write("\(name)/\(picture).png", side: 4, value: UInt8(index)) }
    }
    let labels = try #require(try folder.open().train.labels)
    #expect(labels.names == ["cats", "dogs"])
    #expect(labels.indices == [0, 1, 1])
  }

  @Test(arguments: ["text", "truncated", "bomb", "empty"])
  func badPicturesAreRefusedWithTheirPathOrLeftOut(kind: String) throws {
    let folder = try PictureFolder()
    try folder.write("a.png", side: 8, value: 10)
    let whole = try PNG.encode(Raster(width: 8, height: 8, channels: 1, samples: [UInt8](repeating: 3, count: 64)))
    var bytes = whole
    switch kind {
    case "text": bytes = Array("not a picture at all".utf8)
    case "truncated": bytes = Array(whole.prefix(whole.count - 20))
    case "bomb": bytes.replaceSubrange(16..<24, with: [0, 0, 0x9C, 0x40, 0, 0, 0x9C, 0x40])  // 40,000 × 40,000
    default: bytes = []
    }
    try folder.write("bad.png", bytes)
    let error = try #require(throws: DataError.self) { try folder.open() }
    #expect("\(error)".contains("bad.png") && "\(error)".contains("data.strict"))
    let data = try folder.open { $0.strict = false }
    #expect(data.train.count == 1)
    #expect(data.notes.count == 1 && data.notes[0].contains("bad.png"))
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
