import BayesianNetworks
import Datasets
import Files
import Foundation
import Images
import Recipes
import Training
import Vision

extension Run {
  /// Whether the model makes pictures larger.
  public var enlargesPictures: Bool { job.learner.offers.enlarging != nil }

  /// Makes a picture larger, with how sure the model is of each pixel. The model enlarges the luma of a color picture; its
  /// colors, which the eye sees less sharply, are enlarged by the bicubic rule.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/super-resolution")
  /// try run.enlarge("small.png", samples: 50).write(to: "large.png")
  /// ```
  ///
  /// - Parameters:
  ///   - path: a PNG or JPEG file.
  ///   - samples: how many Monte Carlo samples to take; `.automatic` is not offered for pictures.
  ///   - seed: of the samples.
  /// - Throws: `TrainingError` when the model does not enlarge pictures or the picture is too large; `DataError` when the
  ///   file is no picture.
  public func enlarge(_ path: String, samples: SampleCount = .count(100), seed: UInt64 = 0) throws -> Enlarged {
    try samples.validate()
    guard let learner = job.learner.offers.enlarging else {
      throw TrainingError(
        .unsuitable, "a \(model) does not enlarge pictures", advice: "name a run of super-resolution")
    }
    let count = try samples.number(for: "an enlarged picture needs")
    let picture = try ExampleSet(wholePictureAt: path, background: job.dataRequest.background).wholePicture(0)
    guard picture.height * picture.width <= Enlarged.mostPixels else {
      throw TrainingError(
        .unsuitable,
        "\(path): has \(picture.height) × \(picture.width) pixels, and a layer of 64 channels would need "
          + String(format: "%.1f GiB", Double(picture.height * picture.width * 256) / 0x1p30),
        advice: "cut it into pictures of at most \(Enlarged.mostPixels) pixels")
    }
    let parts = picture.channels == 3 ? LumaChroma(picture) : nil
    let luma = parts?.luma ?? picture.luma
    let maps = try learner.enlarge(
      [luma], samples: count, key: Prediction.key(seed: seed), with: crew())[0]
    let large = GrayImage(height: maps.height, width: maps.width, values: maps.mean)
    guard let parts else {
      return Enlarged(
        picture: Raster(width: maps.width, height: maps.height, channels: 1, samples: large.bytes), maps: maps)
    }
    let colors = LumaChroma(
      luma: large, blue: parts.blue.bicubic(height: maps.height, width: maps.width),
      red: parts.red.bicubic(height: maps.height, width: maps.width))
    return Enlarged(picture: colors.raster, maps: maps)
  }
}

/// A picture that was made larger.
public struct Enlarged: Sendable {
  public let picture: Raster
  /// The luma of the picture: what was predicted, and how sure it is.
  public let maps: EnlargedPicture

  /// Pixels of a small picture beyond which the memory for one pass would be out of proportion: 1 GiB a layer of 64 channels.
  static let mostPixels = 1 << 22

  /// The files of a folder that `write` makes.
  public static let files = ["picture.png", "deviation.png", "maps.npz"]

  /// Writes a file by its extension: `.png` is the picture, `.npz` has `mean`, `std`, `aleatoric_variance` and
  /// `epistemic_variance` in gray levels. A name without one is that of a folder with both and `deviation.png`: black for
  /// 0 and white for the greatest standard deviation.
  /// - Returns: the files.
  @discardableResult
  public func write(to path: String) throws -> [String] {
    switch try PictureOutput.extensionName(path, of: "enlarged pictures", among: ["png", "npz"]) {
    case "png": try AtomicFile.write(path, PNG.encode(picture))
    case "npz": try writeMaps(to: path)
    default:
      try PictureOutput.makeFolder(path)
      try AtomicFile.write("\(path)/picture.png", PNG.encode(picture))
      let deviation = maps.deviation
      let grays = ClassColors.greys(deviation, greatest: deviation.max() ?? 0)
      try AtomicFile.write(
        "\(path)/deviation.png",
        PNG.encode(Raster(width: maps.width, height: maps.height, channels: 1, samples: grays)))
      try writeMaps(to: "\(path)/maps.npz")
      return Enlarged.files.map { "\(path)/\($0)" }
    }
    return [path]
  }

  /// Finds out whether an enlarged picture is written under such a name, before it is computed.
  package static func checkWritable(_ path: String) throws {
    _ = try PictureOutput.extensionName(path, of: "enlarged pictures", among: ["png", "npz"])
  }

  private func writeMaps(to path: String) throws {
    let shape = [maps.height, maps.width]
    var archive = try NPZWriter(path)
    try archive.add("mean", maps.mean, shape: shape)
    try archive.add("std", maps.deviation, shape: shape)
    try archive.add("aleatoric_variance", maps.aleatoric, shape: shape)
    try archive.add("epistemic_variance", maps.epistemic, shape: shape)
    try archive.add("samples", [Int64(maps.samples)], shape: [])
    try archive.finish()
  }
}

/// Where pictures and maps are written: a folder, or one file.
enum PictureOutput {
  /// The kind of file that a name asks for; empty: a folder.
  static func extensionName(_ path: String, of what: String, among kinds: [String]) throws(RecipeError) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard name.contains("."), let kind = name.split(separator: ".").last?.lowercased(), !path.hasSuffix("/") else {
      return ""
    }
    guard kinds.contains(kind) else {
      let endings = kinds.map { ".\($0)" }
      throw RecipeError(
        "\(what) are not written as `\(name)`: name a folder, or a file that ends with "
          + endings.dropLast().joined(separator: ", ") + " or \(endings.last!)")
    }
    return kind
  }

  static func makeFolder(_ path: String) throws(RecipeError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw RecipeError("\(path): the folder cannot be made; name another")
    }
  }
}
