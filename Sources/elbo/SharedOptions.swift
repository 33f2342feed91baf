import ArgumentParser
import Datasets
import Files
import Foundation
import Models
import Recipes
import Training

/// Options that several subcommands share.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a key of the recipe; repeatable.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("The data: a name, a folder or a file.", valueName: "dir|file"))
  var data: String?

  @Option(help: "The seed of everything random.")
  var seed: UInt64?

  @Option(help: ArgumentHelp("V, the number of slices that a step's examples are cut into.", valueName: "v"))
  var shards: Int?

  @Option(help: "How many steps to train in all.")
  var steps: Int?

  @Option(help: "How many epochs to train in all.")
  var epochs: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Refuse a folder with a picture that cannot be read, or leave the picture out with a note (data.strict).")
  var strict: Bool?

  /// Overrides a recipe's values: `--set` first, then the options that have a name of their own.
  func apply(to recipe: Recipe) throws {
    for assignment in overrides { try recipe.set(assignment) }
    if let data { try recipe.set("data.source", to: quoted(data)) }
    if let strict { try recipe.set("data.strict", to: String(strict)) }
    if let seed { try recipe.set("train.seed", to: String(seed)) }
    if let shards { try recipe.set("train.shards", to: String(shards)) }
    if let steps {
      try recipe.set("train.steps", to: String(steps))
      if epochs == nil { try recipe.set("train.epochs", to: "null") }
    }
    if let epochs {
      try recipe.set("train.epochs", to: String(epochs))
      if steps == nil { try recipe.set("train.steps", to: "null") }
    }
  }

  /// The same options for another process.
  var arguments: [String] {
    func option(_ name: String, _ value: (some CustomStringConvertible)?) -> [String] {
      value.map { [name, $0.description] } ?? []
    }
    return overrides.flatMap { ["--set", $0] } + option("--data", data) + option("--seed", seed)
      + option("--shards", shards) + option("--steps", steps) + option("--epochs", epochs)
  }

  private func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
  }
}

struct LaneOptions: ParsableArguments {
  @Option(help: "How many threads compute (default: one for each processor).")
  var lanes: Int?

  func count() throws -> Int {
    guard let lanes else { return ProcessInfo.processInfo.activeProcessorCount }
    guard (1...1024).contains(lanes) else { throw RecipeError("--lanes is \(lanes): it must be from 1 to 1024") }
    return lanes
  }
}

extension Recipe {
  /// A built-in recipe by its name, or a file by its path.
  static func named(_ name: String) throws -> Recipe {
    if let model = Models.all.first(where: { $0.name == name }) {
      return try Recipe(yaml: String(decoding: model.recipe, as: UTF8.self), source: "the recipe \(name)")
    }
    if name.contains("/") || name.contains(".") || FileManager.default.fileExists(atPath: name) {
      return try file(name)
    }
    let names = Models.all.map { $0.name }
    let hint = nearest(to: name, among: names).map { "; the nearest is \($0)" } ?? ""
    throw RecipeError("there is no recipe and no file \(name)\(hint); `elbo recipes` lists what there is")
  }

  static func file(_ path: String) throws -> Recipe {
    let bytes = try InputFile.read(path, limit: 1 << 20)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw RecipeError("\(path) is not UTF-8 text") }
    return try Recipe(yaml: text, source: path)
  }
}
