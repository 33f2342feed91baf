import Foundation
import TestSupport

/// A folder for one test, with a tiny data set in it: the four IDX files of blobs, 60 to train and 20 to test with,
/// which are 6 pixels wide by default.
final class Workspace: Sendable {
  private let folder = TemporaryFolder()
  static let side = 6
  static let trainCount = 60
  static let testCount = 20

  init(side: Int = Workspace.side) throws {
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    for (stem, count) in [("train", Workspace.trainCount), ("t10k", Workspace.testCount)] {
      try write("data/\(stem)-images-idx3-ubyte", IDX.images(count, side: side))
      try write("data/\(stem)-labels-idx1-ubyte", IDX.labels(count))
    }
  }

  var path: String { folder.path }
  var data: String { path + "/data" }

  subscript(name: String) -> String { path + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: self[name]))
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func read(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: self[name]))) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self[name]) }

  /// What lies in a folder, hidden files too.
  func names(in name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: self[name])) ?? []).sorted()
  }

  /// All files and folders below this one, with their sizes.
  var listing: [String] {
    let manager = FileManager.default
    return (manager.subpaths(atPath: path) ?? []).map { name in
      let attributes = try? manager.attributesOfItem(atPath: self[name])
      return "\(name) \(attributes?[.size] ?? 0)"
    }.sorted()
  }

  /// Arguments that train a small model on the tiny data set.
  func training(_ model: String, out: String, _ more: String...) -> [String] {
    training(model, out: out, more)
  }

  func training(_ model: String, out: String, _ more: [String]) -> [String] {
    ["train", model, "--data", data, "--out", self[out], "--quiet", "--json"] + TinyModel.options(model) + more
  }
}

/// The sizes at which the tests train the recipes that they train.
enum TinyModel {
  static func options(_ model: String) -> [String] {
    let settings =
      switch model {
      // Short restarts, so that an interruption may fall anywhere in one; and more of them than a test waits for.
      case "gmm":
        [
          "network.components=3", "network.covariance=diagonal", "objective.iterations=8", "objective.restarts=100000",
        ]
      // All images are one sequence, so that three of four shards are empty.
      case "hmm":
        ["network.states=3", "network.covariance=diagonal", "objective.iterations=8", "objective.restarts=100000"]
      case "vae": ["network.hidden=[16]", "network.latent=2", "evaluate.importance_samples=2", "train.batch=20"]
      case "gan":
        [
          "network.generator=[16]", "network.discriminator=[16]", "network.latent=4", "train.batch=10",
          "objective.discriminator_steps=2",
        ]
      case "dcgan":
        [
          "network.filters=2", "network.hidden=8", "network.latent=4", "train.batch=20",
          "objective.augmentation=[mirror, colour, translation, cutout]",
        ]
      case "wgan-gp":
        [
          "network.filters=2", "network.hidden=8", "network.latent=4", "train.batch=10",
          "objective.discriminator_steps=2",
        ]
      case "mlp": ["network.hidden=[16]", "train.batch=20", "objective.class_weights=[0=3]"]
      case "autoencoder": ["network.hidden=[16]", "network.latent=2", "train.batch=20"]
      default: ["network.hidden=[16]", "train.batch=20"]
      }
    return (settings + ["train.shards=4"]).flatMap { ["--set", $0] }
  }
}

/// Files in the format of MNIST: a magic number with type and rank, big-endian extents, the numbers.
enum IDX {
  static func file(extents: [Int], _ bytes: [UInt8]) -> [UInt8] {
    let header = [0x0800 | UInt32(extents.count)] + extents.map { UInt32($0) }
    return header.flatMap { value in withUnsafeBytes(of: value.bigEndian) { Array($0) } } + bytes
  }

  /// Images with one bright square each, at one of four places.
  static func images(_ count: Int, side: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for image in 0..<count {
      for row in 0..<side {
        for column in 0..<side {
          let isBright = (row < side / 2) == (image % 4 < 2) && (column < side / 2) == (image % 2 == 0)
          bytes.append(isBright ? UInt8(200 + image % 50) : UInt8(image % 30))
        }
      }
    }
    return file(extents: [count, side, side], bytes)
  }

  static func labels(_ count: Int) -> [UInt8] { file(extents: [count], (0..<count).map { UInt8($0 % 4) }) }
}
