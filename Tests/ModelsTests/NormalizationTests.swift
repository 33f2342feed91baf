import Autoencoders
import Datasets
import Learners
import Models
import Recipes
import Tensors
import Testing
import Training

/// `data.normalisation` of every model.
@Suite("Normalization in the models") struct NormalizationTests {
  private static let needed = ["vae": ["objective.likelihood=gaussian"], "ppca": ["network.latent=1"]]
  /// Models that do not learn from a table, and one that takes its columns as they are.
  private static let others = [
    "dcgan", "wgan-gp", "infogan", "vq-vae", "segmentation", "lstm", "bayesian-rnn", "captions", "lds",
    "super-resolution", "progressive-gan", "stylegan",
  ]

  /// Data that a model learns from: a table of two columns.
  private static func table(_ model: String) throws -> Dataset {
    switch model {
    case "bbb", "bbb-paper", "bayesian-logistic-regression": try supervisedData(count: 60, classes: 3)
    case "vae", "autoencoder", "gan", "wgan", "gmm", "kmeans", "pca", "ppca", "variational-gmm":
      try gaussianData(count: 60, width: 2)
    default: try supervisedData(count: 60)
    }
  }

  @Test(
    "Every model of tables takes every value", arguments: Models.all.map { $0.name }.filter { !others.contains($0) })
  func allowed(_ model: String) throws {
    let data = try Self.table(model)
    for normalization in Normalization.allCases {
      let keys =
        ["data.normalisation=\(normalization.rawValue)", "train.batch=10"] + Self.needed[model, default: []]
      let learner = try learner(model, data, keys)
      let kept = learner.dataStatistics.filter { $0.name == "inputs" }
      #expect(kept.count == (normalization.usesColumns ? 1 : 0), "\(normalization)")
    }
  }

  @Test(
    "A value that does not suit is a line that names those that do, and each of them does",
    arguments: [
      ["objective.likelihood=bernoulli", "data.normalisation=standard"],
      ["objective.likelihood=bernoulli", "data.normalisation=range"],
      ["data.binarisation=threshold", "objective.likelihood=gaussian", "data.normalisation=range"],
      ["data.binarisation=dynamic", "data.normalisation=standard"],
    ])
  func refused(_ keys: [String]) throws {
    let data = try imageData(count: 40, width: 16)
    let keys = keys + ["train.batch=10", "network.hidden=[4]"]
    let error = try #require(throws: RecipeError.self) { try learner("vae", data, keys) }
    let names = try #require(error.description.firstMatch(of: /set data\.normalisation to one of ([a-z, ]+)$/)?.1)
    for name in names.split(separator: ", ") {
      _ = try learner("vae", data, keys + ["data.normalisation=\(name)"])
    }
  }

  @Test func anUnknownValueNamesThoseThatThereAre() throws {
    let data = try gaussianData(count: 20, width: 2)
    for model in ["autoencoder", "gmm"] {
      let error = #expect(throws: RecipeError.self) { try learner(model, data, ["data.normalisation=standart"]) }
      #expect(
        error?.description == "data.normalisation is standart: it must be one of none, unit, standard, range "
          + "(the nearest is standard)")
    }
  }

  @Test("Networks and exact models see the same numbers", arguments: Normalization.allCases)
  func same(_ normalization: Normalization) throws {
    let data = try imageData(count: 40, width: 5)
    let recipe = try Recipe(yaml: "data: {normalisation: \(normalization.rawValue)}", source: "test")
    let inputs = try NetworkInputs(data, recipe["data"])
    let seen = inputs.trainRows(.range(0..<40), key: RandomKey(seed: 0)).values
    let scaling = try ColumnScaling(normalization, of: data.train.inputs)
    var rows = data.train.inputs.doubles(0..<40)
    scaling.apply(to: &rows)
    #expect(zip(seen, rows).allSatisfy { abs(Double($0) - $1) <= 1e-5 * max(abs($1), 1) })
    let restored = inputs.restored(inputs.standardised(Tensor(seen, [40, 5]))).values
    #expect(zip(restored, seen).allSatisfy { abs($0 - $1) <= 1e-4 * max(abs($1), 1) })
  }

  @Test(
    "Classes of a table are learned from standardized columns, of pictures from bytes over 255",
    arguments: ["bbb", "mc-dropout", "mlp"])
  func defaults(_ model: String) throws {
    func normalization(_ data: Dataset) throws -> String? {
      let type = try Models.named(model)
      let recipe = try Recipe(yaml: String(decoding: type.recipe, as: UTF8.self), source: model)
      try recipe.set("train.batch=10")
      _ = try type.learner(recipe, data: data, seed: 0)
      return recipe.resolved.firstMatch(of: /normalisation: (\w+)/).map { String($0.1) }
    }
    #expect(try normalization(supervisedData(count: 60, classes: 3)) == "standard")
    let labels = ClassLabels(indices: (0..<40).map { $0 % 2 }, count: 2)
    let bytes = try imageData(count: 40, width: 16).train.inputs
    #expect(try normalization(Dataset(name: "p", train: ExampleSet(inputs: bytes, labels: labels))) == "unit")
    let grey = ExampleArray([Float](repeating: 0.5, count: 40 * 16), shape: [4, 4])
    #expect(try normalization(Dataset(name: "g", train: ExampleSet(inputs: grey, labels: labels))) == "unit")
  }
}
