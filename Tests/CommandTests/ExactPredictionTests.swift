import Foundation
import Testing

/// The exact models as users run them: training, prediction for new rows, evaluation, samples.
@Suite("Exact models", .serialized, .timeLimit(.minutes(15)))
struct ExactPredictionTests {
  /// A family, the table that it learns from, and what `elbo predict` says of new rows.
  struct Family: Sendable, CustomTestStringConvertible {
    let model: String
    let table: String
    let settings: [String]
    /// Names of the archive, with how many numbers each has for a row.
    let arrays: [String: Int]
    let inputs: [[Double]]

    var testDescription: String { "\(model) \(settings.joined(separator: " "))" }

    init(
      _ model: String, _ table: String, _ settings: [String] = [], arrays: [String: Int],
      inputs: [[Double]] = [[0, 0], [4, 1], [0.5, 5]]
    ) {
      (self.model, self.table, self.settings) = (model, table, settings)
      (self.arrays, self.inputs) = (arrays, inputs)
    }

    var columns: Int { inputs[0].count }
  }

  private static let regression = [
    "mean": 1, "std": 1, "aleatoric_variance": 1, "epistemic_variance": 1, "quantiles": 5,
  ]
  private static let classification = [
    "mean": 3, "std": 3, "sampled_mean": 3, "class": 1, "entropy": 1, "expected_entropy": 1, "mutual_information": 1,
  ]
  private static let line = [[0.0], [1], [-1.5]]

  static let families: [Family] = [
    Family("kmeans", SmallTable.plane, ["network.clusters=3"], arrays: ["cluster": 1, "distances": 3]),
    Family(
      "gmm", SmallTable.plane, ["network.components=3"],
      arrays: ["responsibilities": 3, "component": 1, "log_density": 1]),
    Family(
      "variational-gmm", SmallTable.plane, ["network.components=5"],
      arrays: ["responsibilities": 5, "component": 1, "log_density": 1]),
    Family(
      "variational-gmm", SmallTable.plane, ["network.components=5", "objective.weight_prior=dirichlet-process"],
      arrays: ["responsibilities": 5, "component": 1, "log_density": 1]),
    Family("pca", SmallTable.plane, arrays: ["scores": 2, "reconstruction": 2, "squared_error": 1]),
    Family(
      "ppca", SmallTable.plane, ["network.latent=1"],
      arrays: ["latent_mean": 1, "latent_std": 1, "log_density": 1, "imputed": 2]),
    Family(
      "ppca", SmallTable.plane, ["network.latent=1", "objective.method=em", "objective.iterations=50"],
      arrays: ["latent_mean": 1, "latent_std": 1, "log_density": 1, "imputed": 2]),
    Family("linear-regression", SmallTable.line, ["data.target=t"], arrays: regression, inputs: line),
    Family("bayesian-linear-regression", SmallTable.line, ["data.target=t"], arrays: regression, inputs: line),
    Family(
      "bayesian-linear-regression", SmallTable.line,
      ["data.target=t", "network.basis=gaussian", "network.centres=5"], arrays: regression, inputs: line),
    Family("bayesian-ridge", SmallTable.line, ["data.target=t"], arrays: regression, inputs: line),
    Family(
      "bayesian-ridge", SmallTable.line, ["data.target=t", "objective.relevance=true"], arrays: regression,
      inputs: line),
    Family("gaussian-process", SmallTable.line, ["data.target=t"], arrays: regression, inputs: line),
    Family(
      "gaussian-process", SmallTable.line, ["data.target=t", "network.inducing=8"], arrays: regression, inputs: line),
    Family("bayesian-logistic-regression", SmallTable.classes, ["data.target=kind"], arrays: classification),
  ]

  private func train(_ family: Family, _ workspace: Workspace, _ out: String, _ more: [String] = []) -> [String] {
    ["train", family.model, "--data", workspace["table.csv"], "--out", workspace[out], "--quiet", "--json"]
      + family.settings.flatMap { ["--set", $0] } + more
  }

  @Test("Predictions of every family", arguments: families) func predict(_ family: Family) async throws {
    let workspace = try Workspace()
    try workspace.write("table.csv", family.table)
    let trained = try await Elbo.run(train(family, workspace, "run", ["--set", "data.test_fraction=0.2"]))
    #expect(trained.status == .exited(0), "\(trained.error)")
    let metrics = try #require(try trained.json()["metrics"] as? [String: Double])
    #expect(!metrics.isEmpty && metrics.values.allSatisfy(\.isFinite))

    try workspace.write("X.npy", SmallTable.npy(3, family.columns, family.inputs.flatMap { $0 }))
    for lanes in 1...2 {
      let outcome = try await Elbo.run(
        "predict", workspace["run"], "--input", workspace["X.npy"], "--output", workspace["P\(lanes).npz"], "--lanes",
        "\(lanes)")
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      #expect(outcome.output.contains("examples"))
    }
    let bytes = try workspace.read("P1.npz")
    #expect(try workspace.read("P2.npz") == bytes)
    let archive = try Archive(bytes)
    for (name, width) in family.arrays {
      let values = try #require(archive[name], "\(name) is not in the archive")
      #expect(values.count == 3 * width && values.allSatisfy(\.isFinite), "\(name): \(values)")
    }
    // A run that is evaluated again says the same.
    let evaluated = try await Elbo.run("evaluate", workspace["run"], "--json").json()
    for (name, value) in metrics where name.hasPrefix("test/") {
      #expect(evaluated[name] as? Double == value, "\(name)")
    }
  }

