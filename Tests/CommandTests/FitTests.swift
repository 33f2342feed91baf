import Foundation
import Subprocess
import TestSupport
import Testing

/// From a table to predictions, and the same bits again.
@Suite("Fits", .serialized, .timeLimit(.minutes(15)))
struct FitTests {
  /// Two curves with noise, a category and an identifier.
  private func table(_ workspace: Workspace, classes: Bool) throws {
    let rows = (0..<140).map { i in
      let (x, noise) = (Double(i * 37 % 140) / 20, Double(i * i * 7 % 29) / 29 - 0.5)
      let value = sin(x) * 4 + (i % 3 == 0 ? 2 : 0) + noise
      return
        "row-\(i),\(classes && i % 20 == 7 ? "" : "\(x)"),\(["a", "b", "c"][i % 3]),\(classes ? (value > 1 ? "high" : "low") : "\(value)")"
    }
    try workspace.write("table.csv", "id,x,kind,y\n" + rows.joined(separator: "\n") + "\n")
    let new = (0..<9).map { "new-\($0),\(classes && $0 == 4 ? "" : "\(Double($0) / 2)"),\(["c", "a", "d"][$0 % 3])" }
    try workspace.write("new.csv", "id,x,kind\n" + new.joined(separator: "\n") + "\n")
  }

  private func fit(_ workspace: Workspace, _ out: String, _ more: String...) -> [String] {
    ["fit", workspace["table.csv"], "--out", workspace[out], "--quiet", "--json"] + more
  }

