import Foundation
import Images
import Testing

@Suite("Gray images") struct GrayImageTests {
  private struct Golden: Decodable {
    struct Case: Decodable {
      let height, width: Int
      let values: [[Float]]
    }
    let height, width: Int
    let values: [[Float]]
    let cases: [Case]
  }

  @Test("Cubic convolution is Pillow's of the mirrored picture, smaller and larger")
  func bicubic() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/bicubic.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    let image = GrayImage(height: golden.height, width: golden.width, values: golden.values.flatMap { $0 })
    #expect(golden.cases.count == 5)
    for wanted in golden.cases {
      let found = image.bicubic(height: wanted.height, width: wanted.width)
      #expect(found.height == wanted.height && found.width == wanted.width)
      for (value, truth) in zip(found.values, wanted.values.flatMap { $0 }) {
        #expect(abs(value - truth) < 0.002, "\(wanted.height) × \(wanted.width)")
      }
    }
  }

  @Test("An even picture stays what it is, whatever its size")
  func evenPicture() {
    for (height, width) in [(1, 1), (7, 3), (40, 41)] {
      let found = GrayImage(height: 5, width: 6, values: Array(repeating: 77, count: 30))
        .bicubic(height: height, width: width)
      #expect(found.values.allSatisfy { abs($0 - 77) < 1e-4 })
    }
  }

  @Test("Luma is that of the standard, and colors come back from it")
  func luma() {
    var samples: [UInt8] = [0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255]
    for index in 0..<195 { samples.append(UInt8(index * 37 % 256)) }
    let picture = Raster(width: 10, height: 7, channels: 3, samples: samples)
    let parts = LumaChroma(picture)
    for (value, wanted) in zip(parts.luma.values, [16, 235, 81.481, 144.553, 40.966] as [Float]) {
      #expect(abs(value - wanted) < 1e-3)
    }
    #expect(zip(parts.raster.samples, samples).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }
}
