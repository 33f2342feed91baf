import Foundation
import Testing

/// Data and recipes that exact models cannot take, and those that are odd but have an answer.
@Suite("Exact models and hostile input", .serialized, .timeLimit(.minutes(15)))
struct ExactHostileTests {
  private static func training(
    _ name: String, _ model: String, _ table: String, _ settings: String..., says words: String...
  ) -> Mistake {
    Mistake(name, words: words) { workspace in
      try workspace.write("table.csv", table)
      return ["train", model, "--data", workspace["table.csv"], "--out", workspace["run"]]
        + settings.flatMap { ["--set", $0] }
    }
  }

  private static let supervised = [
    "linear-regression", "bayesian-linear-regression", "bayesian-ridge", "gaussian-process",
  ]
  private static let unsupervised = ["kmeans", "gmm", "variational-gmm", "pca", "ppca"]
  static let models = unsupervised + supervised

  static let mistakes: [Mistake] =
    unsupervised.flatMap { model in
      [
        training("\(model): a word for a number", model, "a,b\n1,2\n3,many\n", says: "table.csv", "many"),
        training("\(model): an infinity", model, "a,b\n1,2\n3,inf\n5,6\n", says: "table.csv", "line 3"),
        training("\(model): no rows", model, "a,b\n", says: "table.csv"),
        training("\(model): an empty file", model, "", says: "table.csv"),
        training("\(model): rows of different length", model, "a,b\n1,2\n3\n", says: "table.csv", "line 3"),
      ]
    }
    + supervised.flatMap { model in
      [
        training(
          "\(model): a word for a target", model, "x,t\n1,2\n3,many\n", "data.target=t", says: "table", "data.target"),
        training(
          "\(model): an infinite target", model, "x,t\n1,2\n3,inf\n", "data.target=t", says: "table.csv", "line 3"),
        training("\(model): no target", model, SmallTable.line, says: "data.target"),
        training("\(model): a target that is not there", model, SmallTable.line, "data.target=y", says: "y"),
        training("\(model): no rows", model, "x,t\n", "data.target=t", says: "table.csv"),
      ]
    } + [
      training("no clusters", "kmeans", SmallTable.plane, "network.clusters=0", says: "network.clusters", "0"),
      training("no components", "gmm", SmallTable.plane, "network.components=0", says: "network.components", "0"),
      training(
        "no components of a variational mixture", "variational-gmm", SmallTable.plane, "network.components=0",
        says: "network.components", "0"),
      training("no principal components", "pca", SmallTable.plane, "network.components=0", says: "network.components"),
      training("more principal components than columns", "pca", SmallTable.plane, "network.components=3", says: "2"),
      training("no latent columns", "ppca", SmallTable.plane, "network.latent=0", says: "network.latent"),
      training("more components than rows", "gmm", "a,b\n1,2\n3,4\n", "network.components=3", says: "3", "2"),
      training(
        "a concentration of zero", "variational-gmm", SmallTable.plane, "objective.concentration=0",
        says: "objective.concentration"),
      training(
        "a polynomial below zero", "bayesian-linear-regression", SmallTable.line, "data.target=t",
        "network.basis=polynomial", "network.degree=-1", says: "network.degree"),
      training(
        "one precision of two", "bayesian-linear-regression", SmallTable.line, "data.target=t",
        "objective.weight_precision=1", says: "objective.noise_precision"),
      training(
        "a precision below zero", "bayesian-linear-regression", SmallTable.line, "data.target=t",
        "objective.weight_precision=-1", "objective.noise_precision=1", says: "objective.weight_precision"),
      training(
        "a kernel that there is not", "gaussian-process", SmallTable.line, "data.target=t", "network.kernel=rbg",
        says: "rbg", "rbf"),
      training(
        "a kernel cut off", "gaussian-process", SmallTable.line, "data.target=t", "network.kernel=rbf(variance=1",
        says: "network.kernel", "parentheses"),
      training(
        "a length of zero", "gaussian-process", SmallTable.line, "data.target=t", "network.kernel=rbf(length=0)",
        says: "network.kernel"),
      training(
        "more inducing inputs than rows", "gaussian-process", SmallTable.line, "data.target=t", "network.inducing=41",
        says: "network.inducing", "40"),
      training(
        "numbers for classes", "bayesian-logistic-regression", SmallTable.line, "data.target=t", says: "class"),
      training(
        "one class", "bayesian-logistic-regression", "x,c\n1,a\n2,a\n", "data.target=c", says: "one class"),
      training(
        "the variational bound of three classes", "bayesian-logistic-regression", SmallTable.classes,
        "data.target=kind", "objective.method=variational", says: "objective.method"),
      training(
        "missing values without EM", "ppca", SmallTable.plane, "objective.missing=true", says: "objective.method=em"),
    ]

  @Test("Mistakes are said in one line", arguments: mistakes) func mistake(_ mistake: Mistake) async throws {
    try await expectRefused(mistake)
  }

