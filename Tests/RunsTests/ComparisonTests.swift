import Foundation
import Runs
import Testing

/// Runs in lists and side by side.
@Suite("Runs compared", .timeLimit(.minutes(5))) struct ComparisonTests {
  private func trained(_ files: borrowing Files, _ name: String, _ settings: String...) async throws {
    let recipe = try files.regression(steps: 4)
    for setting in settings { try recipe.set(setting) }
    try await Run.train(recipe, out: files["runs/" + name])
  }

  @Test("Seeds are summed up, other differences are named, equal bits are found") func comparison() async throws {
    let files = Files()
    try await trained(files, "a", "train.seed=1")
    try await trained(files, "b", "train.seed=2")
    try await trained(files, "c", "train.seed=1", "train.report_every=2")
    try await trained(files, "d", "train.seed=1", "optimizer.learning_rate=0.5")
    let runs = try RunOverview.all(in: files["runs"])
    #expect(runs.map(\.name) == ["a", "b", "c", "d"] && runs.allSatisfy { $0.status == "finished" })
    let comparison = RunComparison(runs)
    #expect(comparison.differences.map(\.key) == ["optimizer.learning_rate", "train.report_every", "train.seed"])
    #expect(comparison.differences[2].values == ["1", "2", "1", "1"])
    #expect(comparison.firstWithSameBits == [0, 1, 0, 3])
    #expect(comparison.metricNames.first?.hasPrefix("test/") == true)

    #expect(RunComparison([comparison.runs[0], comparison.runs[0]]).groups.isEmpty)
    let group = try #require(comparison.groups.first)
    #expect(comparison.groups.count == 1 && group.members == [0, 1])
    let values = [0, 1].map { runs[$0].metrics["test/reg/RMSE"]! }
    let found = try #require(group.metrics["test/reg/RMSE"])
    #expect(abs(found.mean - (values[0] + values[1]) / 2) < 1e-12)
    // Of two values: half their distance.
    #expect(abs(found.error - abs(values[0] - values[1]) / 2) < 1e-12)
  }

  @Test("Folders that are no runs, unfinished and damaged runs are listed as they are") func others() async throws {
    let files = Files()
    try await trained(files, "whole")
    let manager = FileManager.default
    try manager.createDirectory(atPath: files["runs/empty"], withIntermediateDirectories: false)
    for name in ["unfinished", "damaged"] {
      try manager.copyItem(atPath: files["runs/whole"], toPath: files["runs/" + name])
    }
    try manager.removeItem(atPath: files["runs/unfinished/summary.json"])
    try files.write("runs/damaged/summary.json", "{\"status\": \"fin")
    let runs = try RunOverview.all(in: files["runs"])
    #expect(runs.map(\.name) == ["damaged", "unfinished", "whole"])
    #expect(runs.map(\.status) == ["unfinished", "unfinished", "finished"])
    #expect(runs[1].model == "bbb-regression")
    #expect(RunComparison(runs).firstWithSameBits == [nil, nil, 2])
    #expect(throws: (any Error).self) { try RunOverview.all(in: files["nowhere"]) }
    #expect(throws: TrainingError.self) { try RunOverview(files["runs/empty"]) }
  }
}
