import Datasets
import Figures
import Files
import Foundation
import Images
import Learners
import Models
import Runs
import TestSupport
import Testing

/// Runs that were moved, and whose training data is gone.
@Suite("Runs without their training data", .timeLimit(.minutes(15))) struct MovedRunTests {
  /// A recipe and what it is trained on.
  struct Case: Sendable, CustomTestStringConvertible {
    let model: String
    let data: Material
    let settings: [String]
    var testDescription: String { "\(model) \(settings.joined(separator: " "))" }

    init(_ model: String, _ data: Material, _ settings: String...) {
      (self.model, self.data, self.settings) = (model, data, settings)
    }
  }

  /// Data for training, and inputs to predict from.
  enum Material { case pictures, plane, values, line, classes, halves, labels, series, text, captions, wholePictures }

  private static let small = ["network.hidden=[6]", "network.latent=2", "train.batch=10", "train.steps=6"]
  private static let players = ["network.generator=[6]", "network.discriminator=[6]"] + small.dropFirst()
  private static let convolutions = ["network.filters=2", "network.hidden=8", "network.latent=4"] + small.dropFirst(2)
  private static let network = [small[0]] + small.dropFirst(2)

  static let cases: [Case] = [
    Case("vae", .pictures), Case("vae", .plane, "data.normalisation=standard", "objective.likelihood=gaussian"),
    Case("autoencoder", .pictures), Case("autoencoder", .plane, "data.normalisation=standard"),
    Case("bbb", .pictures), Case("bbb", .classes, "data.normalisation=standard"), Case("bbb-regression", .values),
    Case("bbb-paper", .pictures), Case("mc-dropout-regression", .values), Case("laplace", .classes),
    Case("laplace", .values, "objective.laplace_layers=all"),
    Case("mc-dropout", .pictures), Case("mc-dropout", .values), Case("mlp", .pictures), Case("mlp", .values),
    Case("ivon", .pictures), Case("ivon", .values), Case("swag", .pictures, "objective.rank=2"), Case("swag", .values),
    Case("langevin", .pictures), Case("langevin", .values, "objective.posterior=hmc", "objective.leapfrogs=1"),
    Case("gan", .pictures), Case("gan", .classes, "data.normalisation=standard"),
    Case("gan", .classes, "data.validation_fraction=0.2"), Case("dcgan", .pictures),
    Case("wgan", .pictures, "train.batch=5"), Case("wgan-gp", .pictures, "train.batch=5"), Case("infogan", .pictures),
    Case("progressive-gan", .pictures, "network.stable_examples=20", "network.fading_examples=20"),
    Case("stylegan", .pictures),
    Case(
      "vq-vae", .pictures, "network.hidden=[conv 3 2 2, relu]", "network.codes=7", "network.code_width=2",
      "network.prior_layers=1",
      "train.batch=10", "train.steps=6"),
    Case("kmeans", .plane), Case("kmeans", .plane, "data.normalisation=standard"),
    Case("gmm", .plane), Case("gmm", .plane, "data.normalisation=range"), Case("gmm", .line),
    Case("variational-gmm", .plane),
    Case("variational-gmm", .plane, "objective.weight_prior=dirichlet-process", "data.normalisation=standard"),
    Case("pca", .plane), Case("ppca", .plane, "network.latent=1"),
    Case("ppca", .plane, "network.latent=1", "objective.method=em"),
    Case("linear-regression", .values), Case("linear-regression", .line, "network.basis=sigmoid"),
    Case("bayesian-linear-regression", .line, "network.basis=gaussian", "data.normalisation=range"),
    Case("bayesian-linear-regression", .line, "network.basis=polynomial", "objective.choose_degree=true"),
    Case("bayesian-ridge", .values), Case("bayesian-ridge", .values, "objective.relevance=true"),
    Case("bayesian-logistic-regression", .classes), Case("bayesian-logistic-regression", .halves),
    Case("bayesian-logistic-regression", .halves, "objective.method=variational", "network.basis=gaussian"),
    Case("gaussian-process", .values), Case("gaussian-process", .line),
    Case("gaussian-process", .line, "network.inducing=6"),
    Case("segmentation", .labels, "network.filters=2", "network.levels=2", "train.batch=10", "train.steps=6"),
    Case(
      "super-resolution", .wholePictures, "network.filters=4", "data.crop=15", "train.batch=10", "train.steps=6",
      "network.dropout=0.1"),
    Case("lstm", .text, "network.units=6", "train.batch=4", "train.unroll=5", "train.steps=6"), Case("hmm", .text),
    Case("bayesian-rnn", .text, "network.units=6", "train.batch=4", "train.unroll=5", "train.steps=6"),
    Case(
      "captions", .captions, "network.filters=2", "decoder.units=6", "train.batch=10", "train.steps=6",
      "evaluate.samples=3"),
    Case("hmm", .series), Case("hmm", .series, "objective.estimate=variational", "data.normalisation=standard"),
    Case("lds", .series, "objective.iterations=30"), Case("lds", .plane, "network.form=local-level"),
    Case("hmm", .plane, "objective.estimate=posterior"), Case("hmm", .plane, "network.mixtures=2"),
  ]

  @Test func theTableIsWhole() { #expect(Set(Self.cases.map(\.model)) == Set(Models.all.map { $0.name })) }

  /// What a run says without being asked for anything but itself.
  private struct Words: Equatable {
    var predictions: Data?
    var samples: Figure?
    var rows: Data?
  }

  private func words(_ run: Run, _ files: borrowing Files, inputs: String) async throws -> Words {
    var words = Words()
    if run.predictsPixels {
      try run.segment(inputs, samples: 7, seed: 3).write(to: files["maps"])
      words.predictions = try Data(contentsOf: URL(fileURLWithPath: files["maps/maps.npz"]))
      return words
    }
    if run.enlargesPictures {
      try run.enlarge(inputs, samples: 7, seed: 3).write(to: files["large"])
      words.predictions = try Data(contentsOf: URL(fileURLWithPath: files["large/maps.npz"]))
      let picture = try PNG.decode([UInt8](Data(contentsOf: URL(fileURLWithPath: files["large/picture.png"]))))
      #expect(picture.width == 24 && picture.height == 24 && picture.channels == 3)
      return words
    }
    if run.predictsCaptions {
      try run.captions(of: inputs, samples: 3, seed: 3).write(to: files["captions.jsonl"])
      words.predictions = try Data(contentsOf: URL(fileURLWithPath: files["captions.jsonl"]))
      return words
    }
    if let predictions = try? run.predict(run.inputs(from: inputs), samples: 7, seed: 3) {
      try predictions.write(to: files["P.npz"])
      words.predictions = try Data(contentsOf: URL(fileURLWithPath: files["P.npz"]))
    }
    guard let figure = try? run.sample(count: 5, seed: 2) else { return words }
    words.samples = figure
    if (try? await run.writeSamples(SampleOptions(count: 4), to: files["rows.npy"])) != nil {
      words.rows = try Data(contentsOf: URL(fileURLWithPath: files["rows.npy"]))
    }
    return words
  }

  @Test("Every model predicts and samples as before, and says what evaluation needs", arguments: cases)
  func moved(_ example: Case) async throws {
    let files = Files()
    let (source, inputs, keys) = try files.write(example.data)
    func recipe() throws -> Recipe {
      let recipe = try Recipe.named(example.model)
      recipe.set("data.source", text: source)
      for setting in keys + Self.settings(of: example) { try recipe.set(setting) }
      return recipe
    }
    let summary = try await Run.train(recipe(), out: files["run"])
    let run = try Run(opening: files["run"])
    let before = try await words(run, files, inputs: inputs)
    #expect(before.predictions != nil || before.samples != nil)
    let metrics = try run.evaluate()
    #expect(!metrics.isEmpty && metrics == summary.metrics.filter { $0.key.hasPrefix("test/") })
    #expect(try run.job.learner.dataStatistics.sha256 == TrainingJob(recipe()).learner.dataStatistics.sha256)

    try run.export(to: files["model.elbo"])

    let manager = FileManager.default
    let kept = files["kept-" + source.split(separator: "/").last!]
    try manager.createDirectory(atPath: files["elsewhere"], withIntermediateDirectories: false)
    try manager.moveItem(atPath: files["run"], toPath: files["elsewhere/moved"])
    try manager.moveItem(atPath: source, toPath: kept)
    let moved = try Run(opening: files["elsewhere/moved"])
    #expect(try await words(moved, files, inputs: inputs) == before)
    let error = #expect(throws: TrainingError.self) { try moved.evaluate() }
    #expect(error?.code == .noData)
    #expect(error?.description == "the run's data \(source) is not there; name data of the same kind with --data")
    #expect(try Run(opening: files["elsewhere/moved"], data: kept).evaluate() == metrics)

    try manager.removeItem(atPath: files["elsewhere"])
    let model = try Run(opening: files["model.elbo"])
    #expect(model.parametersSHA256 == summary.parameters_sha256 && model.step == summary.steps)
    #expect(try await words(model, files, inputs: inputs) == before)
    #expect(try Run(opening: files["model.elbo"], data: kept).evaluate() == metrics)
    // What is exported again is the same file.
    try model.export(to: files["again.elbo"])
    #expect(manager.contentsEqual(atPath: files["model.elbo"], andPath: files["again.elbo"]))
  }

  private static func settings(of example: Case) -> [String] {
    let sizes: [String] =
      switch example.model {
      case "vae", "autoencoder": small
      case "bbb", "bbb-paper", "bbb-regression", "ivon", "laplace", "langevin", "mc-dropout", "mc-dropout-regression",
        "mlp", "swag":
        network
      case "gan", "wgan": players
      case "dcgan", "wgan-gp", "infogan": convolutions
      case "progressive-gan", "stylegan": ["network.channel_base=16", "network.latent=4"] + small.dropFirst(2)
      default: []
      }
    return sizes + example.settings
  }

  // MARK: Columns and classes

  private func trained(_ material: Material, _ model: String, _ files: borrowing Files, _ more: String...) async throws
  {
    let (source, _, keys) = try files.write(material)
    let recipe = try Recipe.named(model)
    recipe.set("data.source", text: source)
    for setting in keys + more { try recipe.set(setting) }
    try await Run.train(recipe, out: files["run"])
  }

  @Test func levelsAreThoseOfTheTraining() async throws {
    let files = Files()
    try await trained(.values, "linear-regression", files)
    let run = try Run(opening: files["run"])
    #expect(run.schema.columns == ["a", "color=blue", "color=green", "color=red", "b"])
    // One level, columns in another order, one more, no target: each row is what it is among others.
    try files.write("one.csv", "b,more,color,a\n1,x,red,2\n")
    try files.write("two.csv", "a,color,b\n-1,green,0\n2,red,1\n")
    let one = try run.predict(run.inputs(from: files["one.csv"]))["mean"]!.values
    let two = try run.predict(run.inputs(from: files["two.csv"]))["mean"]!.values
    #expect(one[0] == two[1] && one[0] != two[0])
    try files.write("new.csv", "a,color,b\n-1,green,0\n\n2,purple,1\n")
    let error = #expect(throws: DataError.self) { try run.inputs(from: files["new.csv"]) }
    #expect(error?.place?.line == 4 && error?.place?.column == "color" && error?.problem.contains("'purple'") == true)
    try files.write("less.csv", "color,b\nred,1\n")
    #expect(throws: DataError.self) { try run.inputs(from: files["less.csv"]) }
  }

  @Test(
    "What is no input of the model does not matter to a prediction",
    arguments: [
      "a,color,b,y\n2,red,1,\n", "a,color,b,y\n2,red,1,unknown\n", "y,a,color,b\n?,2,red,1\n",
      "a;color;b;y\n2;red;1;7\n",
      "a\tcolor\tb\n2\tred\t1\n",
    ])
  func columnsThatAreNoInputs(_ text: String) async throws {
    let files = Files()
    try await trained(.values, "linear-regression", files, "data.drop=[b]")
    let run = try Run(opening: files["run"])
    #expect(run.schema.columns == ["a", "color=blue", "color=green", "color=red"])
    try files.write("plain.csv", "color,a\nred,2\n")
    let wanted = try run.predict(run.inputs(from: files["plain.csv"]))["mean"]!.values
    for name in ["new.csv", "new.tsv", "new.dat"] {
      try files.write(name, text)
      #expect(try run.predict(run.inputs(from: files[name]))["mean"]!.values == wanted)
    }
  }

  @Test func classesHaveTheOrderOfTheTraining() async throws {
    let files = Files()
    try await trained(.classes, "bayesian-logistic-regression", files, "data.split=position")
    let whole = try Run(opening: files["run"]).evaluate()
    // The part that is evaluated is the same, in a file where the first class does not occur: the others keep theirs.
    let lines = try String(contentsOfFile: files["classes.csv"], encoding: .utf8).split(separator: "\n")
    let last = lines.suffix(12)
    let others = last.filter { !$0.hasSuffix("blue") }
    #expect(others.count < last.count)
    try files.write("last.csv", ([lines[0]] + lines.dropFirst().prefix(48) + last).joined(separator: "\n") + "\n")
    #expect(try Run(opening: files["run"], data: files["last.csv"]).evaluate() == whole)
    let rest = [lines[0]] + repeatElement(others, count: 5).joined()
    try files.write("rest.csv", rest.joined(separator: "\n") + "\n")
    let found = try Run(opening: files["run"], data: files["rest.csv"]).evaluate()
    #expect(found["test/cls/Acc"]! > 0.6, "\(found)")
    try files.write("new.csv", "a,b,kind\n" + String(repeating: "1,2,purple\n", count: 10))
    let error = #expect(throws: DataError.self) { try Run(opening: files["run"], data: files["new.csv"]) }
    #expect(error?.code == .mismatched && error?.problem.contains("'purple'") == true)
  }

  @Test func dataOfAnotherKindIsRefused() async throws {
    let files = Files()
    try await trained(.pictures, "bbb", files, "network.hidden=[6]", "train.batch=10", "train.steps=2")
    try NPY.write((0..<640).map { UInt8($0 % 251) }, shape: [40, 16], to: files["narrow.npy"])
    try NPY.write((0..<2560).map { Float($0 % 251) }, shape: [40, 8, 8], to: files["floats.npy"])
    try NPY.write((0..<2560).map { UInt8($0 % 251) }, shape: [40, 8, 8], to: files["unlabelled.npy"])
    for (name, words) in [
      ("narrow", ["16", "64"]), ("floats", ["float32", "uint8"]), ("unlabelled", ["no class labels"]),
    ] {
      let error = #expect(throws: DataError.self) { try Run(opening: files["run"], data: files["\(name).npy"]) }
      #expect(error?.code == .mismatched && words.allSatisfy { error?.problem.contains($0) == true }, "\(error!)")
    }
  }

  /// A schema that says too little, in a checkpoint whose digests are right.
  @Test func aSchemaWithoutClasses() async throws {
    let files = Files()
    try await trained(.pictures, "bbb", files, "network.hidden=[6]", "train.batch=10", "train.steps=2")
    let folder = try Run(opening: files["run"]).checkpoint.folder
    let text = try String(contentsOfFile: folder + "/schema.json", encoding: .utf8)
    var schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    schema["classes"] = nil
    let changed = [UInt8](try JSONSerialization.data(withJSONObject: schema))
    try Data(changed).write(to: URL(fileURLWithPath: folder + "/schema.json"))
    let damaged = #expect(throws: TrainingError.self) { try Run(opening: files["run"]) }
    #expect(damaged?.code == .damagedFile)
    try StateFile.change(in: folder) {
      $0.replacing(SHA256.hexDigest(of: text.utf8), with: SHA256.hexDigest(of: changed))
    }
    let error = #expect(throws: TrainingError.self) { try Run(opening: files["run"]) }
    #expect(error?.code == .unsuitable && error?.message.contains("no class labels") == true)
  }
}

extension Files {
  /// Writes data to train on.
  /// - Returns: its path, that of inputs to predict from, and the keys that a recipe needs for it.
  fileprivate borrowing func write(
    _ material: MovedRunTests.Material
  ) throws -> (source: String, inputs: String, keys: [String]) {
    let fraction = ["data.test_fraction=0.2"]
    func number(_ row: Int, _ column: Int) -> Double {
      let mixed = row * 37 + column * 101 + row * row * 13
      return Double(mixed % 97) / 20 - 2
    }
    func table(_ name: String, _ columns: String, inputs: String, _ row: (Int) -> String) throws -> (String, String) {
      try write("\(name).csv", columns + "\n" + (0..<60).map(row).joined(separator: "\n") + "\n")
      try write("new.csv", inputs)
      return (self["\(name).csv"], self["new.csv"])
    }
    switch material {
    case .pictures:
      let bytes = (0..<60 * 64).map { UInt8($0 * $0 % 251) }
      var archive = try NPZWriter(self["pictures.npz"])
      try archive.add("x", bytes, shape: [60, 8, 8])
      try archive.add("y", (0..<60).map { Int32($0 % 3) }, shape: [60])
      try archive.finish()
      try NPY.write(Array(bytes.prefix(192)), shape: [3, 8, 8], to: self["new.npy"])
      return (self["pictures.npz"], self["new.npy"], fraction)
    case .labels:
      for name in ["labels/image", "labels/label"] {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
      }
      func picture(_ name: String, _ height: Int, _ channels: Int, _ number: (Int) -> Int) throws {
        let samples = (0..<height * 9 * channels).map { UInt8(number($0)) }
        let picture = Raster(width: 9, height: height, channels: channels, samples: samples)
        try Data(PNG.encode(picture)).write(to: URL(fileURLWithPath: self[name]))
      }
      for index in 0..<30 {
        try picture("labels/image/\(index).png", 7, 3) { ($0 * $0 + 31 * index) % 251 }
        try picture("labels/label/\(index).png", 7, 1) { ($0 + index) % 5 == 4 ? 255 : ($0 + index) % 3 }
      }
      try picture("new.png", 8, 3) { $0 * 7 % 251 }
      return (self["labels"], self["new.png"], fraction)
    case .wholePictures:
      try FileManager.default.createDirectory(atPath: self["whole"], withIntermediateDirectories: true)
      for (name, side) in (0..<20).map({ ("whole/\($0).png", 18 + $0 % 3) }) + [("new.png", 8)] {
        let samples = (0..<3 * side * side).map { UInt8(($0 * $0 + 31 * side) % 251) }
        let picture = Raster(width: side, height: side, channels: 3, samples: samples)
        try Data(PNG.encode(picture)).write(to: URL(fileURLWithPath: self[name]))
      }
      return (self["whole"], self["new.png"], fraction)
    case .captions:
      let folder = try captions()
      try FileManager.default.copyItem(atPath: folder + "/images/7.png", toPath: self["new.png"])
      return (folder, self["new.png"], fraction + ["data.columns=[en, de]"])
    case .plane:
      let (source, inputs) = try table("plane", "a,b", inputs: "b,a\n0.5,1\n-1,2\n") {
        let (a, b) = (number($0, 0), number($0, 1) + Double($0 % 2) * 3)
        return "\(a),\(b)"
      }
      return (source, inputs, fraction)
    case .line:
      let (source, inputs) = try table("line", "x,y", inputs: "x\n0.55\n7\n") {
        let (x, y) = (Double($0) / 10, number($0, 0) / 5 + Double($0 % 20) / 10)
        return "\(x),\(y)"
      }
      return (source, inputs, fraction + ["data.target=y"])
    case .series:
      let (source, inputs) = try table("series", "id,a,b", inputs: "id,b,a\n1,0.5,1\n1,-1,2\n2,0,0\n") {
        "\($0 / 7),\(number($0, 0) + Double($0 / 3 % 2) * 3),\(number($0, 1))"
      }
      return (source, inputs, fraction + ["data.sequence=id"])
    case .text:
      try write("text.txt", String(repeating: "the cat sat on the mat\na cat sat\n", count: 20))
      try write("new.txt", "the mat sat on a cat\n")
      return (self["text.txt"], self["new.txt"], fraction)
    case .values:
      let (source, inputs) = try table("values", "a,color,b,y", inputs: "color,b,a\nred,0.5,1\ngreen,-1,2\n") {
        let (a, b) = (number($0, 0), number($0, 1))
        let (color, y) = (["red", "green", "blue"][$0 % 3], a - b / 2 + Double($0 % 3) + number($0, 2) / 10)
        return "\(a),\(color),\(b),\(y)"
      }
      return (source, inputs, fraction + ["data.target=y", "data.one_hot=[color]"])
    case .classes, .halves:
      let names = material == .classes ? ["red", "green", "blue"] : ["red", "green"]
      let (source, inputs) = try table("classes", "a,b,kind", inputs: "a,b\n0.5,1\n-1,2\n") {
        let kind = $0 % names.count
        let (a, b) = (number($0, 0) / 3 + 2 * Double(kind), number($0, 1) / 3 - Double(kind * kind))
        return "\(a),\(b),\(names[kind])"
      }
      return (source, inputs, fraction + ["data.target=kind"])
    }
  }
}
