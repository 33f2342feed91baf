import Foundation
import Testing

/// Linear dynamical systems as users run them.
@Suite("Series: training, predictions, forecasts, mistakes", .serialized, .timeLimit(.minutes(15)))
struct DynamicsCommandTests {
  /// Two series of a level that wanders, with gaps, and a column that is their name.
  private static let series =
    "id,flow,load\n"
    + (0..<60).map { row in
      let (id, t) = (row / 30, row % 30)
      let level = 10 + Double((t * t) % 13) / 4 + Double(id)
      return "s\(id),\(t == 7 ? "" : "\(level)"),\(t == 7 || t == 9 ? "" : "\(2 * level + Double(t % 3))")\n"
    }.joined()

  private func train(_ workspace: Workspace, _ out: String, _ settings: [String], _ more: String...) async throws
    -> Elbo.Outcome
  {
    try workspace.write("series.csv", Self.series)
    return try await Elbo.run(
      ["train", "lds", "--data", workspace["series.csv"], "--out", workspace[out], "--quiet", "--json"] + more
        + (["data.sequence=id", "data.missing=keep", "objective.iterations=20", "objective.restarts=2"] + settings)
        .flatMap { ["--set", $0] })
  }

  private func lines(_ workspace: Workspace, _ name: String) throws -> [[String]] {
    try String(contentsOfFile: workspace[name], encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
  }

  @Test("A fit with gaps predicts each element, and forecasts each series") func forecasts() async throws {
    let workspace = try Workspace()
    let outcome = try await train(workspace, "run", ["network.form=local-level"])
    let metrics = try #require(try outcome.json()["metrics"] as? [String: any Sendable])
    for name in ["aic", "bic", "log_likelihood", "total_log_likelihood"] { #expect(metrics["train/\(name)"] != nil) }
    let input = ["--input", workspace["series.csv"]]
    let predicted = try await Elbo.run(
      ["predict", workspace["run"], "--output", workspace["P.csv"]] + input)
    #expect(predicted.status == .exited(0), "\(predicted.error)")
    let rows = try lines(workspace, "P.csv")
    #expect(rows.count == 61 && rows[0].contains("predicted[load]") && rows[0].contains("log_density"))
    #expect(!rows.joined().contains(""), "what is missing is filled in")
    let ahead = try await Elbo.run(
      ["predict", workspace["run"], "--ahead", "5", "--output", workspace["F.csv"]] + input)
    #expect(ahead.status == .exited(0), "\(ahead.error)")
    let forecast = try lines(workspace, "F.csv")
    #expect(forecast.count == 11 && Array(forecast[6].prefix(3)) == ["5", "1", "1"])
    #expect(forecast[0].contains("mean[flow]") && forecast[0].contains("q0.9[load]"))
  }

  @Test("An interrupted fit goes on to the same parameters", arguments: ["general", "local-trend"])
  func resumption(_ form: String) async throws {
    let workspace = try Workspace()
    let settings = ["network.form=\(form)"]
    let whole = try await train(workspace, "whole", settings, "--steps", "30").hash()
    _ = try await train(workspace, "part", settings, "--steps", "13")
    let rest = try await Elbo.run(
      "train", "--resume", workspace["part"], "--steps", "30", "--quiet", "--json", "--lanes", "1")
    #expect(try rest.hash() == whole)
  }

  private static func training(
    _ name: String, _ table: String, _ settings: String..., says words: String...
  ) -> Mistake {
    Mistake(name, words: words) { workspace in
      try workspace.write("table.csv", table)
      return ["train", "lds", "--data", workspace["table.csv"], "--out", workspace["run"]]
        + settings.flatMap { ["--set", $0] }
    }
  }

  private static let short = "a\n1\n2\n4\n3\n5\n"

  static let mistakes = [
    training("one element", "a\n1\n", says: "one element"),
    training("a constant series", "a\n" + String(repeating: "2\n", count: 9), says: "a, whose values are all the same"),
    training(
      "nothing but gaps", "a,b\n" + (0..<9).map { ",\($0)\n" }.joined(), "data.missing=keep", "data.columns=[a,b]",
      says: "a"),
    training("more states than values", short, "network.states=9", says: "9 states", "network.states"),
    training("a period longer than the series", short, "network.form=local-level", "network.period=7", says: "period"),
    training("a period of one", short, "network.form=local-level", "network.period=1", says: "network.period"),
    training("a period of the general form", short, "network.period=3", says: "network.form"),
    training("a scaling", short, "data.normalisation=standard", says: "data.normalisation"),
    training("a form that there is not", short, "network.form=local", says: "network.form", "local-level"),
    training("no floor", short, "objective.noise_floor=0", says: "objective.noise_floor"),
  ]

  @Test("Mistakes are said in one line", arguments: mistakes) func mistake(_ mistake: Mistake) async throws {
    try await expectRefused(mistake)
  }

  @Test("Forecasts of nothing, and of a model that makes none, are refused") func wrongAhead() async throws {
    let workspace = try Workspace()
    _ = try await train(workspace, "run", [])
    let input = ["--input", workspace["series.csv"], "--output", workspace["F.csv"]]
    for (steps, words) in [("0", "ahead"), ("100001", "ahead"), ("x", "ahead")] {
      expectMistake(try await Elbo.run(["predict", workspace["run"], "--ahead", steps] + input), says: [words])
    }
    try workspace.write("plane.csv", SmallTable.plane)
    _ = try await Elbo.run(
      "train", "gmm", "--data", workspace["plane.csv"], "--out", workspace["gmm"], "--quiet")
    expectMistake(
      try await Elbo.run(
        "predict", workspace["gmm"], "--input", workspace["plane.csv"], "--ahead", "3", "--output", workspace["F.csv"]),
      says: ["forecasts", "lds"])
  }
}
