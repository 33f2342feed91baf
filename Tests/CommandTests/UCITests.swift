import Foundation
import Testing

/// A protocol's splits are independent jobs: no matter which process computes them, the results are the same.
@Suite("The UCI protocol", .serialized, .timeLimit(.minutes(15)))
struct UCITests {
  /// Thirty rows of a noisy line, in the layout of the official splits.
  private static func write(_ workspace: Workspace) throws {
    try FileManager.default.createDirectory(atPath: workspace["line"], withIntermediateDirectories: true)
    let rows = (0..<30).map { "\(Double($0) / 10) \(0.7 * Double($0) + Double($0 * $0 % 7))" }
    try workspace.write("line/data.txt", rows.joined(separator: "\n") + "\n")
    try workspace.write("line/index_features.txt", "0\n")
    try workspace.write("line/index_target.txt", "1\n")
    for split in 0..<4 {
      let test = (0..<30).filter { $0 % 4 == split }
      try workspace.write("line/index_test_\(split).txt", test.map(String.init).joined(separator: "\n"))
      let train = (0..<30).filter { $0 % 4 != split }
      try workspace.write("line/index_train_\(split).txt", train.map(String.init).joined(separator: "\n"))
    }
  }

  private static func arguments(_ workspace: Workspace, epochs: Int = 3) -> [String] {
    [
      "train", "bbb-regression", "--protocol", "uci", "--data", workspace["line"], "--quiet", "--json", "--epochs",
      "\(epochs)", "--set", "evaluate.samples=5", "--set", "train.batch=8", "--grid", "objective.prior_deviation=0.3,1",
      "--lanes", "1",
    ]
  }

  @Test func processesComputeWhatOneDoes() async throws {
    let workspace = try Workspace()
    try Self.write(workspace)
    let local = try await Elbo.run(Self.arguments(workspace))
    #expect(local.status == .exited(0), "\(local.error)")
    let nodes = try await Elbo.run(Self.arguments(workspace) + ["--nodes", "2"])
    #expect(nodes.status == .exited(0), "\(nodes.error)")
    #expect(try nodes.json()["splits"] as? Int == 4)
    #expect(nodes.output == local.output)
    let some = try await Elbo.run(Self.arguments(workspace) + ["--splits", "3,1"])
    #expect(some.output.split(separator: "\n").map { $0.contains("\"split\":1") } == [true, false])
  }

  @Test func theSplitOfAKilledProcessGoesToAnother() async throws {
    let workspace = try Workspace()
    try Self.write(workspace)
    let local = try await Elbo.run(Self.arguments(workspace, epochs: 3000))
    let outcome = try await Elbo.run(Self.arguments(workspace, epochs: 3000) + ["--nodes", "2"]) { _ in
      try await until { !Self.processes(of: workspace).isEmpty }
      let child = try #require(Self.processes(of: workspace).first)
      #expect(kill(child, SIGKILL) == 0)
    }
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    #expect(outcome.error.contains("killed by signal"), "\(outcome.error)")
    #expect(outcome.output == local.output)
  }

  /// The processes that compute a split of this workspace.
  private static func processes(of workspace: Workspace) -> [pid_t] {
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    return numbers.filter { number in
      let words = (FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()).split(separator: 0)
        .map { String(decoding: $0, as: UTF8.self) }
      return words.contains("--splits") && words.contains(workspace["line"])
    }
  }

  @Test("Wrong options and misspelled keys exit with 2 and a one-line explanation") func mistakes() async throws {
    let workspace = try Workspace()
    try Self.write(workspace)
    for (more, says) in [
      (["--splits", "4"], "0 to 3"), (["--splits", "x"], "--splits x"), (["--nodes", "0"], "--nodes is 0"),
      (["--nodes", "2", "--set", "objective.prior=nonsense"], "nonsense"),
      (["--set", "trian.epochs=7"], "the nearest is train.epochs"),
      (["--set", "network.hiden=9"], "the nearest is network.hidden"),
      (["--nodes", "2", "--grid", "network.hiden=8,9"], "the nearest is network.hidden"),
    ] {
      let outcome = try await Elbo.run(Self.arguments(workspace) + more)
      #expect(outcome.status == .exited(2), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.contains(says), "\(outcome.error)")
    }
  }
}
