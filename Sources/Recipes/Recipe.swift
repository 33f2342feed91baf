@_exported import func Files.nearest
import Files
import Yams

/// The file that says what to train, on what, how: YAML sections of keys, and nothing unknown.
///
/// Code that needs a value reads it with its type, its default and its bounds; that reading is what makes a key known.
/// So there is no second list of keys to keep: `finish()` refuses keys that were not read, and names the nearest known
/// key; `resolved` is the recipe with every default.
public final class Recipe {
  private var values: [Key: Node] = [:]
  private var known: [Key] = []
  private var passedOver: Set<Key> = []
  private var used: [Key: RecipeReading] = [:]
  /// What was given a value over what the file says.
  private var overridden: Set<Key> = []
  /// For a section: the one that says what it leaves out.
  private var heirs: [String: String] = [:]
  /// Where the recipe came from, for messages.
  public let source: String
  /// What the user should know of how the recipe was taken, one line each.
  public private(set) var remarks: [String] = []

  struct Key: Hashable, CustomStringConvertible {
    let section: String
    let name: String
    var description: String { section.isEmpty ? name : "\(section).\(name)" }
  }

  /// Reads a recipe's text.
  /// - Throws: `RecipeError` when it is not YAML, or not sections of keys.
  public init(yaml: String, source: String) throws(RecipeError) {
    self.source = source
    let root: Node?
    do {
      // Some editors write a byte order mark.
      root = try Yams.compose(yaml: yaml.hasPrefix("\u{FEFF}") ? String(yaml.unicodeScalars.dropFirst()) : yaml)
    } catch {
      let lines = String(describing: error).split(separator: "\n").map { shortened(String($0)) }
      throw RecipeError("\(source) is not YAML: \(lines.joined(separator: " "))")
    }
    guard let root else { return }
    guard let mapping = root.mapping else { throw RecipeError("\(source) is not a list of `key: value` lines") }
    for (key, value) in mapping {
      guard let name = key.string else { throw RecipeError("\(source): a key is not a word") }
      if let section = value.mapping {
        for (inner, innerValue) in section {
          guard let innerName = inner.string else { throw RecipeError("\(source): a key of \(name) is not a word") }
          try insert(innerValue, Key(section: name, name: innerName))
        }
      } else {
        try insert(value, Key(section: "", name: name))
      }
    }
  }

  private func insert(_ value: Node, _ key: Key) throws(RecipeError) {
    guard value.mapping == nil else {
      throw RecipeError("\(source): \(key) holds keys of its own; sections are one deep")
    }
    guard values[key] == nil else { throw RecipeError("\(source): \(key) is given twice") }
    values[key] = value
  }

