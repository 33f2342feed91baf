import Recipes
import Testing

private let yaml = """
  model: vae
  network:
    hidden: [500, 200]
    latent: 20
  train:
    batch: 100
  """

@Suite struct RecipeTests {
  @Test func valuesComeFromTheFileOrTheDefault() throws {
    let recipe = try Recipe(yaml: yaml, source: "a recipe")
    #expect(try recipe["network"].integer("latent", default: 2, in: 1...100) == 20)
    #expect(try recipe["network"].integers("hidden", default: [], in: 1...1000) == [500, 200])
    #expect(try recipe["train"].number("rate", default: 0.5, in: 0...1) == 0.5)
    #expect(try recipe[""].text("model") == "vae")
  }

  @Test func anUnknownKeyNamesTheNearest() throws {
    let recipe = try Recipe(yaml: yaml, source: "a recipe")
    try recipe.set("network.latnet=5")
    _ = try recipe["network"].integer("latent", default: 2, in: 1...100)
    _ = try recipe["network"].integers("hidden", default: [], in: 1...1000)
    _ = try recipe["train"].integer("batch", default: 1, in: 1...1000)
    _ = try recipe[""].text("model")
    #expect(throws: RecipeError("a recipe has no key network.latnet; the nearest is network.latent")) {
      try recipe.finish()
    }
  }

  @Test("A key of another section is not named where half of its letters differ") func anotherSection() throws {
    let recipe = try Recipe(yaml: "data: {strict: true}\nevaluate: {metrics: [swd]}", source: "r")
    _ = try recipe["data"].flag("strict", default: true)
    _ = try recipe["evaluate"].integer("samples", default: 2, in: 1...100)
    #expect(throws: RecipeError("r has no key evaluate.metrics; evaluate has samples")) { try recipe.finish() }
  }

  @Test func whereNoneIsNearTheSectionsKeysAreNamed() throws {
    let recipe = try Recipe(yaml: "network: {windows: 3}\nspeed: 5", source: "r")
    _ = try recipe["network"].integer("latent", default: 2, in: 1...100)
    _ = try recipe["network"].integer("hidden", default: 2, in: 1...100)
    #expect(throws: RecipeError("r has no key network.windows; network has latent, hidden")) { try recipe.finish() }
  }

  @Test(
    "A key of another section, or that means the same, is the nearest",
    arguments: [
      ("lr", "optimizer.learning_rate"), ("train.learning_rate", "optimizer.learning_rate"),
      ("discriminator_optimizer.lr", "discriminator_optimizer.learning_rate"), ("train.batch_size", "train.batch"),
    ])
  func meaning(_ key: String, _ nearest: String) throws {
    let recipe = try Recipe(yaml: "model: x", source: "r")
    _ = try recipe[""].text("model")
    try recipe.set("\(key)=5")
    for section in ["optimizer", "discriminator_optimizer"] {
      _ = try recipe[section].number("learning_rate", default: 1, in: 0...10)
      _ = try recipe[section].number("rate", default: 1, in: 0...10)
    }
    _ = try recipe["train"].integer("batch", default: 2, in: 1...100)
    let error = #expect(throws: RecipeError.self) { try recipe.finish() }
    #expect(error?.description == "r has no key \(key); the nearest is \(nearest)")
  }

  @Test(
    "What is no YAML is a word, unless it begins like a list or a quoted text",
    arguments: ["*", "%", "@home", "a: b: c"])
  func words(_ text: String) throws {
    let recipe = try Recipe(yaml: "", source: "r")
    try recipe.set("data.one_hot=\(text)")
    #expect(try recipe["data"].texts("one_hot") == [text])
    #expect(throws: RecipeError.self) { try recipe.set("data.one_hot=[\(text)") }
  }

  @Test func aByteOrderMarkAndCapitalsAreRead() throws {
    let recipe = try Recipe(yaml: "\u{FEFF}train:\n  strict: False\n  loud: TRUE\n", source: "r")
    #expect(try recipe["train"].flag("strict", default: true) == false && recipe["train"].flag("loud", default: false))
    try recipe.finish()
  }

  @Test func aLongBadLineIsCut() throws {
    let long = String(repeating: "x", count: 100_000)
    for yaml in ["train: [\(long)", "\(long): {a: [}", "a: b: \(long)"] {
      let error = #expect(throws: RecipeError.self) { try Recipe(yaml: yaml, source: "r") }
      #expect(error!.description.count < 400)
    }
    let recipe = try Recipe(yaml: "train:\n  steps: \(long)\n", source: "r")
    let error = #expect(throws: RecipeError.self) { try recipe["train"].integer("steps", default: 1, in: 1...2) }
    #expect(error!.description.count < 200)
  }

  @Test("A text is set as it is", arguments: ["it's", "a: b", "[1, 2]", "{a: b}", "3", "# a", "'quoted'", "*x", ""])
  func text(_ text: String) throws {
    let recipe = try Recipe(yaml: yaml, source: "a recipe")
    recipe.set("data.source", text: text)
    #expect(try recipe["data"].text("source") == text)
    #expect(try Recipe(yaml: recipe.resolved, source: "resolved")["data"].text("source") == text)
  }

  @Test func ofKeysThatExcludeEachOtherTheOneThatIsSetStays() throws {
    func values(_ settings: String...) throws -> [Int?] {
      let recipe = try Recipe(yaml: "train:\n  epochs: 20\n", source: "a recipe")
      for setting in settings { try recipe.set(setting) }
      recipe.exclude("train.steps", "train.epochs")
      return try ["steps", "epochs"].map { try recipe["train"].optionalInteger($0, in: 0...100) }
    }
    #expect(try values() == [nil, 20])
    #expect(try values("train.steps=5") == [5, nil])
    #expect(try values("train.epochs=5") == [nil, 5])
    #expect(try values("train.steps=5", "train.steps=null") == [nil, 20])
    #expect(try values("train.steps=5", "train.epochs=5") == [5, 5])
  }

  @Test func aKeyThatIsPassedOverIsKnownWhereItIsGiven() throws {
    let recipe = try Recipe(yaml: "network:\n  filters: 4\n", source: "r.yaml")
    #expect(throws: RecipeError.self) { try recipe.finish() }
    recipe["network"].passOver(["filters", "levels"])
    try recipe.finish()
    #expect(!recipe.resolved.contains("levels"))
  }

  /// What a training goes on from is read from the resolved recipe: it must resolve to the same text.
  @Test func aKeyThatIsPassedOverAndReadKeepsItsPlace() throws {
    func resolved(_ yaml: String) throws -> String {
      let recipe = try Recipe(yaml: yaml, source: "r.yaml")
      recipe["optimizer"].passOver(["floor", "factor"])
      _ = try recipe["optimizer"].text("schedule")
      _ = try recipe["optimizer"].number("floor", default: 0, in: 0...1)
      try recipe.finish()
      return recipe.resolved
    }
    let first = try resolved("optimizer:\n  schedule: cosine\n  factor: 2\n")
    #expect(!first.contains("factor"))
    #expect(try resolved(first) == first)
  }

  @Test func aReadKeyIsKnown() throws {
    let recipe = try Recipe(yaml: "model: vae", source: "a recipe")
    _ = try recipe[""].text("model")
    try recipe.finish()
  }

  @Test(arguments: [
    ("train.batch=0", "train.batch is 0: it must be a whole number from 1 to 1000"),
    ("train.batch=ten", "train.batch is ten: it must be a whole number from 1 to 1000"),
    ("train.batch=1.5", "train.batch is 1.5: it must be a whole number from 1 to 1000"),
    ("train.batch=[1]", "train.batch is a list: it must be a whole number from 1 to 1000"),
  ])
  func aWrongValueSaysWhatIsWanted(assignment: String, message: String) throws {
    let recipe = try Recipe(yaml: yaml, source: "a recipe")
    try recipe.set(assignment)
    #expect(throws: RecipeError(message)) { try recipe["train"].integer("batch", default: 1, in: 1...1000) }
  }

  @Test func someOfTheNamesOfAnEnumeration() throws {
    enum Colour: String, CaseIterable { case red, green }
    func read(_ yaml: String) throws -> [Colour] {
      let recipe = try Recipe(yaml: "paint: {colours: \(yaml)}", source: "r.yaml")
      let colours: [Colour] = try recipe["paint"].choices("colours")
      #expect(recipe.resolved == "paint:\n  colours: [\(colours.map(\.rawValue).joined(separator: ", "))]\n")
      return colours
    }
    #expect(try read("[]") == [])
    #expect(try read("green") == [.green])
    #expect(try read("[green, red]") == [.green, .red])
    let message = "paint.colours is [gren]: it must be a list of names among red, green (the nearest is green)"
    #expect(throws: RecipeError(message)) { try read("[red, gren]") }
    #expect(throws: RecipeError.self) { try read("{red: 1}") }
  }

  @Test func infinitiesAreNoNumbers() throws {
    let recipe = try Recipe(yaml: "optimizer: {rate: .inf}", source: "a recipe")
    #expect(throws: RecipeError.self) { try recipe["optimizer"].number("rate", default: 1, in: 0...1e300) }
  }

  @Test func theResolvedRecipeReadsTheSame() throws {
    func read(_ recipe: Recipe) throws -> [String] {
      [
        "\(try recipe["network"].integers("hidden", default: [], in: 1...1000))",
        "\(try recipe["train"].number("rate", default: 1e-3, in: 0...1))",
        "\(try recipe["train"].flag("loud", default: true))",
        "\(try recipe["data"].text("source", default: "a \"b\" \\ c: #d") ?? "nil")",
        "\(try recipe["data"].texts("drop", default: ["x y", "z"]))",
        "\(try recipe["train"].optionalInteger("steps", in: 1...9).map(String.init) ?? "nil")",
      ]
    }
    let first = try Recipe(yaml: yaml, source: "a recipe")
    let values = try read(first)
    #expect(try read(Recipe(yaml: first.resolved, source: "resolved")) == values)
  }

  @Test(arguments: ["a: [", "- 1\n- 2", "a: {b: {c: 1}}", "a:\n  b: 1\na:\n  b: 2", "? [x]\n: 1"])
  func whatIsNoRecipeIsAnError(text: String) {
    #expect(throws: RecipeError.self) { try Recipe(yaml: text, source: "a recipe") }
  }

  @Test(arguments: ["batch", "=5", "train.batch=[1", "train.batch={a: 1}"])
  func whatIsNoAssignmentIsAnError(text: String) throws {
    let recipe = try Recipe(yaml: yaml, source: "a recipe")
    #expect(throws: RecipeError.self) { try recipe.set(text) }
  }

  @Test func thousandsOfMutatedRecipesAreReadOrRefused() {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let letters = Array("abc:[]{}-#&*!|>'\"%@` \n\t0.~".utf8)
    for _ in 0..<3000 {
      var bytes = Array(yaml.utf8)
      for _ in 0...random(3) { bytes[random(bytes.count)] = letters[random(letters.count)] }
      guard let recipe = try? Recipe(yaml: String(decoding: bytes, as: UTF8.self), source: "mutated") else { continue }
      _ = try? recipe["network"].integer("latent", default: 2, in: 1...100)
      _ = try? recipe["network"].integers("hidden", default: [], in: 1...1000)
      _ = try? recipe.finish()
    }
  }
}
