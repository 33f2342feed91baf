import Foundation

/// What the sources say there is: so that a primitive without a check is noticed.
public enum SourceScan {
  /// The package's folder `Sources`.
  private static let sources = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources")

  /// The rooms that declare primitives.
  public static func roomsWithPrimitives() throws -> Set<String> {
    let rooms = try FileManager.default.contentsOfDirectory(atPath: sources.path)
    return Set(try rooms.filter { try !primitives(of: $0).isEmpty })
  }

  /// The primitives that a room declares; one with an `enum` of functions once for each of its cases:
  /// `Unary(….exp)`, `Transpose(…)`.
  public static func primitives(of room: String) throws -> [String] {
    let folder = sources.appendingPathComponent(room)
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    let swift = (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
    return try swift.flatMap { primitives(in: try String(contentsOf: $0, encoding: .utf8)) }.sorted()
  }

  /// The primitives that a piece of Swift declares, whether as a struct's first conformance or a later one.
  public static func primitives(in source: String) -> [String] {
    let declaration = /(?:struct|enum|class|extension)\s+(\w+)[^{\n]*:[^{]*\bPrimitive\b[^{]*\{/
    let starts = source.matches(of: declaration)
    return starts.enumerated().flatMap { position, match -> [String] in
      let end = position + 1 < starts.count ? starts[position + 1].range.lowerBound : source.endIndex
      let body = source[match.range.upperBound..<end]
      guard let functions = body.firstMatch(of: /enum Function\b[^{]*\{([^}]*)\}/) else { return ["\(match.1)("] }
      return functions.1.matches(of: /case ([\w, ]+)/).flatMap { cases in
        cases.1.split(separator: ",").map { "\(match.1)(….\($0.trimmingCharacters(in: .whitespaces))" }
      }
    }
  }

  /// Those of `primitives` that none of the descriptions of differentiated primitives is of.
  public static func unchecked(_ primitives: [String], seen descriptions: Set<String>) -> [String] {
    primitives.filter { primitive in
      let parts = primitive.split(separator: "…").map(String.init)
      return !descriptions.contains { description in
        guard description.hasPrefix(parts[0]) else { return false }
        guard parts.count == 2 else { return true }
        return description.contains(parts[1] + ")") || description.contains(parts[1] + ",")
      }
    }
  }
}
