import Datasets
import Tensors

/// Asks for the style whose picture is nearest to a given one.
public struct ProjectionRequest: Sendable {
  /// One example of the training data's shape.
  public var target: ExampleArray
  public var steps: Int
  /// Of the noise on the way.
  public var seed: UInt64
  /// Of a generator with classes, the one whose mean style the search begins at; nil: the mean of all.
  public var classIndex: Int?
  /// Whether the noise of the convolutions is searched for too.
  public var findsNoise: Bool
  /// How many of the pictures on the way are kept.
  public var frames: Int

  public init(
    target: ExampleArray, steps: Int = 1000, seed: UInt64 = 0, classIndex: Int? = nil, findsNoise: Bool = false,
    frames: Int = 60
  ) {
    (self.target, self.steps, self.seed) = (target, steps, seed)
    (self.classIndex, self.findsNoise, self.frames) = (classIndex, findsNoise, frames)
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
  /// The noise of each convolution, [height, width], where it was searched for.
  public let noise: [GeneratedExamples.Rows]
  /// Of picture and target, in decibels.
  public let psnr: Double
  /// What was minimized, at each step.
  public let distances: [Double]

  public init(
    style: [Float], picture: [Float], target: [Float], frames: [[Float]], noise: [GeneratedExamples.Rows],
    psnr: Double, distances: [Double]
  ) {
    (self.style, self.picture, self.target) = (style, picture, target)
    (self.frames, self.noise, self.psnr, self.distances) = (frames, noise, psnr, distances)
  }
}