  @Test(
    "A table of numbers is fitted, predicted from, and repeated by its plan on one lane and on nodes that are killed")
  func numbers() async throws {
    let workspace = try Workspace()
    try table(workspace, classes: false)
    let first = try await Elbo.run(fit(workspace, "first", "--target", "y", "--minutes", "0.1"))
    let hash = try first.hash()
    for file in ["model.elbo", "report.html", "plan.yaml", "summary.json"] {
      #expect(workspace.exists("first/" + file), "\(file)")
    }
    let summary = try first.json()
    let test = try #require(summary["test"] as? [String: [String: Double]])
    let chosen = try #require(summary["chosen"] as? String)
    #expect(test[chosen]!["reg/RMSE"]! < 0.7 * test["constant"]!["reg/RMSE"]!)
    #expect(summary["inputs"] as? [String] == ["x", "kind"])
    let curve = try #require(summary["learning_curve"] as? [[String: Double]])
    #expect(curve.map { $0["rows"] } == [30, 59, 119] && curve[2]["likelihood"] == test[chosen]!["reg/NLL"])
    #expect((summary["unsure"] as? [String: Any])?["rows"] as? Int == 3)

    let predicted = try await Elbo.run(
      "predict", workspace["first"], "--input", workspace["new.csv"], "--coverage", "0.8", "--output",
      workspace["predictions.csv"])
    #expect(predicted.status == .exited(0), "\(predicted.error)")
    let lines = String(decoding: try workspace.read("predictions.csv"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 10 && lines[0].contains("lower") && lines[1].contains("new-0"))

    let plan = ["--plan", workspace["first/plan.yaml"]]
    let alone = try await Elbo.run(fit(workspace, "alone") + plan + ["--lanes", "1"])
    #expect(try alone.hash() == hash && alone.output == first.output)
    let nodes = fit(workspace, "nodes") + plan + ["--nodes", "2"]
    let killed = try await Elbo.run(nodes) { send in
      try await until { workspace.exists("nodes/search/linear/results.jsonl") }
      try send(.kill)
    }
    #expect(killed.status == .killed(by: SIGKILL))
    let resumed = try await Elbo.run(nodes)
    #expect(try resumed.hash() == hash && resumed.output == first.output)

    // Another question in the same folder is refused, and so is the plan for other data.
    let other = try await Elbo.run(fit(workspace, "first", "--target", "y", "--minutes", "0.1", "--seed", "5"))
    #expect(other.status == .exited(2) && other.error.contains("--out"))
    try table(workspace, classes: true)
    let wrong = try await Elbo.run(fit(workspace, "wrong") + plan)
    #expect(wrong.status == .exited(2) && wrong.error.split(separator: "\n").count == 1, "\(wrong.error)")
  }

  @Test("Classes have a temperature and sets; a mean stands in for an empty cell, also in what is new") func classes()
    async throws
  {
    let workspace = try Workspace()
    try table(workspace, classes: true)
    let outcome = try await Elbo.run(fit(workspace, "out", "--target", "y", "--minutes", "0.1"))
    let summary = try outcome.json()
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    let conformal = try #require(summary["conformal"] as? [String: Double])
    #expect(conformal["test/conformal/Coverage95"] != nil && conformal["test/cls/NLL_calibrated"] != nil)
    let predicted = try await Elbo.run(
      "predict", workspace["out"], "--input", workspace["new.csv"], "--output", workspace["predictions.csv"])
    #expect(predicted.status == .exited(0), "\(predicted.error)")
    #expect(String(decoding: try workspace.read("predictions.csv"), as: UTF8.self).contains("calibrated[high]"))
  }

  @Test("Pictures with classes are fitted without a copy of them, and repeated on nodes that are killed")
  func pictures() async throws {
    let workspace = try Workspace()
    func fit(_ out: String, _ more: String...) -> [String] {
      ["fit", workspace.data, "--out", workspace[out], "--quiet", "--json"] + more
    }
    let first = try await Elbo.run(fit("first", "--minutes", "0.5"))
    let hash = try first.hash()
    #expect(
      workspace.names(in: "first/data") == [
        "all-but-test.examples", "calibration.examples", "learning.examples", "test.examples",
      ])
    let summary = try first.json()
    #expect(summary["task"] as? String == "pictures")
    #expect((summary["rows"] as? [String: Int])?["test"] == Workspace.testCount)
    let nodes = fit("nodes", "--plan", workspace["first/plan.yaml"], "--nodes", "4")
    // Which families are tried in so short a time depends on the machine.
    let family = try #require(workspace.names(in: "first/search").first)
    let killed = try await Elbo.run(nodes) { send in
      try await until { workspace.exists("nodes/search/\(family)/results.jsonl") }
      try send(.kill)
    }
    #expect(killed.status == .killed(by: SIGKILL))
    #expect(try await Elbo.run(nodes).hash() == hash)
    let predicted = try await Elbo.run(
      "predict", workspace["first"], "--input", workspace["data/t10k-images-idx3-ubyte"], "--output",
      workspace["predictions.csv"])
    #expect(predicted.status == .exited(0), "\(predicted.error)")
  }

  @Test("Without a target groups are found, and states of sequences; the answer is as good as one Gaussian at least")
  func densities() async throws {
    let workspace = try Workspace()
    let rows = (0..<240).map { i in
      let (group, noise) = (i / 12 % 2, Double(i * i * 7 % 29) / 29 - 0.5)
      return "\(i / 24),\(Double(group) * 6 + noise),\(Double(i * 37 % 23) / 23 - Double(group) * 4)"
    }
    try workspace.write("table.csv", "run,x,y\n" + rows.joined(separator: "\n") + "\n")
    for (task, more) in [("groups", ["--drop", "run"]), ("states", ["--sequence", "run"])] {
      let call = fit(workspace, task, "--task", task, "--minutes", "0.1") + more
      let outcome = try await Elbo.run(call)
      let summary = try outcome.json()
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      let test = try #require(summary["test"] as? [String: [String: Double]])
      #expect(test[try #require(summary["chosen"] as? String)]!["NLL"]! < test["gaussian"]!["NLL"]! - 0.3, "\(test)")
      #expect(workspace.exists(task + "/report.html"))
      let again = fit(workspace, task + "-again") + ["--plan", workspace[task + "/plan.yaml"], "--nodes", "2"]
      #expect(try await Elbo.run(again).hash() == outcome.hash())
      let predicted = try await Elbo.run(
        "predict", workspace[task], "--input", workspace["table.csv"], "--output", workspace["predictions.csv"])
      #expect(predicted.status == .exited(0), "\(predicted.error)")
    }
  }

