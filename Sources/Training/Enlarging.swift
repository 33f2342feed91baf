import Images
import Tensors

/// A learner that makes small pictures larger, and says how sure it is of each pixel.
public protocol Enlarging: Learner {
  /// How many times as high and as wide a picture becomes.
  var factor: Int { get }
  /// Enlarges gray pictures from 0 to 255 by Monte Carlo samples 0 ..< `samples`, or one where samples do not differ; the
  /// same for any number of lanes.
  func enlarge(_ pictures: [GrayImage], samples: Int, key: RandomKey, with crew: Crew) throws -> [EnlargedPicture]
}

/// What the samples of an enlarged picture come to, pixel by pixel, in gray levels.
public struct EnlargedPicture: Sendable {
  public let height: Int
  public let width: Int
  public let samples: Int
  /// The mean over the samples.
  public let mean: [Float]
  /// The mean over the samples of the noise's variance: what a small picture leaves open.
  public let aleatoric: [Float]
  /// The variance over the samples of the mean: the uncertainty that more data would reduce.
  public let epistemic: [Float]

  public init(height: Int, width: Int, samples: Int, mean: [Float], aleatoric: [Float], epistemic: [Float]) {
    (self.height, self.width, self.samples) = (height, width, samples)
    (self.mean, self.aleatoric, self.epistemic) = (mean, aleatoric, epistemic)
  }

  /// The standard deviation of what is predicted.
  public var deviation: [Float] { zip(aleatoric, epistemic).map { ($0 + $1).squareRoot() } }
}
