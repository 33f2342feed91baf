import Datasets
import Foundation
import Images
import Runs
import TestSupport

/// Files for one test: tables and arrays that train in a moment.
struct Files: ~Copyable {
  private let folder = TemporaryFolder()

  subscript(name: String) -> String { folder.path + "/" + name }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: self[name]))
  }

  /// Fifty rows of a noisy line: columns `x` and `y`.
  func line() throws -> String {
    let rows = (0..<50).map { "\(Double($0) / 10),\(0.7 * Double($0) + Double($0 * $0 % 7))" }
    try write("line.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    return self["line.csv"]
  }

  /// Sixty pictures of 4 × 4 bytes, as rows.
  func pictures() throws -> String {
    let bytes = (0..<60 * 16).map { UInt8($0 * $0 % 251) }
    try NPY.write(bytes, shape: [60, 16], to: self["pictures.npy"])
    return self["pictures.npy"]
  }

  /// Pictures of 12 × 12 bytes in three classes, as an archive.
  func write(_ name: String, pictures count: Int) throws {
    var archive = try NPZWriter(self[name])
    try archive.add("x", (0..<count * 144).map { UInt8($0 * $0 % 241) }, shape: [count, 12, 12])
    try archive.add("y", (0..<count).map { Int64($0 % 3) }, shape: [count])
    try archive.finish()
  }

  /// A folder of thirty color pictures of 8 × 8 with captions in two languages, each caption of two pictures.
  func captions() throws -> String {
    try FileManager.default.createDirectory(atPath: self["captions/images"], withIntermediateDirectories: true)
    var table = "image,en,de\n"
    for index in 0..<30 {
      let picture = Raster(
        width: 8, height: 8, channels: 3, samples: (0..<192).map { UInt8(($0 * $0 + 31 * index) % 251) })
      try Data(PNG.encode(picture)).write(to: URL(fileURLWithPath: self["captions/images/\(index).png"]))
      table += "\(index).png,number \(index % 15),Nummer \(index % 15)\n"
    }
    try write("captions/captions.csv", table)
    return self["captions"]
  }

  /// A small Bayesian regression of `line`.
  func regression(steps: Int = 20) throws -> Recipe {
    let recipe = try Recipe.named("bbb-regression")
    recipe.set("data.source", text: try line())
    for (key, value) in [
      ("data.target", "y"), ("data.test_fraction", "0.2"), ("network.hidden", "[8]"), ("train.batch", "10"),
      ("train.steps", "\(steps)"), ("evaluate.samples", "5"), ("optimizer.schedule", "constant"),
    ] { try recipe.set(key, to: value) }
    return recipe
  }
}
