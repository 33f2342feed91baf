import ArgumentParser
import ClusterRuns
import Recipes
import Reports
import Runs

struct FitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "From data to calibrated predictions, in the minutes given: models are tried, the best is reported on.",
    discussion: """
      Examples:
        elbo fit houses.csv --target price --dry-run      what is learned from, and what is left out
        elbo fit houses.csv --target price --minutes 10 --out houses
        elbo predict houses --input new.csv --coverage 0.9 --output predictions.csv
        elbo fit houses.csv --plan houses/plan.yaml --out again --nodes 2      the same bits
        elbo fit flowers --minutes 30      a folder of pictures for each class; elbo fit houses.csv --task groups

        elbo fit co2.csv --target ppm --time month --out co2      forecasts of a series

      The same call goes on where it was stopped.
      """)

  @Argument(help: "A table (a file, sqlite:FILE?SELECT …, or -), arrays, or pictures in a folder for each class.")
  var data: String

  @OptionGroup var asked: FitOptions

  @OptionGroup var places: PlaceOptions

  @OptionGroup var lanes: LaneOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print summary.json in place of a table.")
  var json = false

  @Flag(help: "Show how the table is read, and train nothing.")
  var dryRun = false

  func run() async throws {
    let plan = try asked.repeated()
    let request = try plan?.request(data: data) ?? asked.request(data: data)
    let (places, lanes) = (try places.asked(), try lanes.asked())
    let reading = try FitReading(request)
    if dryRun { return print(FitTexts.table(of: reading), terminator: "") }
    if !quiet { StandardError.write(FitTexts.table(of: reading)) }
    let folder = asked.folder(of: data)
    let run = try FitRun(reading, request, plan: plan, folder: folder, places: places, lanes: lanes)
    let signals = SignalWatch { _ in if !run.stop() { ExitStatus.interrupted.endAtOnce() } }
    defer { signals.end() }
    let answer = try await run.run(
      say: { [quiet] in if !quiet { StandardError.write($0 + "\n") } }, note: { StandardError.write($0 + "\n") })
    guard let answer else {
      StandardError.write("stopped; the same call goes on\n")
      throw ExitStatus.interrupted
    }
    print(json ? try FitTexts.json(of: answer) : FitTexts.table(of: answer, folder: folder), terminator: "")
  }
}
