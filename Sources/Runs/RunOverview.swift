import Files
import Foundation
import Metrics
import Recipes
import Training

/// A run as its folder records it, without its model: to list runs and to compare them.
///
/// ```swift
/// for run in try RunOverview.all(in: "runs") { print(run.name, run.metrics["test/elbo"] ?? .nan) }
/// ```
public struct RunOverview: Sendable {
  /// The run folder.
  public let path: String
  /// Nil: the training has not come to an end, or what it wrote cannot be read.
  public let summary: Summary?
  package let recipe: RecipeText

  /// The folder's name.
  public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  public var model: String { summary?.model ?? unquoted(recipe["model"]) }
  /// `finished`, `interrupted`, `failed`, or `unfinished` where there is no summary.
  public var status: String { summary?.status.rawValue ?? "unfinished" }
  /// Metrics of the end by name, such as `test/elbo`.
  public var metrics: [String: Double] { summary?.metrics ?? [:] }

  /// Reads a run folder's recipe and summary.
  /// - Throws: `TrainingError` when it is no run; `FileError` when its recipe cannot be read.
  public init(_ path: String) throws { try self.init(path, withSummary: true) }

  /// - Parameter withSummary: whether the summary is read too.
  package init(_ path: String, withSummary: Bool) throws {
    let folder = try RunFolder(opening: path)
    self.path = folder.path
    summary = withSummary ? Summary(of: folder) : nil
    recipe = RecipeText(String(decoding: try InputFile.read(folder.recipe, limit: 1 << 20), as: UTF8.self))
  }

  /// The runs in a folder, by name. What is no run is left out.
  /// - Throws: `FileError` when the folder cannot be read.
  public static func all(in folder: String) throws -> [RunOverview] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw RecipeError("\(folder): there is no such folder of runs; name one")
    }
    return names.filter { !$0.hasPrefix(".") }.sorted().compactMap { try? RunOverview(folder + "/" + $0) }
  }

  /// SHA-256 of all of the recipe but its seed: runs that differ by their seeds alone have the same.
  package var digestWithoutSeed: String { recipe.digest(excluding: ["train.seed"]) }
}

/// A value of a recipe without the quotes of a text.
func unquoted(_ text: String) -> String {
  text.hasPrefix("\"") && text.hasSuffix("\"") && text.count > 1 ? String(text.dropFirst().dropLast()) : text
}

/// Runs side by side: what of their recipes differs, what they came to, and which have the same bits.
public struct RunComparison: Sendable {
  public let runs: [RunOverview]

  /// Runs that differ by their seeds alone.
  public struct Group: Sendable {
    /// Their places among the runs.
    public let members: [Int]
    /// Mean and standard error over the members of each metric that all have.
    public let metrics: [String: (mean: Double, error: Double)]
  }

  public init(_ runs: [RunOverview]) { self.runs = runs }

  /// Keys of recipes whose values are not the same in all runs, in alphabetical order, with each run's value; nil where a
  /// recipe lacks the key.
  public var differences: [(key: String, values: [String?])] {
    let values = runs.map(\.recipe.values)
    return Set(values.flatMap(\.keys)).sorted().compactMap { key in
      let found = values.map { $0[key] }
      return Set(found).count > 1 ? (key, found.map { $0.map(unquoted) }) : nil
    }
  }

  /// Names of the metrics that some run has, those on held-out examples first, those of one class last.
  public var metricNames: [String] {
    let order = ["test/", "validation/", "train/"]
    func rank(_ name: String) -> Int {
      (order.firstIndex { name.hasPrefix($0) } ?? order.count) + (ClassMetric.isOne(name) ? order.count + 1 : 0)
    }
    return Set(runs.flatMap { $0.metrics.keys }).sorted { (rank($0), $0) < (rank($1), $1) }
  }

  /// For each run the first one that has the same parameters, bit for bit; nil for a run without a summary.
  public var firstWithSameBits: [Int?] {
    let hashes = runs.map { $0.summary?.parameters_sha256 }
    return hashes.map { hash in hash.flatMap { hash in hashes.firstIndex { $0 == hash } } }
  }

  /// Groups of two runs or more. A run with the bits of an earlier one, such as the same on other nodes, is no seed more.
  public var groups: [Group] {
    var seen: Set<String> = []
    let finished = runs.indices.filter { place in
      runs[place].summary.map { seen.insert($0.parameters_sha256).inserted } ?? false
    }
    return Dictionary(grouping: finished) { runs[$0].digestWithoutSeed }.values.filter { $0.count > 1 }
      .sorted { $0[0] < $1[0] }.map { members in
        let all = members.map { runs[$0].metrics }
        let names = all.dropFirst().reduce(Set(all[0].keys)) { $0.intersection($1.keys) }
        let metrics = names.map { name in
          let values = all.map { $0[name]! }
          return (name, (mean: values.reduce(0, +) / Double(values.count), error: standardError(values)))
        }
        return Group(members: members, metrics: Dictionary(uniqueKeysWithValues: metrics))
      }
  }
}
