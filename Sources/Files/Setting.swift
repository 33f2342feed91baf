import Glibc

/// Environment variables that take the place of defaults. An option wins over the variable, the variable over the default;
/// an empty one is as good as none.
public enum Setting: String, CaseIterable, Sendable {
  /// The folder of runs.
  case runs = "ELBO_RUNS"
  /// Folders in which data is looked for, separated by colons.
  case data = "ELBO_DATA"
  /// How many threads compute.
  case lanes = "ELBO_LANES"

  /// What it is for.
  public var meaning: String {
    switch self {
    case .runs: "where runs without --out go, and are looked for by name"
    case .data: "folders in which data is looked for, separated by colons"
    case .lanes: "how many threads compute"
    }
  }

  public var value: String? {
    guard let text = getenv(rawValue).map({ String(cString: $0) }), !text.isEmpty else { return nil }
    return text
  }

  /// The folder of runs.
  public static var runsFolder: String { runs.value.map(withoutSlashes) ?? "runs" }

  /// The run that a path or a name means: what is there, or else what the folder of runs holds of that name.
  public static func run(_ path: String) -> String {
    guard !exists(path), !path.contains("/"), !path.isEmpty else { return path }
    let place = runsFolder + "/" + path
    return exists(place) ? place : path
  }

  /// Where data lies that is not where a relative path says: in the first of the folders that has it.
  public static func dataPath(_ path: String) -> String {
    guard !path.hasPrefix("/"), !path.isEmpty, !exists(path) else { return path }
    return dataFolders.map { $0 + "/" + path }.first(where: exists) ?? path
  }

  public static var dataFolders: [String] { data.value?.split(separator: ":").map { withoutSlashes(String($0)) } ?? [] }

  private static func withoutSlashes(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    return String(path)
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
