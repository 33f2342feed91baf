import Files
import Foundation
import Learners
import Models
import Recipes

extension Recipe {
  /// Opens a built-in recipe by its name, or a file by its path.
  public static func named(_ name: String) throws -> Recipe {
    if let model = Models.available.first(where: { $0.name == name }) {
      return try Recipe(yaml: String(decoding: model.recipe, as: UTF8.self), source: "the recipe \(name)")
    }
    if name.contains("/") || name.contains(".") || FileManager.default.fileExists(atPath: name) {
      return try file(name)
    }
    let names = Models.available.map { $0.name }
    let hint = nearest(to: name, among: names).map { "; the nearest is \($0)" } ?? ""
    throw RecipeError("there is no recipe and no file \(name)\(hint); `elbo recipes` lists what there is")
  }

  /// Opens a file.
  public static func file(_ path: String) throws -> Recipe {
    let bytes = try InputFile.read(path, limit: 1 << 20)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw RecipeError("\(path) is not UTF-8 text") }
    return try Recipe(yaml: text, source: path)
  }
}
