import Files
import Foundation
import Learners
import Messages
import Models
import Recipes
import Reports
import Runs
import Training

/// What a page shows of runs, as JSON. It only reads, on a thread of its own that computes when nothing else wants its
/// processor.
///
/// ```swift
/// let page = Page(.folder("runs"))
/// let service = PageService(page)
/// ```
package actor Page {
  /// Which runs are shown.
  package enum Place: Sendable {
    /// Those in a folder.
    case folder(String)
    case run(String)
  }

  private nonisolated let executor = ThreadExecutor(name: "page", isAside: true)
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private var catalog: RunCatalog?
  /// Of the training of this process.
  private var live: LiveTraining?
  /// By run: those whose coordinator is asked.
  private var clusters: [String: (watch: ClusterWatch, task: Task<Void, Never>)] = [:]
  /// By the digest of a recipe.
  private var standards: [String: RecipeStandard] = [:]

  /// Shows nothing yet.
  package init() {}

  package init(_ place: Place) {
    switch place {
    case .folder(let path): catalog = RunCatalog(.folder(path))
    case .run(let path): catalog = RunCatalog(.run(path))
    }
  }

  deinit { executor.stop() }

  /// Shows a training of this process.
  /// - Parameter ask: has the coordinator say how things are; nil: there are no nodes.
  func show(_ run: RunFolder, _ live: LiveTraining, asking ask: StatusQuestion?) {
    catalog = RunCatalog(.run(run.path))
    self.live = live
    guard let ask, let name = catalog?.runs.first?.name else { return }
    let watch = ClusterWatch()
    clusters[name] = (watch, Task { await watch.run(asking: ask) })
  }

  /// Asks no coordinator any more, and closes what that took.
  func end() async {
    for (_, task) in clusters.values {
      task.cancel()
      await task.value
    }
  }

  /// Whether a training can be seen, or runs.
  var isReady: Bool { catalog != nil && live?.state.ending == nil }

  /// Whether the page waits for its training.
  var isStarting: Bool { catalog == nil }

  // MARK: What is new

  /// Looks again. A run that is trained here, or by nodes, is new each time.
  /// - Returns: the names of the runs that are not as they were.
  func news() -> Set<String> {
    guard var names = catalog?.news() else { return [] }
    if let live, live.state.ending == nil, let name = catalog?.runs.first?.name { names.insert(name) }
    for name in clusters.keys where catalog?[name]?.isRunning == true { names.insert(name) }
    return names
  }

  // MARK: Answers

  /// The runs; nil: the training starts.
  func list() -> String? {
    catalog?.look()
    guard let catalog else { return nil }
    let runs = catalog.runs.map { run in
      JSONText.object([("state", JSONText.string(run.state)), ("changed", "\(run.changed)")] + run.listed)
    }
    var isMany = false
    if case .folder = catalog.place { isMany = true }
    return JSONText.object([
      ("place", JSONText.string(catalog.place.path)), ("isMany", "\(isMany)"),
      ("note", JSONText.string(catalog.note)), ("runs", "[" + runs.joined(separator: ",") + "]"),
    ])
  }

  /// A run, all but its metrics; nil: there is none of this name.
  func run(_ name: String) -> String? {
    catalog?.look()
    guard let entry = catalog?[name] else { return nil }
    if live == nil, entry.isRunning { watchCoordinator(of: entry) }
    let sha = entry.overview.summary?.parameters_sha256
    let same = (catalog?.runs ?? []).filter {
      sha != nil && $0.name != name && $0.overview.summary?.parameters_sha256 == sha
    }
    return RunDetail(
      entry: entry, live: live, cluster: clusters[name]?.watch.state, standard: standard(of: entry.overview),
      same: same.map(\.name)
    ).json
  }

  func metrics(of name: String, after: Int) -> String? {
    catalog?[name].map { MetricsFile.json($0.path + "/metrics.jsonl", after: after) }
  }

  /// A picture from the list of a run's; nil: it is not in it.
  func figure(_ file: String, of name: String) -> (type: String, bytes: [UInt8])? {
    guard let folder = catalog?[name].map({ $0.path + "/figures" }), let type = FigureList(folder).type(of: file),
      let bytes = try? RunFile.read(folder + "/" + file, limit: 1 << 26)
    else { return nil }
    return (type, bytes)
  }

  /// The names of the files of a run's pictures.
  func figureNames(of name: String) -> [String] {
    catalog?[name].map { FigureList($0.path + "/figures").items.map(\.file) } ?? []
  }

  /// What of the recipes of some runs differs.
  func comparison(of names: [String]) -> String? {
    guard let catalog else { return nil }
    let entries = names.compactMap { catalog[$0] }
    let keys = RunComparison(entries.map(\.overview)).differences.map { key, values in
      JSONText.object([
        ("key", JSONText.string(key)),
        ("values", "[" + values.map { $0.map(JSONText.string) ?? "null" }.joined(separator: ",") + "]"),
      ])
    }
    return JSONText.object([
      ("runs", "[" + entries.map { JSONText.string($0.name) }.joined(separator: ",") + "]"),
      ("keys", "[" + keys.joined(separator: ",") + "]"),
    ])
  }

  /// For Prometheus.
  func prometheus() -> String {
    let entry = live == nil ? nil : catalog?.runs.first
    return PageMetrics(
      live: live, cluster: entry.flatMap { clusters[$0.name]?.watch.state }, run: entry?.name ?? "",
      model: entry?.overview.model ?? "", states: (catalog?.runs ?? []).map(\.state)
    ).text
  }

  // MARK: Where it comes from

  private func standard(of run: RunOverview) -> RecipeStandard {
    if let known = standards[run.digestWithoutSeed] { return known }
    let made = RecipeStandard(of: run)
    standards[run.digestWithoutSeed] = made
    return made
  }

  /// Has the coordinator of a run asked that another process trains.
  private func watchCoordinator(of entry: RunCatalog.Entry) {
    guard clusters[entry.name] == nil, FileManager.default.fileExists(atPath: entry.path + "/coordinator.endpoint")
    else { return }
    let (watch, coordinator) = (ClusterWatch(), CoordinatorOfRun(entry.path))
    let task = Task {
      await watch.run(awaiting: { await coordinator.ask() })
      await coordinator.close()
    }
    clusters[entry.name] = (watch, task)
  }
}

/// The built-in recipe of a model, for what a run's differs in.
struct RecipeStandard {
  private let keys: [String: RecipeKey]
  /// The data that the recipe names: its keys were read with others.
  private let source: String
  /// What the model is, in one line; empty: it is none that this program knows.
  let summary: String

  /// Of the keys that the run's own choices bring: those of all would take most of a second of a training's processor.
  init(of run: RunOverview) {
    let known = Models.available.first { $0.name == run.model }
    summary = known?.summary ?? ""
    let list = known.flatMap { try? RecipeKey.all(of: $0) { run.recipe[$0] == $1 } } ?? []
    keys = Dictionary(list.map { ($0.key, $0) }) { $1 }
    let own = try? Recipe.named(run.model)["data"].text("source")
    source = own.map { "\"\($0)\"" } ?? "null"
  }

  func value(of key: String) -> String? { key == "data.source" ? source : keys[key]?.value }

  func meaning(of key: String) -> String? { keys[key]?.meaning }
}