  @Test("A series is forecast by a model of all rows, better than by a trend, and repeated by its plan on nodes")
  func series() async throws {
    let workspace = try Workspace()
    let rows = (0..<120).map { month in
      let year = Double(month) / 12
      return "\(year),\(0.1 * year * year + 2 * sin(2 * .pi * year) + Double(month * month * 7 % 29) / 58)"
    }
    try workspace.write("table.csv", "year,y\n" + rows.joined(separator: "\n") + "\n")
    let new = (0..<12).map { 10 + Double($0) / 12 }
    try workspace.write("new.csv", "year\n" + new.map { "\($0)" }.joined(separator: "\n") + "\n")
    let first = try await Elbo.run(fit(workspace, "first", "--target", "y", "--time", "year", "--minutes", "0.1"))
    let (hash, summary) = (try first.hash(), try first.json())
    let test = try #require(summary["test"] as? [String: [String: Double]])
    let chosen = try #require(summary["chosen"] as? String)
    #expect(["seasonal", "gaussian-process"].contains(chosen))
    #expect(test[chosen]!["reg/RMSE"]! < 0.5 * test["linear"]!["reg/RMSE"]!, "\(test)")
    let again = fit(workspace, "again") + ["--plan", workspace["first/plan.yaml"], "--nodes", "2"]
    #expect(try await Elbo.run(again).hash() == hash)
    let predicted = try await Elbo.run(
      "predict", workspace["first"], "--input", workspace["new.csv"], "--coverage", "0.8", "--output",
      workspace["predictions.csv"])
    #expect(predicted.status == .exited(0), "\(predicted.error)")
    let lines = String(decoding: try workspace.read("predictions.csv"), as: UTF8.self).split(separator: "\n")
    let column = try #require(lines[0].split(separator: ",").firstIndex { $0.hasSuffix("mean") }, "\(lines[0])")
    for (year, line) in zip(new, lines.dropFirst()) {
      let mean = try #require(Double(line.split(separator: ",")[column]))
      #expect(abs(mean - 0.1 * year * year - 2 * sin(2 * .pi * year) - 0.25) < 0.6, "\(year): \(mean)")
    }
  }

  @Test("A dry run shows the table and leaves nothing; mistakes are one line with status 2") func mistakes()
    async throws
  {
    let workspace = try Workspace()
    try table(workspace, classes: false)
    let before = workspace.listing
    let dry = try await Elbo.run(fit(workspace, "out", "--target", "y", "--dry-run"))
    #expect(dry.status == .exited(0) && dry.output.contains("identifier") && dry.output.contains("y is a number"))
    for arguments in [
      fit(workspace, "out"), fit(workspace, "out", "--target", "z"),
      fit(workspace, "out", "--target", "y", "--minutes", "0"),
      fit(workspace, "out", "--target", "y", "--task", "classes"), fit(workspace, "out", "--plan", "/nonexistent"),
      fit(workspace, "out", "--target", "y", "--plan", "plan.yaml"), ["fit", "/nonexistent.csv", "--target", "y"],
      ["fit", workspace.data, "--target", "y"], fit(workspace, "out", "--task", "states"),
      fit(workspace, "out", "--task", "groups", "--target", "y"), fit(workspace, "out", "--sequence", "id"),
      fit(workspace, "out", "--target", "y", "--time", "id"),
    ] {
      let outcome = try await Elbo.run(arguments)
      #expect(outcome.status == .exited(2), "\(arguments)")
      #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
    #expect(workspace.listing == before)
  }
}
