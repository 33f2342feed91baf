import Foundation
import Testing

/// The promise, for exact models: sufficient statistics are added in one fixed order wherever they were computed; and
/// what a sweep of a mapped file costs in memory.
@Suite("Exact models on several nodes, and on files larger than memory", .serialized, .timeLimit(.minutes(15)))
struct ExactClusterTests {
  static let recipes: [(model: String, table: String, settings: [String])] = [
    ("kmeans", SmallTable.plane, ["network.clusters=3"]),
    ("variational-gmm", SmallTable.plane, ["network.components=5"]),
    ("ppca", SmallTable.plane, ["network.latent=1", "objective.method=em", "objective.iterations=20"]),
    ("pca", SmallTable.plane, []),
    ("bayesian-ridge", SmallTable.line, ["data.target=t"]),
    ("gaussian-process", SmallTable.line, ["data.target=t"]),
    ("gaussian-process", SmallTable.line, ["data.target=t", "network.inducing=8"]),
    ("bayesian-logistic-regression", SmallTable.classes, ["data.target=kind"]),
    ("hmm", SmallTable.series, ["data.sequence=id", "network.states=3"]),
    ("hmm", SmallTable.series, ["data.sequence=id", "objective.estimate=variational", "train.shards=12"]),
    ("lds", SmallTable.series, ["data.sequence=id", "objective.iterations=20", "train.shards=12"]),
  ]

  private func arguments(_ model: String, _ workspace: Workspace, _ out: String, _ settings: [String]) -> [String] {
    [model, "--data", workspace["table.csv"], "--out", workspace[out], "--quiet", "--json"]
      + settings.flatMap { ["--set", $0] }
  }

  @Test("The same parameters from one process and from one, two and four nodes", arguments: recipes.indices)
  func nodes(_ index: Int) async throws {
    let (model, table, settings) = Self.recipes[index]
    let workspace = try Workspace()
    try workspace.write("table.csv", table)
    let alone = try await Elbo.run(["train"] + arguments(model, workspace, "alone", settings))
    let expected = try alone.hash()
    for nodes in [1, 2, 4] {
      let launched = try await Elbo.run(
        ["launch"] + arguments(model, workspace, "nodes-\(nodes)", settings) + ["--nodes", "\(nodes)", "--lanes", "1"])
      #expect(try launched.hash() == expected, "\(nodes) nodes: \(launched.error)")
      #expect(try launched.json()["steps"] as? Int == (try alone.json()["steps"] as? Int))
    }
  }

  /// Trainings of 400 short restarts and more, so that the kill may fall anywhere in one.
  static let searches: [(model: String, table: String, settings: [String])] = [
    ("variational-gmm", SmallTable.plane, ["network.components=5", "objective.iterations=8"]),
    ("gaussian-process", SmallTable.line, ["data.target=t", "network.inducing=8"]),
    ("hmm", SmallTable.series, ["data.sequence=id", "network.states=3", "objective.iterations=8", "train.shards=12"]),
  ]

  @Test("A node is killed", arguments: searches.indices, [10, 60]) func kill(_ index: Int, _ lines: Int) async throws {
    let (model, table, kind) = Self.searches[index]
    let workspace = try Workspace()
    try workspace.write("table.csv", table)
    let settings = kind + ["objective.restarts=100000", "train.report_every=1"]
    let steps = ["--steps", "400"]
    let expected = try await Elbo.run(
      ["train"] + arguments(model, workspace, "alone", settings) + steps
    ).hash()
    let outcome = try await Elbo.run(
      ["launch"] + arguments(model, workspace, "run", settings) + steps
        + ["--nodes", "3", "--lanes", "1", "--heartbeat", "0.2"]
    ) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= lines }
      let node = try #require(workspace.processes().randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try outcome.hash() == expected)
    #expect(workspace.lines("run/metrics.jsonl") == 400)
  }

  /// A file that is mapped is given back as it is swept: what stays is the program, a few MiB for each lane, and what the
  /// model itself holds.
  @Test("A mapped file does not stay in memory", arguments: ["kmeans", "gmm", "pca"])
  func mapped(_ model: String) async throws {
    let workspace = try Workspace()
    let rows = 1 << 20
    try workspace.write("rows.npy", SmallTable.large(rows: rows))
    let size = model == "kmeans" ? "clusters" : "components"
    let outcome = try await Elbo.run(
      throughShell: Self.peak,
      [
        "train", model, "--data", workspace["rows.npy"], "--out", workspace["run"], "--quiet", "--lanes", "2",
        "--steps", "3", "--set", "network.\(size)=4",
      ])
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    let kilobytes = try #require(
      outcome.error.split(separator: "\n").last.flatMap { Int($0.split(separator: " ").last ?? "") }, "\(outcome.error)"
    )
    let file = rows * 32 * 8 / 1024
    #expect(kilobytes > 0 && kilobytes < file / 2, "\(kilobytes) kB resident for a file of \(file) kB")
  }

  /// Runs the command and says the most memory that was ever resident, by what the system keeps of a live process. The
  /// shell alone does it: the tests' processes know no other programs.
  private static let peak = """
    "$0" "$@" & process=$!
    peak=0
    while :; do
      now=
      while read -r name value unit; do
        case $name in VmHWM:) now=$value;; esac
      done < /proc/$process/status
      [ -n "$now" ] || break
      peak=$now
    done
    wait $process; status=$?
    echo "peak $peak" >&2
    exit $status
    """
}
