import Datasets
import Tensors

/// Asks for the style whose picture is nearest to a given one.
public struct ProjectionRequest: Sendable {
  /// One example of the training data's shape.
  public var target: ExampleArray
  public var steps: Int
  /// Of the noise on the way.
  public var seed: UInt64
  /// How many of the pictures on the way are kept.
  public var frames: Int

  public init(target: ExampleArray, steps: Int = 1000, seed: UInt64 = 0, frames: Int = 60) {
    (self.target, self.steps, self.seed, self.frames) = (target, steps, seed, frames)
  }
}

/// A style that was found, and its picture; pictures are in 0…1.
public struct Projection: Sendable {
  /// w, [style].
  public let style: [Float]
  public let picture: [Float]
  public let target: [Float]
  /// Pictures of the way, at even distances, the last one the result.
  public let frames: [[Float]]
  /// Of picture and target, in decibels.
  public let psnr: Double
  /// What was minimized, at each step.
  public let distances: [Double]

  public init(
    style: [Float], picture: [Float], target: [Float], frames: [[Float]], psnr: Double, distances: [Double]
  ) {
    (self.style, self.picture, self.target) = (style, picture, target)
    (self.frames, self.psnr, self.distances) = (frames, psnr, distances)
  }
}
