import Learners
import Models
import Recipes
import Runs
import Testing

@Suite("Keys of recipes", .timeLimit(.minutes(5))) struct RecipeKeysTests {
  @Test("Every key that a shipped recipe may have is described, and nothing else is") func described() throws {
    var keys: [String: [String]] = [:]
    for model in Models.all {
      let all = try RecipeKey.all(of: model)
      let missing = all.filter { $0.meaning == nil }.map(\.key)
      #expect(missing == [], "\(model.name)")
      keys[model.name] = all.map(\.key)
    }
    #expect(KeyMeanings.unused(byModels: keys) == [])
  }

  @Test("A key says what the recipe has, what is usual, and what it may hold") func oneKey() throws {
    let keys = try RecipeKey.all(of: Models.named("bbb"))
    let seed = try #require(keys.first { $0.key == "train.seed" })
    #expect((seed.value, seed.default, seed.allowed) == ("0", "0", "a whole number from 0 to \(Int.max)"))
    #expect(seed.with == nil && seed.meaning == "of everything random")
    let floor = try #require(keys.first { $0.key == "optimizer.floor" })
    #expect(floor.with == "optimizer.schedule=cosine")
    // Sections stay together.
    let sections = keys.map { $0.key.prefix { $0 != "." } }
    #expect(Set(sections).count == zip(sections, sections.dropFirst()).count { $0 != $1 } + 1)
  }
}