  /// What is predicted is right, where that can be said: each middle belongs to a cluster of its own, a class of its own.
  @Test func predictionsMeanSomething() async throws {
    let workspace = try Workspace()
    for (model, name) in [("kmeans", "cluster"), ("gmm", "component"), ("bayesian-logistic-regression", "class")] {
      let family = try #require(Self.families.first { $0.model == model })
      try workspace.write("table.csv", family.table)
      _ = try await Elbo.run(train(family, workspace, model)).hash()
      try workspace.write("X.npy", SmallTable.npy(3, 2, [0, 0, 4, 1, 1, 5]))
      let outcome = try await Elbo.run(
        "predict", workspace[model], "--input", workspace["X.npy"], "--output", workspace["P.npz"])
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      let labels = try #require(try Archive(workspace.read("P.npz"))[name])
      #expect(Set(labels) == [0, 1, 2], "\(model): \(labels)")
    }
  }

  @Test("New rows are inputs from a table too, its target left aside") func table() async throws {
    let workspace = try Workspace()
    let family = try #require(Self.families.first { $0.model == "bayesian-linear-regression" })
    try workspace.write("table.csv", family.table)
    _ = try await Elbo.run(train(family, workspace, "run")).hash()
    let outcome = try await Elbo.run(
      "predict", workspace["run"], "--input", workspace["table.csv"], "--output", workspace["P.npz"])
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    #expect(try Archive(workspace.read("P.npz"))["mean"]?.count == 40)
  }

  @Test("Samples of a density", arguments: ["gmm", "variational-gmm", "ppca"]) func sample(_ model: String) async throws
  {
    let workspace = try Workspace()
    let family = try #require(Self.families.first { $0.model == model })
    try workspace.write("table.csv", family.table)
    _ = try await Elbo.run(train(family, workspace, "run", ["--set", "data.normalisation=standard"])).hash()
    for (name, seed) in [("one", "0"), ("same", "0"), ("other", "1")] {
      let outcome = try await Elbo.run(
        "sample", workspace["run"], "--count", "3000", "--seed", seed, "--output", workspace["\(name).npy"])
      #expect(outcome.status == .exited(0), "\(outcome.error)")
    }
    let one = try workspace.read("one.npy")
    #expect(try workspace.read("same.npy") == one)
    #expect(try workspace.read("other.npy") != one)
    // In the units of the data: the mean of the table's columns, within four standard errors of a column 2.2 wide.
    let values = one.suffix(4 * 2 * 3000).chunked(4).map {
      Double(Float(bitPattern: $0.reversed().reduce(0) { $0 << 8 | UInt32($1) }))
    }
    for (column, mean) in [5.0 / 3, 2].enumerated() {
      let found = stride(from: column, to: values.count, by: 2).reduce(0) { $0 + values[$1] } / 3000
      #expect(abs(found - mean) < 0.25, "column \(column): \(found)")
    }
  }

  @Test("A model that is no density makes no rows") func noSamples() async throws {
    let workspace = try Workspace()
    let family = try #require(Self.families.first { $0.model == "kmeans" })
    try workspace.write("table.csv", family.table)
    _ = try await Elbo.run(train(family, workspace, "run")).hash()
    expectMistake(try await Elbo.run("sample", workspace["run"], "--output", workspace["rows.npy"]), says: ["kmeans"])
  }
}

/// Arrays of float64 in an NPZ file as `elbo predict` writes it: entries that are stored, one after the other (APPNOTE.TXT,
/// 4.3.7), each a file of numpy's format 1.0.
struct Archive {
  private var arrays: [String: [Double]] = [:]

  subscript(name: String) -> [Double]? { arrays[name] }

  init(_ bytes: [UInt8]) throws {
    func number(_ offset: Int, _ size: Int) -> Int {
      bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    // The directory's end, without a comment, is the last 22 bytes.
    let end = bytes.count - 22
    var entry = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      let (nameLength, extra, start) = (number(entry + 28, 2), number(entry + 30, 2), number(entry + 42, 4))
      let name = String(decoding: bytes[entry + 46..<entry + 46 + nameLength], as: UTF8.self)
      let data = start + 30 + number(start + 26, 2) + number(start + 28, 2)
      let first = data + 10 + number(data + 8, 2)
      let header = String(decoding: bytes[data + 10..<first], as: UTF8.self)
      let size = number(entry + 24, 4) - (first - data)
      if header.contains("'<f8'") {
        arrays[String(name.dropLast(4))] = bytes[first..<first + size].chunked(8).map {
          Double(bitPattern: $0.reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
      }
      entry += 46 + nameLength + extra + number(entry + 32, 2)
    }
  }
}

extension Collection {
  /// Pieces of `length` elements.
  func chunked(_ length: Int) -> [SubSequence] {
    var (rest, result) = (self[...], [SubSequence]())
    while !rest.isEmpty {
      result.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return result
  }
}
