import Foundation
import Metrics
import Testing

@Suite("Quality of images") struct ImageQualityTests {
  private struct Golden: Decodable {
    let height, width, border: Int
    let truth, picture: [[Float]]
    let psnr, ssim: Double
  }

  @Test("Signal-to-noise ratio and structural similarity are scikit-image's")
  func golden() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/image_quality.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    let quality = ImageQuality(
      golden.picture.flatMap { $0 }, truth: golden.truth.flatMap { $0 }, height: golden.height, width: golden.width,
      border: golden.border)
    #expect(abs(quality.psnr - golden.psnr) < 1e-9)
    #expect(abs(quality.ssim - golden.ssim) < 1e-9)
  }

  @Test("Pixels of the border do not count, and equal pictures are as near as can be")
  func border() {
    let truth = (0..<400).map { Float($0 * 7 % 256) }
    var picture = truth
    for pixel in 0..<400 where pixel / 20 == 0 || pixel % 20 == 19 { picture[pixel] = 0 }
    let quality = ImageQuality(picture, truth: truth, height: 20, width: 20, border: 1)
    #expect(quality.psnr == .infinity && abs(quality.ssim - 1) < 1e-12)
    #expect(ImageQuality(picture, truth: truth, height: 20, width: 20).psnr < 20)
    #expect(ImageQuality([1, 2], truth: [1, 3], height: 1, width: 2).ssim.isNaN)
  }
}
