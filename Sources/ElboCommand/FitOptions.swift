import ArgumentParser
import Files
import Recipes
import Runs

/// What is predicted, from what, and in what time.
struct FitOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The column to predict.", valueName: "column"))
  var target: String?

  @Option(help: ArgumentHelp("How long it may take (default: 5).", valueName: "m"))
  var minutes: Double?

  @Option(
    help: ArgumentHelp(
      "What is predicted (default: by what the target holds), or looked for without a target: groups, states.",
      valueName: FitTask.allCases.map(\.rawValue).joined(separator: "|")),
    transform: { text in
      guard let task = FitTask(rawValue: text) else {
        throw RecipeError("it must be one of \(FitTask.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return task
    })
  var task: FitTask?

  @Option(
    help: ArgumentHelp("With --task states: the column that names the sequence of each row.", valueName: "column"))
  var sequence: String?

  @Option(
    help: ArgumentHelp(
      "The rows are a series: forecast the target from this column, the time, alone.", valueName: "column"))
  var time: String?

  @Option(
    help: ArgumentHelp(
      "A column that is an input, though it looks like a leak or a name; repeatable.", valueName: "column"))
  var keep: [String] = []

  @Option(help: ArgumentHelp("A column that is no input; repeatable.", valueName: "column"))
  var drop: [String] = []

  @Option(parsing: .unconditional, help: "The seed of everything random.", transform: seedNumber)
  var seed: UInt64?

  @Option(help: ArgumentHelp("Repeat what a fit has done, to the same bits.", valueName: "plan.yaml"))
  var plan: String?

  @Option(help: ArgumentHelp("Where everything goes (default: runs/NAME-fit).", valueName: "dir"))
  var out: String?

  func folder(of data: String) -> String { out ?? "\(Setting.runsFolder)/\(SweepTexts.name(of: data))-fit" }

  /// The plan to repeat, which says all the rest.
  func repeated() throws -> FitPlan? {
    guard let plan else { return nil }
    guard target == nil, minutes == nil, task == nil, sequence == nil, time == nil, keep.isEmpty, drop.isEmpty,
      seed == nil
    else {
      throw RecipeError("--plan says target, minutes, task, columns and seed: leave these options out")
    }
    return try FitPlan(contentsOf: plan)
  }

  func request(data: String) throws -> FitRequest {
    let request = FitRequest(
      data: data, target: target, task: task, sequence: sequence, time: time, minutes: minutes ?? 5, keep: keep,
      drop: drop, seed: seed ?? 0)
    try request.check()
    return request
  }
}
