import Datasets
import Tensors

/// A learner that predicts by Monte Carlo: sample t of a prediction is a function of the parameters, the key, t and the
/// example, no matter which node computes it and beside which other samples.
public protocol Predicting: Learner {
  /// Numbers of one sample for one example: class probabilities, or means and then variances in the units of the data.
  var predictionWidth: Int { get }
  var isClassifier: Bool { get }
  /// How many samples differ: a plain network has one, an ensemble as many as members; nil: all do.
  var distinctSamples: Int? { get }
  /// How many Markov chains the samples are states of, in turns, each chain's in its order; nil: they are no chain's.
  var chainCount: Int? { get }
  /// How many samples an evaluation takes.
  var evaluationSamples: Int { get }
  /// The names of classes, or nothing.
  var classNames: [String] { get }
  /// Turns examples of an array into rows.
  func rows(of array: ExampleArray, _ examples: Range<Int>) -> Tensor
  /// Whether an array's examples are what the learner was trained on; `nil`, or what is wrong.
  func mismatch(_ array: ExampleArray) -> String?
  /// A copy of the learner's parameters to draw into, if samples need one.
  func makeSampleStorage() -> FlatBuffer?
  /// Draws what sample t computes with, its ranges spread over the lanes.
  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) throws
  /// Sample t for some rows: [n, in] → [n, predictionWidth]. `examples` are their numbers, which key their noise.
  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor
}

extension Predicting {
  public var chainCount: Int? { nil }

  /// Whether samples differ at all.
  public var isStochastic: Bool { distinctSamples != 1 }

  /// As many samples as were asked for, or as there are.
  public func sampleCount(_ asked: Int) -> Int { min(asked, distinctSamples ?? asked) }
}

/// A learner that says of each pixel of an image which class it has, and how sure it is.
public protocol PixelPredicting: Learner {
  /// What is wrong with an array of images, or nothing. Their height and width need not be those of the training images.
  func mismatch(_ images: ExampleArray) -> String?
  /// The maps of each image by Monte Carlo samples 0 ..< `samples`, or one where samples do not differ; the same for any
  /// number of lanes.
  func predict(_ images: ExampleArray, samples: Int, key: RandomKey, with crew: Crew) throws -> [PixelPrediction]
  /// What stands for a class in a label picture.
  var classValues: [UInt8] { get }
}

/// What samples of one image's class probabilities come to, pixel by pixel.
public struct PixelPrediction: Sendable {
  public let height: Int
  public let width: Int
  public let classes: Int
  public let samples: Int
  /// Probabilities, [height, width, classes]: the mean over the samples.
  public let mean: [Float]
  /// The mean over the samples of the entropy, in nats, [height, width]: what the data leaves open.
  public let aleatoric: [Float]
  /// The mutual information of class and parameters, in nats, [height, width]: the uncertainty that more data would
  /// reduce.
  public let epistemic: [Float]
  /// The variance over the samples of each probability, and of these the mean over classes, [height, width]
  /// (Kendall, Badrinarayanan and Cipolla 2015, section 4).
  public let variance: [Float]

  public init(
    height: Int, width: Int, samples: Int, mean: [Float], aleatoric: [Float], epistemic: [Float], variance: [Float]
  ) {
    (self.height, self.width, self.samples, self.mean) = (height, width, samples, mean)
    (self.aleatoric, self.epistemic, self.variance) = (aleatoric, epistemic, variance)
    classes = mean.count / (height * width)
  }

  /// The likeliest class of each pixel by the mean, the first of equals.
  public var guesses: [Int] {
    (0..<height * width).map { pixel in
      var best = 0
      for index in 1..<max(classes, 1) where mean[pixel * classes + index] > mean[pixel * classes + best] {
        best = index
      }
      return best
    }
  }
}

/// A learner that says of new rows what it knows about them, in closed form.
public protocol RowPredicting: Learner {
  /// What is wrong with other inputs, or nothing.
  func mismatch(_ array: ExampleArray) -> String?
  /// Predictions for all rows, the same for any number of lanes.
  func predict(_ array: ExampleArray, with crew: Crew) throws -> [RowPrediction]
  /// Predictions for all rows, which may be the elements of sequences.
  func predict(_ examples: ExampleSet, with crew: Crew) throws -> [RowPrediction]
}

extension RowPredicting {
  public func predict(_ examples: ExampleSet, with crew: Crew) throws -> [RowPrediction] {
    try predict(examples.inputs, with: crew)
  }
}

/// Numbers for each of some rows, under a name.
public struct RowPrediction: Sendable {
  /// What numbers stand for, so that texts write them as such.
  public enum Kind: Sendable {
    case real
    /// Whole numbers, such as the number of a state.
    case whole
    /// A number, or several, for each column of the inputs.
    case ofColumns
  }

  public let name: String
  public let kind: Kind
  /// Of one row; [] is a number.
  public let shape: [Int]
  /// Row after row.
  public var values: [Double]

  public init(_ name: String, shape: [Int] = [], _ values: [Double], kind: Kind = .real) {
    (self.name, self.kind, self.shape, self.values) = (name, kind, shape, values)
  }

  /// A whole number for each row.
  public init(_ name: String, whole values: [Int]) { self.init(name, values.map(Double.init), kind: .whole) }
}

/// The weights of a slot that are left, by their places.
public struct SparseTensor: Sendable {
  public let name: String
  public let count: Int
  public let places: [UInt32]
  public let means: [Float]
  public let rhos: [Float]

  /// A mean and a ρ for each place; nothing is checked before the tensor is loaded.
  public init(name: String, count: Int, places: [UInt32], means: [Float], rhos: [Float]) {
    (self.name, self.count, self.places, self.means, self.rhos) = (name, count, places, means, rhos)
  }
}

/// A learner whose weights can be removed by their signal-to-noise ratio |μ| / σ, the least certain first (Blundell et
/// al. 2015, section 5.3, table 2). A weight that is removed is 0 in every draw.
public protocol Prunable: Learner {
  /// The weights that remain when this share of them is kept; of equals, those that come first in the layout.
  func sparse(keeping share: Double) -> [SparseTensor]
  /// Sets all weights to what remained.
  func load(_ tensors: [SparseTensor]) throws(TrainingError)
}
