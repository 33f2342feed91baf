import Foundation
import Images
import Testing

/// A PNG file of one kind with the samples that scripts/reference/png_variants.py put into it.
struct Variant: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let png: Data
  let width: Int
  let height: Int
  let channels: Int
  let samples: Data

  var testDescription: String { name }

  static let all: [Variant] = {
    let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/png_variants.json")
    do {
      return try JSONDecoder().decode([Variant].self, from: Data(contentsOf: golden))
    } catch {
      fatalError("the golden file beside this test cannot be read: \(error)")
    }
  }()

  static func named(_ name: String) throws -> [UInt8] {
    try Array(#require(all.first { $0.name == name }).png)
  }
}

@Suite struct PNGTests {
  @Test(arguments: Variant.all)
  func readsEveryKind(variant: Variant) throws {
    let raster = try PNG.decode(Array(variant.png))
    #expect(raster.width == variant.width && raster.height == variant.height)
    #expect(raster.channels == variant.channels)
    #expect(raster.samples == Array(variant.samples))
  }

  @Test(arguments: 1...4, [(1, 1), (1, 300), (300, 1), (64, 65)])
  func readsBackWhatItWrote(channels: Int, size: (width: Int, height: Int)) throws {
    let count = size.width * size.height * channels
    let samples = (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
    let raster = Raster(width: size.width, height: size.height, channels: channels, samples: samples)
    let bytes = try PNG.encode(raster)
    #expect(try PNG.decode(bytes) == raster)
    #expect(try PNG.encode(raster) == bytes)
  }

  @Test func alphaIsLaidOverABackground() {
    let raster = Raster(width: 3, height: 1, channels: 2, samples: [200, 255, 200, 0, 100, 51])
    #expect(raster.flattened(over: Background(gray: 10)).samples == [200, 10, 28])
    let opaque = Raster(width: 1, height: 1, channels: 3, samples: [1, 2, 3])
    #expect(opaque.flattened(over: .black) == opaque)
  }
}

@Suite struct HostilePNGTests {
  private func code(_ bytes: [UInt8], pixelLimit: Int = 1 << 26) -> ImageError.Code? {
    do {
      _ = try PNG.decode(bytes, pixelLimit: pixelLimit)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func everyTruncationIsAnError() throws {
    for name in ["RGB 8", "grey 16 interlaced", "palette 4 transparent"] {
      let whole = try Variant.named(name)
      for count in 0..<whole.count {
        let found = code(Array(whole.prefix(count)))
        #expect(found == (count < 8 ? .notPNG : .truncated), "\(name) cut to \(count) bytes")
      }
    }
  }

  /// A flipped bit is caught by a checksum, or lies where nothing depends on it; it never ends the process.
  @Test func everyFlippedByteIsAnErrorOrHarmless() throws {
    for name in ["RGB 8 interlaced", "palette 2 transparent"] {
      let whole = try Variant.named(name)
      let expected = try PNG.decode(whole)
      for position in whole.indices {
        var bytes = whole
        bytes[position] ^= 0x55
        let harmless = (try? PNG.decode(bytes)).map { $0 == expected } ?? true
        #expect(harmless, "\(name), byte \(position)")
      }
    }
  }

  @Test func whatIsNoPNGIsSaidSo() {
    #expect(code([]) == .notPNG)
    #expect(code(Array("GIF89a".utf8)) == .notPNG)
    #expect(code([UInt8](repeating: 0xFF, count: 1000)) == .notPNG)
  }

  @Test func pixelLimitHolds() throws {
    let bytes = try Variant.named("RGB 8")
    #expect(code(bytes, pixelLimit: 13 * 7) == nil)
    #expect(code(bytes, pixelLimit: 13 * 7 - 1) == .tooLarge)
    #expect(code(bytes, pixelLimit: 0) == .tooLarge)
    #expect(code(bytes, pixelLimit: -1) == .tooLarge)
  }

  /// Headers whose checksums are right and whose sizes are not.
  @Test(arguments: [
    (UInt32(0), UInt32(5), ImageError.Code.invalid), (5, 0, .invalid), (0x8000_0000, 5, .invalid),
    (0x7FFF_FFFF, 0x7FFF_FFFF, .tooLarge), (100_000, 100_000, .tooLarge),
    // Within the limit, but no 600 bytes of deflate hold 200 MB.
    (8000, 8000, .truncated), (13, 8, .invalid),
  ])
  func headersThatLieAreRefused(width: UInt32, height: UInt32, expected: ImageError.Code) throws {
    var bytes = try Variant.named("RGB 8")
    bytes.replaceSubrange(16..<20, with: (0..<4).map { UInt8(truncatingIfNeeded: width >> (24 - 8 * $0)) })
    bytes.replaceSubrange(20..<24, with: (0..<4).map { UInt8(truncatingIfNeeded: height >> (24 - 8 * $0)) })
    let checksum = crc32(bytes[12..<29])
    bytes.replaceSubrange(29..<33, with: (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
    #expect(code(bytes) == expected)
  }

  private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }
  }
}
