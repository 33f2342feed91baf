import Foundation
import Images
import Testing

@Suite struct JPEGTests {
  struct File: Decodable, Sendable {
    let name: String
    let bytes: Data
    let width: Int?
    let height: Int?
    let channels: Int?
    let samples: [UInt8]?
  }

  private static let files: [File] = {
    struct Book: Decodable { let files: [File] }
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/jpeg_variants.json")
    return try! JSONDecoder().decode(Book.self, from: Data(contentsOf: url)).files
  }()

  @Test func decodesAsPillowDoes() throws {
    let whole = JPEGTests.files.filter { $0.samples != nil }
    #expect(whole.count == 5)
    for file in whole {
      let raster = try JPEG.decode([UInt8](file.bytes))
      #expect(raster.width == file.width && raster.height == file.height && raster.channels == file.channels)
      // Pillow brings a libjpeg-turbo of its own; upsampling of colours may round otherwise.
      let worst = zip(raster.samples, file.samples!).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(raster.samples.count == file.samples!.count && worst <= 1, "\(file.name)")
      #expect(JPEG.isJPEG(file.bytes))
    }
  }

  @Test(arguments: [
    ("CMYK", ImageError.Code.unsupported), ("cut off in the header", .invalid), ("cut off in the picture", .truncated),
    ("text", .invalid), ("nothing", .invalid),
  ])
  func refusesWhatIsNoWholePicture(name: String, code: ImageError.Code) throws {
    let file = try #require(JPEGTests.files.first { $0.name == name })
    let error = try #require(throws: ImageError.self) { try JPEG.decode([UInt8](file.bytes)) }
    #expect(error.code == code)
    #expect(!error.reason.isEmpty)
  }

  /// Corners of a picture, as places among its samples.
  private enum Corner: Sendable {
    case topLeft, topRight, bottomLeft, bottomRight

    func pixel(of raster: Raster) -> [UInt8] {
      let x = self == .topLeft || self == .bottomLeft ? 0 : raster.width - 1
      let y = self == .topLeft || self == .topRight ? 0 : raster.height - 1
      let start = (y * raster.width + x) * raster.channels
      return Array(raster.samples[start..<start + raster.channels])
    }
  }

  /// Where the first and the last pixel of the first stored row are seen (Exif 2.32, section 4.6.5).
  private static let orientations: [(Corner, Corner)] = [
    (.topLeft, .topRight), (.topRight, .topLeft), (.bottomRight, .bottomLeft), (.bottomLeft, .bottomRight),
    (.topLeft, .bottomLeft), (.topRight, .bottomRight), (.bottomRight, .topRight), (.bottomLeft, .topLeft),
  ]

  @Test("A picture is turned as the camera says", arguments: 1...8, [true, false])
  func orientation(_ orientation: Int, isBigEndian: Bool) throws {
    let bytes = [UInt8](try #require(JPEGTests.files.first { $0.name == "colour" }).bytes)
    let plain = try JPEG.decode(bytes)
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      let digits = (0..<count).map { UInt8(value >> (8 * $0) & 255) }
      return isBigEndian ? digits.reversed() : digits
    }
    var exif = Array("Exif\0\0".utf8) + Array((isBigEndian ? "MM" : "II").utf8) + number(42, 2) + number(8, 4)
    exif += number(2, 2) + number(256, 2) + number(3, 2) + number(1, 4) + number(9, 2) + [0, 0]
    exif += number(274, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + [0, 0] + number(0, 4)
    let segment = [0xFF, 0xE1, UInt8((exif.count + 2) >> 8), UInt8((exif.count + 2) & 255)] + exif
    let turned = try JPEG.decode(bytes[..<2] + segment + bytes[2...])
    let isTurned = orientation >= 5
    #expect(turned.width == (isTurned ? plain.height : plain.width))
    #expect(turned.height == (isTurned ? plain.width : plain.height))
    let (first, last) = Self.orientations[orientation - 1]
    #expect(first.pixel(of: turned) == Corner.topLeft.pixel(of: plain))
    #expect(last.pixel(of: turned) == Corner.topRight.pixel(of: plain))
    #expect(turned.samples.reduce(0) { $0 + Int($1) } == plain.samples.reduce(0) { $0 + Int($1) })
    // A directory that is cut off says nothing.
    let short = [0xFF, 0xE1, 0, 18] + exif.prefix(16)
    #expect(try JPEG.decode(bytes[..<2] + short + bytes[2...]) == plain)
  }

  @Test func refusesMorePixelsThanAreAccepted() throws {
    let file = try #require(JPEGTests.files.first { $0.name == "colour" })
    let error = #expect(throws: ImageError.self) { try JPEG.decode([UInt8](file.bytes), pixelLimit: 100) }
    #expect(error?.code == .tooLarge)
  }
}

@Suite struct ScalingTests {
  private let ramp = Raster(width: 4, height: 2, channels: 1, samples: [0, 10, 20, 30, 100, 110, 120, 130])

  @Test func halvingKeepsTheMean() {
    let raster = Raster(width: 8, height: 8, channels: 1, samples: (0..<64).map { UInt8(4 * $0) })
    let half = raster.resized(width: 4, height: 4)
    let mean = half.samples.reduce(0) { $0 + Double($1) } / 16
    #expect(abs(mean - 126) < 2)
    #expect(half.samples == half.samples.sorted())
  }

  @Test func sizesOfOneAndTheSame() {
    #expect(ramp.resized(width: 4, height: 2) == ramp)
    let pixel = Raster(width: 1, height: 1, channels: 3, samples: [1, 2, 3]).resized(width: 2, height: 2)
    #expect(pixel.samples == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
    #expect(ramp.resized(width: 1, height: 1).samples.count == 1)
  }

  @Test func croppingTakesTheMiddle() {
    #expect(ramp.croppedToSquare().samples == [10, 20, 110, 120])
  }

  @Test func coloursAndTransparency() {
    let clear = Raster(width: 1, height: 1, channels: 2, samples: [200, 0])
    #expect(clear.converted(toChannels: 1).samples == [0])
    #expect(clear.converted(toChannels: 3).samples == [0, 0, 0])
    let white = Raster(width: 1, height: 1, channels: 3, samples: [255, 255, 255])
    #expect(white.converted(toChannels: 1).samples == [255])
  }
}