  /// Overrides a value, as in `--set train.batch=200`.
  public func set(_ assignment: String) throws(RecipeError) {
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw RecipeError("--set \(assignment): write key.path=value, as in --set train.batch=200")
    }
    try set(String(assignment[..<equals]), to: String(assignment[assignment.index(after: equals)...]))
  }

  /// Overrides a value by its path.
  public func set(_ path: String, to text: String) throws(RecipeError) {
    let key = Recipe.key(path)
    do {
      values[key] = try Yams.compose(yaml: text) ?? Node("", Tag(.null))
    } catch {
      // A star or a per cent sign, which mean something else to YAML, are words here.
      guard let first = text.first, !"[{\"'".contains(first) else {
        throw RecipeError("--set \(path)=\(shortened(text)): the value is not YAML")
      }
      values[key] = Node(text, Tag(.str), .singleQuoted)
    }
    guard values[key]?.mapping == nil else { throw RecipeError("--set \(path)=\(text): a value is no mapping") }
    if isNull(values[key]) { overridden.remove(key) } else { overridden.insert(key) }
  }

  /// Overrides a value by its path with a text that means itself, whatever YAML would make of it.
  public func set(_ path: String, text: String) {
    let key = Recipe.key(path)
    values[key] = Node(text, Tag(.str), .singleQuoted)
    overridden.insert(key)
  }

  private static func key(_ path: String) -> Key {
    let parts = path.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return parts.count == 2 ? Key(section: parts[0], name: parts[1]) : Key(section: "", name: parts[0])
  }

  /// Has one of two keys that exclude each other give way where only the other one was set over what the file says.
  public func exclude(_ path: String, _ other: String) {
    let (key, other) = (Recipe.key(path), Recipe.key(other))
    guard overridden.contains(key) != overridden.contains(other) else { return }
    values[overridden.contains(key) ? other : key] = nil
  }

  /// Has a section take from another what it does not say itself: one player's optimiser from the other's.
  public func inherit(_ section: String, from other: String) { heirs[section] = other }

  public subscript(section: String) -> RecipeSection { RecipeSection(recipe: self, name: section) }

  func node(_ key: Key) -> Node? {
    if !known.contains(key) { known.append(key) }
    let inherited = heirs[key.section].flatMap { values[Key(section: $0, name: key.name)] }
    guard let node = values[key] ?? inherited else { return nil }
    return isNull(node) ? nil : node
  }

  private func isNull(_ node: Node?) -> Bool {
    node?.tag.description == Tag.Name.null.rawValue || node?.string == "null" || node?.string == "~"
  }

  func note(_ key: Key, _ value: String, default usual: String, _ allowed: String, choices: [String] = []) {
    used[key] = RecipeReading(key: "\(key)", value: value, usual: usual, allowed: allowed, choices: choices)
  }

  /// What was read, in the order of the resolved recipe.
  public var readings: [RecipeReading] { sections.flatMap { section in keys(of: section).compactMap { used[$0] } } }

  /// Adds a one-line remark for the user: a key was not taken literally.
  public func remark(_ text: String) { remarks.append(text) }

  func passOver(_ key: Key) { passedOver.insert(key) }

  /// Refuses keys that were not read.
  public func finish() throws(RecipeError) {
    let unknown = values.keys.filter { !known.contains($0) && !passedOver.contains($0) }.min {
      $0.description < $1.description
    }
    guard let unknown else { return }
    let section = known.filter { $0.section == unknown.section && !unknown.section.isEmpty }.map(\.name)
    let own = section.isEmpty ? "" : "; \(unknown.section) has \(section.joined(separator: ", "))"
    throw RecipeError(
      "\(source) has no key \(unknown)" + (nearest(to: unknown).map { "; the nearest is \($0)" } ?? own))
  }

  /// The known key whose name is nearest: of the same section, or, where that has none, of another one, if few letters differ.
  private func nearest(to unknown: Key) -> Key? {
    let own = known.filter { $0.section == unknown.section }
    if let name = Files.nearest(to: unknown.name, among: own.map(\.name)) { return own.first { $0.name == name } }
    guard let name = Files.nearest(to: unknown.name, among: known.map(\.name)) else { return nil }
    let isClose =
      own.isEmpty || unknown.section.isEmpty || distance(name, unknown.name) <= max(1, unknown.name.count / 3)
    guard isClose else { return nil }
    return known.filter { $0.name == name }.min {
      distance($0.section, unknown.section) < distance($1.section, unknown.section)
    }
  }

  /// The recipe as YAML, with every default; reading it again gives the same values.
  public var resolved: String {
    var lines: [String] = []
    for section in sections {
      let indent = section.isEmpty ? "" : "  "
      if !section.isEmpty { lines.append("\(section):") }
      for key in keys(of: section) { lines.append("\(indent)\(key.name): \(used[key]?.value ?? "null")") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var sections: [String] {
    known.reduce(into: []) { sections, key in if !sections.contains(key.section) { sections.append(key.section) } }
  }

  private func keys(of section: String) -> [Key] { known.filter { $0.section == section } }
}

/// A key of a recipe as it was read: the reading with its type, default and bounds is all that says what a key may hold.
public struct RecipeReading: Sendable, Equatable {
  /// With its section, such as `train.batch`.
  public let key: String
  /// What was read, as YAML.
  public let value: String
  /// What is read where the recipe says nothing.
  public let usual: String
  /// What it may hold, in words.
  public let allowed: String
  /// All that it may hold, where these are names.
  public let choices: [String]
}

/// The start of a text, short enough to be shown in a message.
func shortened(_ text: String) -> String { text.count <= 80 ? text : text.prefix(79) + "…" }

/// What is wrong with a recipe, in one line.
public struct RecipeError: Error, CustomStringConvertible, Equatable {
  public let description: String
  public init(_ description: String) { self.description = description }
}
