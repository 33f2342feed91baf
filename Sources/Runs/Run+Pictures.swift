import BayesianNetworks
import Datasets
import Files
import Foundation
import Images
import Recipes
import Tensors
import Training
import Vision

extension Run {
  /// Whether the model says of each pixel of a picture which class it has.
  public var predictsPixels: Bool { job.learner.offers.pixelPrediction != nil }

  /// Predicts the class of each pixel of a picture, with how sure the model is.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/segmentation")
  /// try run.segment("street.png", samples: 50).write(to: "street")
  /// ```
  ///
  /// - Parameters:
  ///   - path: a PNG or JPEG file of any size that fits into memory.
  ///   - samples: how many Monte Carlo samples to take; `.automatic` is not offered for pictures.
  ///   - seed: of the samples.
  /// - Throws: `TrainingError` when the model does not predict pixels or the picture does not fit; `DataError` when the
  ///   file is no picture.
  public func segment(_ path: String, samples: SampleCount = .count(100), seed: UInt64 = 0) throws -> Segmented {
    try samples.validate()
    guard let learner = job.learner.offers.pixelPrediction else {
      throw TrainingError(
        .unsuitable, "a \(model) does not predict the classes of pixels", advice: "name a run of segmentation")
    }
    let count = try samples.number(for: "maps of pictures need")
    let channels = schema.shape.count == 3 ? schema.shape[2] : 1
    let picture = try ExampleArray(
      picture: path, channels: channels, background: job.dataRequest.background)
    if let mismatch = learner.mismatch(picture) {
      throw TrainingError(.unsuitable, "\(path): \(mismatch)", advice: "give a picture like the training data's")
    }
    let maps = try learner.predict(picture, samples: count, key: Prediction.key(seed: seed), with: crew())[0]
    return Segmented(maps: maps, classValues: learner.classValues, names: schema.labelImages?.names ?? [])
  }
}

extension Predictions {
  /// Maps of pictures of the same size: `class`, as label pictures have it, `mean`, `aleatoric`, `epistemic` and `variance`.
  /// - Parameter values: what stands for each class in label pictures.
  init(_ maps: [PixelPrediction], values: [UInt8], schema: Schema) {
    let size = maps.first.map { [$0.height, $0.width] } ?? []
    func column(_ name: String, _ more: [Int] = [], _ numbers: (PixelPrediction) -> [Double]) -> RowPrediction {
      RowPrediction(name, shape: size + more, maps.flatMap(numbers))
    }
    self.init(
      [
        column("class") { $0.guesses.map { Double(values[$0]) } },
        column("mean", [values.count]) { $0.mean.map(Double.init) },
        column("aleatoric") { $0.aleatoric.map(Double.init) },
        column("epistemic") { $0.epistemic.map(Double.init) },
        column("variance") { $0.variance.map(Double.init) },
      ], schema: schema, examples: maps.count)
  }
}

/// A picture's segmentation and its maps of uncertainty.
public struct Segmented: Sendable {
  public let maps: PixelPrediction
  /// What stands for each class in label pictures.
  public let classValues: [UInt8]
  /// Of the classes, where they have names.
  public let names: [String]

  /// The files that `write` makes.
  public static let files = ["classes.png", "colors.png", "aleatoric.png", "epistemic.png", "maps.npz"]

  /// Makes a folder of pictures: `classes.png`, whose numbers are those of the training data's label pictures;
  /// `colors.png`, to look at; `aleatoric.png` and `epistemic.png`, black for 0 and white for the greatest value of the
  /// map. `maps.npz` holds `mean`, the probabilities, `aleatoric`, `epistemic` and `variance` as numbers.
  ///
  /// A name with an extension is that of one file: `.png` has the colors, `.npz` what `maps.npz` holds, `.npy` the
  /// probabilities.
  /// - Returns: the files.
  @discardableResult
  public func write(to path: String) throws -> [String] {
    switch try Segmented.extensionName(path) {
    case "png": try write(path, channels: 3, colors)
    case "npz": try writeMaps(to: path)
    case "npy": try NPY.write(maps.mean, shape: [maps.height, maps.width, maps.classes], to: path)
    default:
      try writeAll(to: path)
      return Segmented.files.map { "\(path)/\($0)" }
    }
    return [path]
  }

  /// Finds out whether maps are written under such a name, before they are computed.
  package static func checkWritable(_ path: String) throws { _ = try extensionName(path) }

  private static func extensionName(_ path: String) throws(RecipeError) -> String {
    try PictureOutput.extensionName(path, of: "maps", among: ["png", "npz", "npy"])
  }

  private var colors: [UInt8] { maps.guesses.flatMap { ClassColors.color(UInt8($0)) } }

  private func writeAll(to folder: String) throws {
    try PictureOutput.makeFolder(folder)
    let guesses = maps.guesses
    try write("\(folder)/classes.png", channels: 1, guesses.map { classValues[$0] })
    try write("\(folder)/colors.png", channels: 3, colors)
    for (name, map) in [("aleatoric", maps.aleatoric), ("epistemic", maps.epistemic)] {
      try write("\(folder)/\(name).png", channels: 1, ClassColors.greys(map, greatest: map.max() ?? 0))
    }
    try writeMaps(to: "\(folder)/maps.npz")
  }

  private func writeMaps(to path: String) throws {
    let (height, width) = (maps.height, maps.width)
    var archive = try NPZWriter(path)
    try archive.add("mean", maps.mean, shape: [height, width, maps.classes])
    try archive.add("aleatoric", maps.aleatoric, shape: [height, width])
    try archive.add("epistemic", maps.epistemic, shape: [height, width])
    try archive.add("variance", maps.variance, shape: [height, width])
    try archive.add("samples", [Int64(maps.samples)], shape: [])
    try archive.finish()
  }

  private func write(_ path: String, channels: Int, _ samples: [UInt8]) throws {
    let picture = Raster(width: maps.width, height: maps.height, channels: channels, samples: samples)
    try AtomicFile.write(path, PNG.encode(picture))
  }
}
