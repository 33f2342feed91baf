import Foundation
import Testing

extension CommandTests {
  @Suite("Standard input and databases") struct InputTests {
    private static let rows = (0..<40).map {
      "\($0 + 100),\(Double($0) / 8),\(Double($0 * $0 % 11)),\($0 % 2 == 0 ? 1 : -1)"
    }
    private static let table = "id,a,b,y\n" + rows.joined(separator: "\n") + "\n"
    private static let training = [
      "train", "bayesian-linear-regression", "--set", "data.target=y", "--set", "data.identifier=id", "--quiet",
      "--json",
    ]

    private func piped(_ file: String, _ arguments: [String]) async throws -> Elbo.Outcome {
      try await Elbo.run(throughShell: "exec \"$0\" \"$@\" < '\(file)'", arguments)
    }

    @Test("What is piped in is what lies in a file, and is asked for again") func pipe() async throws {
      let workspace = try Workspace()
      try workspace.write("table.csv", Self.table)
      let file = try await Elbo.run(Self.training + ["--data", workspace["table.csv"], "--out", workspace["file"]])
      let pipe = try await piped(workspace["table.csv"], Self.training + ["--data", "-", "--out", workspace["pipe"]])
      #expect(try pipe.hash() == file.hash())
      #expect(pipe.error.isEmpty || pipe.error.contains("standard input is gone"))

      let resumed = try await piped(workspace["table.csv"], ["train", "--resume", workspace["pipe"], "--steps", "9"])
      #expect(resumed.status == .exited(2) && resumed.error.contains("was trained on standard input"))
      let evaluated = try await piped(workspace["table.csv"], ["evaluate", workspace["pipe"]])
      #expect(evaluated.status == .exited(2) && evaluated.error.contains("with --data"))
      let other = try await piped(workspace["table.csv"], ["evaluate", workspace["pipe"], "--data", "-"])
      #expect(other.status == .exited(0), "\(other.error)")

      // The number of the row is no input, and stands beside its prediction.
      let predicted = try await piped(
        workspace["table.csv"], ["predict", workspace["pipe"], "--input", "-", "--output", workspace["P.csv"]])
      #expect(predicted.status == .exited(0), "\(predicted.error)")
      let lines = String(decoding: try workspace.read("P.csv"), as: UTF8.self).split(separator: "\n")
      #expect(lines[0].hasPrefix("row,identifier,mean,") && lines[1].hasPrefix("0,100,") && lines.count == 41)
    }

    @Test("Nodes refuse it, and nothing is written") func nodes() async throws {
      let workspace = try Workspace()
      try workspace.write("table.csv", Self.table)
      let before = workspace.listing
      let launched = try await piped(
        workspace["table.csv"],
        ["launch"] + Self.training.dropFirst() + ["--data", "-", "--nodes", "2", "--out", workspace["run"]])
      #expect(launched.status == .exited(2) && launched.error.contains("nodes cannot read the standard input"))
      let node = try await Elbo.run("node", "--coordinator", "tcp://127.0.0.1:9", "--data", "-")
      #expect(node.status == .exited(2) && node.error.contains("--data -"))
      let empty = try await piped("/dev/null", Self.training + ["--data", "-", "--out", workspace["run"]])
      #expect(empty.status == .exited(2) && empty.error.contains("standard input"))
      #expect(workspace.listing == before)
    }
  }
}
