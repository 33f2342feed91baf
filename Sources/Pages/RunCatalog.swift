import Files
import Foundation
import Metrics
import Reports
import Runs
import Training

/// The runs that a page shows: one, or those of a folder. What has not changed since the last look is not read again.
struct RunCatalog {
  enum Place: Sendable {
    /// Every run in a folder.
    case folder(String)
    case run(String)

    var path: String {
      switch self {
      case .folder(let path), .run(let path): path
      }
    }
  }

  struct Entry {
    let name: String
    let overview: RunOverview
    /// What a list says of it, but for its state.
    let listed: [(key: String, value: String)]
    let isRunning: Bool
    fileprivate let stamps: [Stamp]

    var path: String { overview.path }
    /// `running`, or what the run folder says.
    var state: String { isRunning ? "running" : overview.status }
    /// When its metrics were last written, in seconds since 1970.
    var changed: Int { stamps[2].seconds }
  }

  /// Distinguishes a file that was written anew from the one before.
  fileprivate struct Stamp: Equatable {
    var seconds = 0
    private var rest: [Int] = []

    /// - Parameter isFolder: whether it has to be a folder; otherwise a plain file. What is neither is as good as absent.
    init(_ path: String, isFolder: Bool = false) {
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == (isFolder ? S_IFDIR : S_IFREG) else { return }
      seconds = Int(status.st_mtim.tv_sec)
      rest = [Int(status.st_mtim.tv_nsec), Int(truncatingIfNeeded: status.st_ino), Int(status.st_size)]
    }

    var isThere: Bool { !rest.isEmpty }
  }

  let place: Place
  private var entries: [String: Entry] = [:]
  /// What was there when news were last asked for.
  private var told: [String: Entry] = [:]
  /// What is not shown and why, in one line; empty: everything is.
  private(set) var note = ""

  init(_ place: Place) {
    self.place = place
    look()
    told = entries
  }

  /// By name.
  var runs: [Entry] { entries.values.sorted { $0.name < $1.name } }

  subscript(name: String) -> Entry? { entries[name] }

  /// Looks again.
  /// - Returns: the names of the runs that are not as they were the last time that this was asked.
  mutating func news() -> Set<String> {
    look()
    defer { told = entries }
    return Set(entries.keys).union(told.keys).filter { name in
      entries[name]?.stamps != told[name]?.stamps || entries[name]?.isRunning != told[name]?.isRunning
    }
  }

  /// Looks again.
  mutating func look() {
    var found: [String: Entry] = [:]
    var links = 0
    note = ""
    switch place {
    case .run(let path):
      let name = path.split(separator: "/").last.map(String.init) ?? path
      if let entry = entry(name, at: path) { found[name] = entry }
      if found.isEmpty { note = "\(path) is there no more, or is no run" }
    case .folder(let path):
      do {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix(".") {
          let run = path + "/" + name
          guard Stamp(run, isFolder: true).isThere else {
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: run)) != nil { links += 1 }
            continue
          }
          if let entry = entry(name, at: run) { found[name] = entry }
        }
      } catch {
        note = "\(path) is there no more, or cannot be read"
      }
      if links > 0 { note = "links to runs elsewhere are not followed: \(links)" }
    }
    entries = found
  }

  private func entry(_ name: String, at path: String) -> Entry? {
    let files = ["recipe.yaml", "summary.json", "metrics.jsonl", "environment.json", "coordinator.endpoint"]
    var stamps = files.map { Stamp("\(path)/\($0)") } + [Stamp(path + "/figures", isFolder: true)]
    guard stamps[0].isThere else { return nil }
    let lock = Stamp(path + "/.lock")
    let isRunning = lock.isThere && FileLock.isHeld(path + "/.lock")
    stamps.append(lock)
    if let known = entries[name], known.stamps[0...1] == stamps[0...1] {
      return Entry(
        name: name, overview: known.overview, listed: known.listed, isRunning: isRunning, stamps: stamps)
    }
    // A link in the place of the summary is none.
    guard let overview = try? RunOverview(path, withSummary: stamps[1].isThere) else { return nil }
    return Entry(
      name: name, overview: overview, listed: RunCatalog.listed(name, overview), isRunning: isRunning, stamps: stamps)
  }

  private static func listed(_ name: String, _ overview: RunOverview) -> [(key: String, value: String)] {
    let metrics = overview.metrics.filter { !ClassMetric.isOne($0.key) }.sorted { $0.key < $1.key }
    var members: [(key: String, value: String)] = [
      ("name", JSONText.string(name)), ("model", JSONText.string(overview.model)),
      ("group", JSONText.string(String(overview.digestWithoutSeed.prefix(16)))),
      ("metrics", JSONText.object(metrics.map { ($0.key, JSONText.number($0.value)) })),
    ]
    if let summary = overview.summary {
      members += [
        ("steps", "\(summary.steps)"), ("seconds", JSONText.number(summary.seconds)),
        ("sha", JSONText.string(summary.parameters_sha256)),
      ]
    }
    return members
  }
}
