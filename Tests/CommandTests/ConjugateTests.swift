import Foundation
import Testing

/// `elbo conjugate`: numbers that can be worked out by hand, and the errors of wrong ones.
@Suite("Conjugate models", .serialized, .timeLimit(.minutes(15)))
struct ConjugateCommandTests {
  /// An update, and its expected results: closed forms, written out.
  struct Update: Sendable, CustomTestStringConvertible {
    let model: String
    let table: String
    var options: [String] = []
    let posterior: [String: [Double]]
    let predictive: [String: [Double]]
    let logEvidence: Double

    var testDescription: String { "\(model) \(options.joined(separator: " "))" }
  }

  static let updates: [Update] = [
    // 3 ones and 1 zero after Beta(2, 2); B(5, 3)/B(2, 2) = (4! 2!/7!)/(1/6).
    Update(
      model: "beta-bernoulli", table: "x\n1\n0\n1\n1\n", options: ["--prior", "a=2", "--prior", "b=2"],
      posterior: ["a": [5], "b": [3]], predictive: ["probability_of_one": [0.625]],
      logEvidence: log(6.0 * 48 / 5040)),
    // 3 of 5 and 1 of 2: C(5, 3) C(2, 1) B(5, 4)/B(1, 1).
    Update(
      model: "beta-binomial", table: "successes,trials\n3,5\n1,2\n", posterior: ["a": [5], "b": [4]],
      predictive: ["probability_of_one": [5.0 / 9]], logEvidence: log(20 * 24 * 6 / 40320.0)),
    // Counts 2, 1, 1 after ones: B(3, 2, 2)/B(1, 1, 1) = (2! 1! 1!/6!)/(1/2!).
    Update(
      model: "dirichlet-categorical", table: "c\n0\n1\n0\n2\n", posterior: ["concentration": [3, 2, 2]],
      predictive: ["probabilities": [3.0 / 7, 2.0 / 7, 2.0 / 7]], logEvidence: log(2 * 2 / 720.0)),
    Update(
      model: "dirichlet-categorical", table: "c\nred\nblue\nred\ngreen\n", options: ["--columns", "c"],
      posterior: ["concentration": [2, 2, 3]], predictive: ["probabilities": [2.0 / 7, 2.0 / 7, 3.0 / 7]],
      logEvidence: log(2 * 2 / 720.0)),
    // The same counts in one row: times 4!/(2! 1! 1!).
    Update(
      model: "dirichlet-multinomial", table: "a,b,c\n2,1,1\n", posterior: ["concentration": [3, 2, 2]],
      predictive: ["probabilities": [3.0 / 7, 2.0 / 7, 2.0 / 7]], logEvidence: log(12 * 2 * 2 / 720.0)),
    // Mean 0, variance 1, noise 1, rows 1 and 2: precision 3, mean 1; the rows are N(0, [2 1; 1 2]) together.
    Update(
      model: "gaussian-mean", table: "x\n1\n2\n",
      posterior: ["mean": [1], "precision": [3], "noise_variance": [1]],
      predictive: ["mean": [1], "std": [(4.0 / 3).squareRoot()]],
      logEvidence: -log(2 * .pi) - 0.5 * log(3) - 1),
    // Rows 1 and 3 after (0, 1, 1, 1): mean 4/3, precision 3, shape 2, rate 1 + ½ · 2 + 2 · 4/(2 · 3).
    Update(
      model: "gaussian-gamma", table: "x\n1\n3\n",
      posterior: ["mean": [4.0 / 3], "mean_precision": [3], "shape": [2], "rate": [10.0 / 3]],
      predictive: ["location": [4.0 / 3], "degrees": [4]],
      logEvidence: -2 * log(10.0 / 3) - 0.5 * log(3) - log(2 * .pi)),
  ]

  private func update(_ update: Update, _ workspace: Workspace, _ more: [String] = []) async throws -> Elbo.Outcome {
    try workspace.write("data.csv", update.table)
    return try await Elbo.run(["conjugate", update.model, "--data", workspace["data.csv"]] + update.options + more)
  }

