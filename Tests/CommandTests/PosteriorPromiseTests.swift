import Foundation
import Subprocess
import TestSupport
import Testing

/// The promise, for posteriors whose schedules depend on how many steps there are in all.
@Suite(
  "Posteriors of weights: the same result, whatever computes it and whatever dies", .serialized,
  .timeLimit(.minutes(10)))
struct PosteriorPromiseTests {
  static let models = [
    ["ivon"], ["ivon", "train.members=2", "objective.temperature=0.5"],
    ["swag", "objective.rank=3", "objective.collections=6"],
    ["swag", "objective.posterior=snapshots", "objective.keep=4", "optimizer.schedule=cycles"],
    ["langevin", "objective.keep=4"],
    [
      "langevin", "objective.keep=4", "objective.posterior=hmc", "objective.leapfrogs=3",
      "optimizer.learning_rate=0.001",
    ],
  ]

  private func arguments(_ workspace: Workspace, _ model: [String], _ out: String) -> [String] {
    workspace.training(
      model[0], out: out,
      ["--steps", "150"] + (model.dropFirst() + ["train.report_every=1"]).flatMap { ["--set", $0] })
  }

  @Test("Four lanes, two nodes, and a training killed twice and resumed give the hash of one lane", arguments: models)
  func everywhere(_ model: [String]) async throws {
    let workspace = try Workspace()
    let expected = try await Elbo.run(arguments(workspace, model, "alone") + ["--lanes", "1"]).hash()
    let lanes = try await Elbo.run(arguments(workspace, model, "lanes") + ["--lanes", "4"])
    #expect(try lanes.hash() == expected)
    let launched = try await Elbo.run(
      ["launch"] + arguments(workspace, model, "nodes").dropFirst() + ["--nodes", "2", "--lanes", "1"])
    #expect(try launched.hash() == expected, "\(launched.error)")

    var killed = arguments(workspace, model, "killed") + ["--set", "train.checkpoint_every=2"]
    for lines in [8, 50] {
      let outcome = try await Elbo.run(killed) { send in
        try await until { workspace.lines("killed/metrics.jsonl") >= lines }
        try send(.kill)
      }
      #expect(outcome.status == .killed(by: SIGKILL), "\(outcome.error)")
      killed = ["train", "--resume", workspace["killed"], "--quiet", "--json"]
    }
    #expect(try await Elbo.run(killed).hash() == expected)

    let verified = try await Elbo.run("evaluate", workspace["killed"], "--json")
    #expect(verified.status == .exited(0), "\(verified.error)")
  }
}
