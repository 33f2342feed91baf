import ArgumentParser
import Models
import Recipes
import Runs

struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes", abstract: "What there is to train, one line each; with a name, that recipe's file.",
    discussion: """
      Examples:
        elbo recipes
        elbo recipes vae > my-recipe.yaml
      """)

  @Argument(help: "A built-in recipe's name.")
  var name: String?

  func run() throws {
    if let name {
      print(String(decoding: try Models.named(name).recipe, as: UTF8.self), terminator: "")
      return
    }
    let models = Models.available
    let width = models.map { $0.name.count }.max() ?? 0
    for model in models {
      print(model.name + String(repeating: " ", count: width - model.name.count + 2) + model.summary)
    }
  }
}
