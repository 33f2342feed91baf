import ArgumentParser
import Files
import Models
import Recipes
import Reports
import Runs

struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes", abstract: "What there is to train, one line each; with a name, that recipe's file.",
    discussion: """
      Examples:
        elbo recipes
        elbo recipes vae > my-recipe.yaml
        elbo recipes vae --keys
      """)

  @Argument(help: "A built-in recipe's name.")
  var name: String?

  @Flag(help: "Every key of the recipe: what it is, its default, what it may hold, what it means.")
  var keys = false

  @Flag(help: "With --keys: print JSON, an array of objects.")
  var json = false

  func run() throws {
    guard let name else {
      guard !keys, !json else { throw RecipeError("--keys needs a recipe's name, as in `elbo recipes vae --keys`") }
      return list()
    }
    let model = try Models.named(name)
    guard keys || !json else { throw RecipeError("--json goes with --keys") }
    guard keys else { return print(String(decoding: model.recipe, as: UTF8.self), terminator: "") }
    let all = try RecipeKey.all(of: model)
    print(json ? RecipeKeyTexts.json(all) : RecipeKeyTexts.table(all), terminator: json ? "\n" : "")
  }

  private func list() {
    let models = Models.available
    let width = models.map { $0.name.count }.max() ?? 0
    for model in models {
      print(model.name + String(repeating: " ", count: width - model.name.count + 2) + model.summary)
    }
  }
}

/// Keys of recipes as text.
private enum RecipeKeyTexts {
  static func table(_ keys: [RecipeKey]) -> String {
    var table = TextTable([.init("key"), .init("value"), .init("default"), .init("allowed"), .init("meaning")])
    for key in keys {
      let setting = key.with.map { "with \($0): " } ?? ""
      table.append([key.key, key.value, key.default, key.allowed, setting + (key.meaning ?? "")])
    }
    return table.text
  }

  static func json(_ keys: [RecipeKey]) -> String {
    let objects = keys.map { key in
      var members: [(key: String, value: String)] = [
        ("key", key.key), ("value", key.value), ("default", key.default), ("allowed", key.allowed),
      ].map { ($0.0, JSONText.string($0.1)) }
      members += [("meaning", key.meaning), ("with", key.with)].compactMap { name, text in
        text.map { (name, JSONText.string($0)) }
      }
      return JSONText.object(members)
    }
    return "[" + objects.joined(separator: ",\n ") + "]"
  }
}
