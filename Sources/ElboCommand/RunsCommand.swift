import ArgumentParser
import Files
import Foundation
import Reports
import Runs

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "The runs in a folder, a line each.",
    discussion: """
      Examples:
        elbo runs
        elbo runs experiments --sort test/elbo --largest-first
        elbo runs --metrics test/cls/Acc,test/cls/NLL --json
      """)

  @Argument(help: "The folder that holds the runs (default: that of ELBO_RUNS, or runs).")
  var folder: String?

  @Option(help: ArgumentHelp("Order by this metric, the smallest first.", valueName: "metric"))
  var sort: String?

  @Flag(help: "With --sort: the largest first.")
  var largestFirst = false

  @OptionGroup var metrics: MetricOptions

  @OptionGroup var form: FormOptions

  func run() throws {
    var runs = try RunOverview.all(in: folder ?? Setting.runsFolder)
    if let sort {
      let sign = largestFirst ? -1.0 : 1.0
      try MetricOptions.check([sort], among: RunComparison(runs))
      // Runs without it come last.
      runs = runs.enumerated().sorted { a, b in
        let keys = [a, b].map { $0.element.metrics[sort].map { $0 * sign } ?? .infinity }
        return (keys[0], a.offset) < (keys[1], b.offset)
      }.map(\.element)
    }
    let names = try metrics.names(of: RunComparison(runs), default: 3)
    if try form.isCSV() { return print(RunTexts.csv(runs, metrics: names), terminator: "") }
    if form.json { return print(RunTexts.json(runs, metrics: names)) }
    let areSelected = runs.contains { $0.summary?.selection != nil }
    let head: [TextTable.Column] = [.init("run"), .init("model"), .init("status"), .init("steps", .right)]
    let selected: [TextTable.Column] = areSelected ? [.init("selected", .right)] : []
    let shown: [TextTable.Column] = names.map { .init($0, .right) }
    var table = TextTable(head + selected + [.init("seconds", .right)] + shown + [.init("parameters_sha256")])
    for run in runs {
      let summary = run.summary
      var cells: [String] = [run.name, run.model, run.status, summary.map { "\($0.steps)" } ?? ""]
      if areSelected { cells.append(summary?.selection.map { "\($0.step)" } ?? "") }
      cells.append(RunTexts.number(summary?.seconds))
      cells += names.map { RunTexts.number(run.metrics[$0]) }
      cells.append(summary.map { String($0.parameters_sha256.prefix(12)) } ?? "")
      table.append(cells)
    }
    print(table.text, terminator: "")
  }
}

/// Which metrics a table shows.
struct MetricOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The metrics to show, comma-separated; all: every one.", valueName: "name,…|all"))
  var metrics: String?

  /// - Parameter count: how many to show when none are named.
  func names(of runs: RunComparison, default count: Int) throws -> [String] {
    let known = runs.metricNames
    guard let metrics else { return Array(known.prefix(count)) }
    guard metrics != "all" else { return known }
    let names = metrics.split(separator: ",").map(String.init)
    try MetricOptions.check(names, among: runs)
    return names
  }

  static func check(_ names: [String], among runs: RunComparison) throws {
    let known = runs.metricNames
    guard let unknown = names.first(where: { !known.contains($0) }) else { return }
    let hint = nearest(to: unknown, among: known).map { "; the nearest is \($0)" } ?? ""
    throw RecipeError("no run has a metric \(unknown)\(hint)")
  }
}

/// Runs as text.
enum RunTexts {
  /// Six significant digits; nothing for what is not there.
  static func number(_ value: Double?) -> String {
    guard let value else { return "" }
    let digits = abs(value) >= 1 ? max(0, 5 - Int(log10(abs(value)))) : 6
    return abs(value) < 1e-4 && value != 0 || abs(value) >= 1e9
      ? String(format: "%.5e", value) : String(format: "%.\(digits)f", value)
  }

  /// A line a run.
  static func csv(_ runs: [RunOverview], metrics names: [String]) -> String {
    let head = ["run", "model", "status", "steps", "seconds", "selected_step", "parameters_sha256"] + names
    let lines = runs.map { run in
      let summary = run.summary
      let cells = [
        run.path, run.model, run.status, summary.map { "\($0.steps)" }, summary.map { "\($0.seconds)" },
        summary?.selection.map { "\($0.step)" }, summary?.parameters_sha256,
      ]
      return (cells + names.map { run.metrics[$0].map { "\($0)" } }).map { $0 ?? "" }
    }
    return CSVText.lines([head] + lines)
  }

  static func json(_ runs: [RunOverview], metrics names: [String]) -> String {
    let objects = runs.map { run in
      var members: [(key: String, value: String)] = [
        ("run", JSONText.string(run.path)), ("model", JSONText.string(run.model)),
        ("status", JSONText.string(run.status)),
      ]
      if let summary = run.summary {
        members += [
          ("steps", "\(summary.steps)"), ("seconds", JSONText.number(summary.seconds)),
          ("parameters_sha256", JSONText.string(summary.parameters_sha256)),
        ]
        if let selection = summary.selection { members.append(("selected_step", "\(selection.step)")) }
      }
      members += names.compactMap { name in run.metrics[name].map { (name, JSONText.number($0)) } }
      return JSONText.object(members)
    }
    return "[" + objects.joined(separator: ",\n ") + "]"
  }
}
