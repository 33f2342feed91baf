import BayesianNetworks
import Foundation
import Images
import Learners
import LinearAlgebra
import Metrics
import Tensors
import Training

/// How good enlargements of the test pictures are, by the protocol of the literature: luma of whole pictures, made smaller by
/// the antialiased bicubic rule, as many pixels at the edges left out as the factor says, rounded to 8 bits.
struct SuperResolutionEvaluation {
  let metrics: [String: Double]

  private struct Part: Sendable {
    var quality: ImageQuality
    var bicubic: ImageQuality
    var pixels = 0.0
    var nll = 0.0
    var variances = (aleatoric: 0.0, epistemic: 0.0)
    /// Pixels within the central intervals of `levels`.
    var covered = [Double](repeating: 0, count: levels.count)

    static let levels = [0.5, 0.95]
  }

  init(_ learner: SuperResolutionLearner, key: RandomKey, with crew: Crew) throws {
    let (test, factor) = (learner.test!, learner.factor)
    let weights = try learner.weightSource.samples(
      learner.sampleCount(learner.evaluationSamples), of: learner, key: key, with: crew)
    let parts = try crew.map(test.count) { index in
      let truth = test.plane(index)
      let low = truth.bicubic(height: truth.height / factor, width: truth.width / factor)
      let picture = try learner.enlarged(low, weights, example: UInt32(index), key: key)
      return SuperResolutionEvaluation.part(picture, truth, low, border: factor)
    }
    let count = Double(parts.count)
    func mean(_ value: (Part) -> Double) -> Double { parts.reduce(0) { $0 + value($1) } / count }
    let pixels = parts.reduce(0) { $0 + $1.pixels }
    func perPixel(_ value: (Part) -> Double) -> Double { parts.reduce(0) { $0 + value($1) } / pixels }
    var metrics = [
      "sr/PSNR": mean(\.quality.psnr), "sr/SSIM": mean(\.quality.ssim), "sr/PSNR_bicubic": mean(\.bicubic.psnr),
      "sr/SSIM_bicubic": mean(\.bicubic.ssim), "sr/NLL": perPixel(\.nll),
      "sr/Aleatoric": perPixel(\.variances.aleatoric).squareRoot(),
      "sr/Epistemic": perPixel(\.variances.epistemic).squareRoot(),
    ]
    for (place, level) in Part.levels.enumerated() {
      metrics["sr/Coverage\(Int(100 * level))"] = perPixel { $0.covered[place] }
    }
    self.metrics = metrics
  }

  private static func part(_ picture: EnlargedPicture, _ truth: GrayImage, _ low: GrayImage, border: Int) -> Part {
    func quality(_ plane: GrayImage) -> ImageQuality {
      ImageQuality(plane.rounded.values, truth: truth.values, height: truth.height, width: truth.width, border: border)
    }
    var part = Part(
      quality: quality(GrayImage(height: truth.height, width: truth.width, values: picture.mean)),
      bicubic: quality(low.bicubic(height: truth.height, width: truth.width)))
    let widths = Part.levels.map { normalQuantile(0.5 + $0 / 2) }
    for row in border..<truth.height - border {
      for column in border..<truth.width - border {
        let pixel = row * truth.width + column
        let (aleatoric, epistemic) = (Double(picture.aleatoric[pixel]), Double(picture.epistemic[pixel]))
        let variance = aleatoric + epistemic
        let error = Double(truth.values[pixel] - picture.mean[pixel])
        part.pixels += 1
        // Of a Gaussian with the mean and the variance of what is predicted.
        part.nll += 0.5 * (log(2 * .pi * variance) + error * error / variance)
        part.variances.aleatoric += aleatoric
        part.variances.epistemic += epistemic
        for (place, width) in widths.enumerated() where abs(error) <= width * variance.squareRoot() {
          part.covered[place] += 1
        }
      }
    }
    return part
  }
}
