import ArgumentParser
import Files
import Reports
import Runs

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Runs side by side: what of their recipes differs, metrics, and which have the same bits.",
    discussion: """
      Examples:
        elbo compare runs/vae runs/vae-2
        elbo compare runs/bbb-seed-* --metrics test/cls/NLL      mean ± standard error over seeds

      Runs that differ by train.seed alone are summed up as mean ± standard error.
      """)

  @Argument(help: "Run folders, two or more.")
  var runs: [String]

  @OptionGroup var metrics: MetricOptions

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    guard runs.count > 1 else { throw RecipeError("one run is named: name two or more") }
    let comparison = RunComparison(try runs.map { try RunOverview($0) })
    let names = try metrics.names(of: comparison, default: 12)
    print(json ? document(comparison, names) : text(comparison, names), terminator: "")
  }

  private func text(_ comparison: RunComparison, _ names: [String]) -> String {
    let runs = comparison.runs
    var table = TextTable([.init("")] + runs.map { .init($0.path, .right) })
    table.append(["status"] + runs.map(\.status))
    for (key, values) in comparison.differences { table.append([key] + values.map { $0 ?? "–" }) }
    for name in names { table.append([name] + runs.map { RunTexts.number($0.metrics[name]) }) }
    table.append(["seconds"] + runs.map { RunTexts.number($0.summary?.seconds) })
    table.append(["parameters_sha256"] + runs.map { String($0.summary?.parameters_sha256.prefix(12) ?? "") })
    let same = comparison.firstWithSameBits
    table.append(
      ["same bits as"] + runs.indices.map { place in same[place].flatMap { $0 == place ? nil : runs[$0].path } ?? "" })
    return table.text + comparison.groups.map { group(comparison, $0, names) }.joined()
  }

  private func group(_ comparison: RunComparison, _ group: RunComparison.Group, _ names: [String]) -> String {
    let paths = group.members.map { comparison.runs[$0].path }
    var table = TextTable([.init(""), .init("mean", .right), .init(""), .init("standard error", .right)])
    for name in names {
      guard let found = group.metrics[name] else { continue }
      table.append([name, RunTexts.number(found.mean), "±", RunTexts.number(found.error)])
    }
    return "\n\(paths.count) seeds: \(paths.joined(separator: ", "))\n" + table.text
  }

  private func document(_ comparison: RunComparison, _ names: [String]) -> String {
    let same = comparison.firstWithSameBits
    let differences = comparison.differences.map { key, values in
      (key, "[" + values.map { $0.map(JSONText.string) ?? "null" }.joined(separator: ",") + "]")
    }
    let groups = comparison.groups.map { group in
      let metrics = group.metrics.sorted { $0.key < $1.key }.map { name, found in
        (
          name,
          JSONText.object([("mean", JSONText.number(found.mean)), ("standard_error", JSONText.number(found.error))])
        )
      }
      return JSONText.object([
        ("runs", "[" + group.members.map { "\($0)" }.joined(separator: ",") + "]"),
        ("metrics", JSONText.object(metrics)),
      ])
    }
    return JSONText.object([
      ("runs", RunTexts.json(comparison.runs, metrics: names)), ("differences", JSONText.object(differences)),
      ("same_bits_as", "[" + same.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ",") + "]"),
      ("groups", "[" + groups.joined(separator: ",") + "]"),
    ]) + "\n"
  }
}