  /// They are met when the first rows are swept, after the run's folder was made, which has no use then.
  @Test func powersThatOverflowEndTheTraining() async throws {
    let workspace = try Workspace()
    let overflowing = Self.training(
      "powers that overflow", "linear-regression", "x,t\n1e30,1\n2e30,2\n3e30,4\n", "data.target=t",
      "network.basis=polynomial", "network.degree=100", "train.shards=1")
    let arguments = try overflowing.arguments(workspace)
    let before = workspace.listing
    let outcome = try await Elbo.run(arguments)
    #expect(outcome.status == .exited(2))
    #expect(outcome.error.split(separator: "\n").last?.contains("not finite at row 0") == true, "\(outcome.error)")
    #expect(workspace.listing == before)
  }

  /// Odd data that has a defined answer: finite metrics, and status 0.
  struct Odd: Sendable, CustomTestStringConvertible {
    let name: String
    let model: String
    let table: String
    let settings: [String]
    var testDescription: String { name }

    init(_ name: String, _ model: String, _ table: String, _ settings: String...) {
      self.init(name: name, model: model, table: table, settings: settings)
    }

    init(name: String, model: String, table: String, settings: [String]) {
      (self.name, self.model, self.table, self.settings) = (name, model, table, settings)
    }
  }

  private static let same = "a,b\n" + String(repeating: "1,2\n", count: 8)
  private static let constant = "a,b\n" + (0..<20).map { "\($0 % 7),3\n" }.joined()
  private static let dependent = "a,b,c\n" + (0..<20).map { "\($0 % 7),\($0 % 5),\($0 % 7 + $0 % 5)\n" }.joined()
  private static let wide = "a,b,c,d,e,f\n1,2,3,4,5,6\n2,1,4,3,6,5\n3,3,1,1,2,2\n"

  static let odd: [Odd] =
    unsupervised.filter { $0 != "ppca" }.flatMap { model -> [Odd] in
      let one = model == "gmm" ? ["network.components=1"] : []
      return [
        Odd(name: "\(model): one row", model: model, table: "a,b\n1,2\n", settings: one),
        Odd("\(model): equal rows", model, same), Odd("\(model): a constant column", model, constant),
        Odd("\(model): columns that depend on others", model, dependent),
        Odd("\(model): more columns than rows", model, wide),
      ]
    } + [
      Odd("ppca: more columns than rows", "ppca", wide, "network.latent=1"),
      Odd(
        "ppca by EM: a constant column", "ppca", constant, "network.latent=1", "objective.method=em",
        "objective.iterations=50"),
      Odd("more clusters than distinct rows", "kmeans", same, "network.clusters=5"),
      Odd("far from the origin", "gmm", "a,b\n" + SmallTable.blobs(60).map { "\($0.x + 1e9),\($0.y)\n" }.joined()),
      Odd("a line through one row", "bayesian-linear-regression", "x,t\n1,2\n", "data.target=t"),
      Odd("least squares of one row", "linear-regression", "x,t\n1,2\n", "data.target=t"),
      Odd("ridge of one row", "bayesian-ridge", "x,t\n1,2\n", "data.target=t"),
      Odd("relevance of one row", "bayesian-ridge", "x,t\n1,2\n", "data.target=t", "objective.relevance=true"),
      Odd("a process of one row", "gaussian-process", "x,t\n1,2\n", "data.target=t"),
      Odd("equal targets", "bayesian-linear-regression", "x,t\n1,2\n2,2\n3,2\n", "data.target=t"),
      Odd("equal inputs", "gaussian-process", "x,t\n1,2\n1,3\n1,4\n", "data.target=t"),
      Odd(
        "order 100", "bayesian-linear-regression", SmallTable.line, "data.target=t", "data.normalisation=range",
        "network.basis=polynomial", "network.degree=100"),
      Odd(
        "order 100 by evidence", "bayesian-linear-regression", SmallTable.line, "data.target=t",
        "data.normalisation=range", "network.basis=polynomial", "network.degree=100", "objective.choose_degree=true"),
      Odd(
        "order 100 by least squares", "linear-regression", SmallTable.line, "data.target=t", "data.normalisation=range",
        "network.basis=polynomial", "network.degree=100"),
      Odd(
        "classes that a line parts", "bayesian-logistic-regression",
        "x,c\n" + (0..<10).map { "\($0),\($0 < 5 ? "a" : "b")\n" }.joined(), "data.target=c"),
    ]

  @Test("Odd data has an answer", arguments: odd) func answers(_ odd: Odd) async throws {
    let workspace = try Workspace()
    try workspace.write("table.csv", odd.table)
    let outcome = try await Elbo.run(
      [
        "train", odd.model, "--data", workspace["table.csv"], "--out", workspace["run"], "--quiet", "--json",
        "--shards", "1",
      ]
        + odd.settings.flatMap { ["--set", $0] })
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    #expect(!outcome.output.lowercased().contains("nan") && !outcome.output.lowercased().contains("inf"))
  }

  /// A likelihood without a maximum is a training that failed, and says why.
  @Test(arguments: ["a,b\n1,2\n", same, constant]) func noMaximum(_ table: String) async throws {
    let workspace = try Workspace()
    try workspace.write("table.csv", table)
    let outcome = try await Elbo.run(
      "train", "ppca", "--data", workspace["table.csv"], "--out", workspace["run"], "--quiet", "--shards", "1", "--set",
      "network.latent=1")
    #expect(outcome.status == .exited(1))
    #expect(outcome.error.contains("fewer latent columns") && outcome.error.split(separator: "\n").count == 1)
  }
}