  private func numbers(_ object: [String: any Sendable], _ name: String) throws -> [String: [Double]] {
    try #require(object[name] as? [String: [Double]], "\(object)")
  }

  private func expectNear(_ found: [Double]?, _ expected: [Double], _ what: String) throws {
    let found = try #require(found, "\(what) is missing")
    #expect(found.count == expected.count, "\(what)")
    for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-10 * max(abs(b), 1), "\(what): \(found)") }
  }

  @Test("Posterior, predictive, evidence", arguments: updates) func closedForms(_ asked: Update) async throws {
    let workspace = try Workspace()
    let outcome = try await update(asked, workspace, ["--json"])
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    let told = try outcome.json()
    for (name, values) in asked.posterior { try expectNear(numbers(told, "posterior")[name], values, name) }
    for (name, values) in asked.predictive { try expectNear(numbers(told, "predictive")[name], values, name) }
    try expectNear([try #require(told["log_evidence"] as? Double)], [asked.logEvidence], "log evidence")
    let table = try await update(asked, workspace)
    #expect(table.status == .exited(0) && table.output.contains("log evidence"))
  }

  @Test("Row by row, and from an earlier posterior, is all at once", arguments: updates)
  func sequential(_ asked: Update) async throws {
    // Categories are those of a file: of a part of it there may be fewer.
    guard asked.model != "dirichlet-categorical" else { return }
    let workspace = try Workspace()
    let whole = try numbers(try await update(asked, workspace, ["--json"]).json(), "posterior")
    let steps = try await update(asked, workspace, ["--json", "--batch", "1"]).json()
    for (name, values) in try numbers(steps, "posterior") { try expectNear(values, whole[name] ?? [], name) }

    let lines = asked.table.split(separator: "\n")
    try workspace.write("first.csv", lines[0] + "\n" + lines[1] + "\n")
    let rest = lines.count > 2 ? lines[2...] : lines[1...]
    try workspace.write("rest.csv", ([lines[0]] + rest).joined(separator: "\n") + "\n")
    let first = try await Elbo.run(
      ["conjugate", asked.model, "--data", workspace["first.csv"], "--json"] + asked.options)
    #expect(first.status == .exited(0), "\(first.error)")
    try workspace.write("first.json", first.output)
    let second = try await Elbo.run(
      "conjugate", asked.model, "--data", workspace["rest.csv"], "--from", workspace["first.json"], "--json")
    guard lines.count > 2 else { return #expect(second.status == .exited(0), "\(second.error)") }
    for (name, values) in try numbers(try second.json(), "posterior") {
      try expectNear(values, whole[name] ?? [], name)
    }
  }

  @Test("A Gaussian-Wishart's posterior mean and scale") func gaussianWishart() async throws {
    let workspace = try Workspace()
    try workspace.write("data.csv", "a,b\n1,0\n3,2\n")
    let told = try await Elbo.run(
      "conjugate", "gaussian-wishart", "--data", workspace["data.csv"], "--prior", "mean=0", "--prior", "degrees=3",
      "--json"
    ).json()
    let posterior = try numbers(told, "posterior")
    // m = 2 · (2, 1)/3; W⁻¹ = I + Σ (x − x̄)(x − x̄)ᵀ + 2/3 x̄ x̄ᵀ.
    try expectNear(posterior["mean"], [4.0 / 3, 2.0 / 3], "mean")
    try expectNear(posterior["degrees"], [5], "degrees")
    try expectNear(
      posterior["inverse_scale"], [1 + 2 + 8.0 / 3, 2 + 4.0 / 3, 2 + 4.0 / 3, 1 + 2 + 2.0 / 3], "inverse scale")
  }

  @Test("A figure and its numbers are named") func figures() async throws {
    let workspace = try Workspace()
    try workspace.write("data.csv", "x\n1\n0\n1\n")
    let words = ["conjugate", "beta-bernoulli", "--data", workspace["data.csv"], "--figure", workspace["beta.png"]]
    let table = try await Elbo.run(words)
    #expect(table.status == .exited(0), "\(table.error)")
    #expect(workspace.exists("beta.csv") && table.output.contains("beta.csv"))
    let told = try await Elbo.run(words + ["--json"])
    #expect((try told.json()["figures"] as? [String])?.contains(workspace["beta.csv"]) == true)
    try workspace.write("posterior.json", told.output)
    let next = try await Elbo.run(
      "conjugate", "beta-bernoulli", "--data", workspace["data.csv"], "--from", workspace["posterior.json"], "--json")
    #expect(try next.status == .exited(0) && next.json()["figures"] == nil, "\(next.error)")
  }

  static let mistakes: [Mistake] = [
    .init("a model that there is not", says: "beta-bernouli", "beta-bernoulli") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      return ["conjugate", "beta-bernouli", "--data", workspace["x.csv"]]
    },
    .init("data that is not there", says: "none.csv") { ["conjugate", "gaussian-mean", "--data", $0["none.csv"]] },
    .init("no rows", says: "x.csv") { workspace in
      try workspace.write("x.csv", "x\n")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"]]
    },
    .init("a word among numbers", says: "x.csv", "many") { workspace in
      try workspace.write("x.csv", "x\n1\nmany\n")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"]]
    },
    .init("an infinity", says: "x.csv", "inf") { workspace in
      try workspace.write("x.csv", "x\n1\ninf\n")
      return ["conjugate", "gaussian-gamma", "--data", workspace["x.csv"]]
    },
    .init("a two among zeros and ones", says: "x.csv", "2") { workspace in
      try workspace.write("x.csv", "x\n1\n0\n2\n")
      return ["conjugate", "beta-bernoulli", "--data", workspace["x.csv"]]
    },
    .init("more successes than trials", says: "x.csv") { workspace in
      try workspace.write("x.csv", "successes,trials\n3,2\n")
      return ["conjugate", "beta-binomial", "--data", workspace["x.csv"]]
    },
    .init("half a category", says: "x.csv", "0.5") { workspace in
      try workspace.write("x.csv", "x\n1\n0.5\n")
      return ["conjugate", "dirichlet-categorical", "--data", workspace["x.csv"]]
    },
    .init("counts below zero", says: "x.csv", "-1") { workspace in
      try workspace.write("x.csv", "a,b\n1,-1\n")
      return ["conjugate", "dirichlet-multinomial", "--data", workspace["x.csv"]]
    },
    .init("two columns for one number", says: "x.csv") { workspace in
      try workspace.write("x.csv", "a,b\n1,2\n")
      return ["conjugate", "gaussian-gamma", "--data", workspace["x.csv"]]
    },
    .init("a prior that makes no sense", says: "x.csv") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      return ["conjugate", "beta-bernoulli", "--data", workspace["x.csv"], "--prior", "a=-1"]
    },
    .init("a parameter that the prior has not", says: "precison", "precision") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"], "--prior", "precison=1"]
    },
    .init("a parameter that is no number", says: "--prior") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"], "--prior", "precision=many"]
    },
    .init("a scale that is not positive definite", says: "x.csv") { workspace in
      try workspace.write("x.csv", "a,b\n1,2\n")
      return [
        "conjugate", "gaussian-wishart", "--data", workspace["x.csv"], "--prior", "inverse_scale=1,2,2,1",
      ]
    },
    .init("batches of nothing", says: "--batch", "0") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"], "--batch", "0"]
    },
    .init("an earlier posterior that is none", says: "from.json") { workspace in
      try workspace.write("x.csv", "x\n1\n")
      try workspace.write("from.json", "{}")
      return ["conjugate", "gaussian-mean", "--data", workspace["x.csv"], "--from", workspace["from.json"]]
    },
  ]

  @Test("Mistakes are said in one line", arguments: mistakes) func mistake(_ mistake: Mistake) async throws {
    try await expectRefused(mistake)
  }
}
