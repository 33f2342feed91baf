import Files

/// A resolved recipe as text: sections of keys and values, in their order.
package struct RecipeText: Sendable, Equatable {
  private var lines: [(key: String, value: String)] = []

  /// Reads what `Recipe.resolved` wrote, a key a line.
  package init(_ text: String) {
    var section = ""
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      if line.hasPrefix("  ") {
        lines.append((section + "." + line[..<colon].dropFirst(2), String(value)))
      } else if value.isEmpty {
        section = String(line[..<colon])
      } else {
        lines.append((String(line[..<colon]), String(value)))
      }
    }
  }

  /// Keys and values in their order.
  package var entries: [(key: String, value: String)] { lines }

  package static func == (a: RecipeText, b: RecipeText) -> Bool { a.text == b.text }

  /// The values by the paths of their keys.
  package var values: [String: String] { Dictionary(lines.map { ($0.key, $0.value) }) { $1 } }

  /// Sets a value; a new key comes last in its section.
  package subscript(key: String) -> String {
    get { values[key] ?? "null" }
    set {
      if let index = lines.firstIndex(where: { $0.key == key }) {
        lines[index].value = newValue
      } else {
        let section = key.prefix { $0 != "." }
        let last = lines.lastIndex { $0.key.prefix { $0 != "." } == section && $0.key.contains(".") }
        lines.insert((key, newValue), at: last.map { $0 + 1 } ?? lines.endIndex)
      }
    }
  }

  package var text: String { text(excluding: []) }

  private func text(excluding keys: [String]) -> String {
    var (text, section) = ("", "")
    for (key, value) in lines where !keys.contains(key) {
      let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        text += "\(key): \(value)\n"
        continue
      }
      if parts[0] != section {
        section = parts[0]
        text += "\(section):\n"
      }
      text += "  \(parts[1]): \(value)\n"
    }
    return text
  }

  /// SHA-256 of the text without some keys.
  package func digest(excluding keys: [String]) -> String {
    var hash = SHA256()
    hash.update(text(excluding: keys).utf8)
    return hash.hexDigest()
  }
}
