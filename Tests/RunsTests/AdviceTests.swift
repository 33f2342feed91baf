import Datasets
import Foundation
import Runs
import Testing

/// Advice that names a key of a recipe can be followed.
@Suite struct AdviceTests {
  @Test func everyKeyOfDataIsReadUnderItsName() throws {
    let recipe = try Recipe(yaml: "data:\n  source: x\n", source: "a recipe")
    _ = try DataRequest(recipe["data"], seed: 0)
    let lines = recipe.resolved.split(separator: "\n").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
    let names = lines.map { String($0.prefix { $0 != ":" }) }
    #expect(Set(names) == Set(DataKey.allCases.map(\.rawValue)))
  }

  /// A table and settings that are refused with advice.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let table: String
    let settings: [String]

    init(_ name: String, _ table: String, _ settings: String...) {
      (testDescription, self.table, self.settings) = (name, table, settings)
    }
  }

  private static let mistakes = [
    Mistake("a column of text", "a,b\n1,x\n2,y\n"),
    Mistake("several columns of text", "a,b,c\n1,x,u\n2,y,v\n"),
    Mistake("a target of text", "a,b\n1,x\n2,y\n", "target=b", "target_kind=values"),
    Mistake("classes that are no whole numbers", "a,b\n1,0.5\n2,1.5\n", "target=b", "target_kind=classes"),
    Mistake("a missing number", "a,b\n1,\n2,3\n"),
    Mistake("several missing numbers", "a,b,c\n1,,\n2,3,4\n5,6,7\n"),
    Mistake("no such column", "a,b\n1,2\n", "one_hot=c"),
    Mistake("a column that is no input", "a,b\n1,2\n", "one_hot=a", "drop=a"),
    Mistake("a dropped target", "a,b\n1,2\n", "target=a", "drop=a"),
    Mistake("a target that is an input", "a,b\n1,2\n", "target=a", "columns=a"),
    Mistake("a column named twice", "a,b\n1,2\n", "columns=[a,a]"),
    Mistake("no inputs", "a\n1\n", "drop=a"),
    Mistake("two columns of a name", "a,a\n1,2\n", "drop=a"),
    Mistake("two inputs of a name", "a,a\n1,2\n"),
    Mistake("decimal commas", "a;b\n1,5;2\n2,5;3\n"),
    Mistake("digits in groups", "a;b\n1,234.5;2\n2;3\n"),
    Mistake("commas that may be both", "a;b\n1,234;2\n2;3\n"),
    Mistake("dates", "day,b\n2024-02-28,1\n2024-02-29,2\n"),
    Mistake("a gap in a one-hot column", "a,b\nx,1\n,2\nx,3\n", "one_hot=a"),
    Mistake("a gap in a column and in a one-hot column", "a,b\nx,1\n,2\nx,\n", "one_hot=a"),
    Mistake("many columns of text", "a,b,c,d,e,f\n1,x,y,x,y,x\n2,y,x,x,y,y\n"),
    Mistake("no example to test with", "a\n1\n2\n", "test_fraction=0.01"),
    Mistake("no rows", "a,b\n"),
  ]

  @Test("Every key in it is one", arguments: mistakes)
  func keys(_ mistake: Mistake) throws {
    let problem = try #require(try Self.problem(mistake))
    for advice in Self.advice(in: problem) {
      #expect(DataKey.allCases.map(\.description).contains(advice.key), "\(problem)")
    }
  }

  @Test("What it sets mends the mistake", arguments: mistakes)
  func values(_ mistake: Mistake) throws {
    let problem = try #require(try Self.problem(mistake))
    for case let (key, value?) in Self.advice(in: problem) {
      let after = try Self.problem(mistake, "\(key)=\(value)")
      #expect(after == nil, "\(problem): \(key)=\(value): \(after ?? "")")
    }
  }

  /// What is wrong with a table under some settings, nil: nothing.
  private static func problem(_ mistake: Mistake, _ more: String...) throws -> String? {
    let files = Files()
    try files.write("table.csv", mistake.table)
    let recipe = try Recipe(yaml: "", source: "a recipe")
    recipe.set("data.source", text: files["table.csv"])
    do {
      for setting in mistake.settings { try recipe.set("data." + setting) }
      for setting in more { try recipe.set(setting) }
      let request = try DataRequest(recipe["data"], seed: 0)
      try recipe.finish()
      _ = try DataSource.open(request)
      return nil
    } catch {
      return "\(error)".replacing(files["table.csv"], with: "the table")
    }
  }

  /// The keys that a text names, with the values that it gives them.
  private static func advice(in text: String) -> [(key: String, value: String?)] {
    text.matches(of: /(data\.[A-Za-z_]+)(?:=(\[[^\]]*\]|[\w.]+))?/).map { (String($0.1), $0.2.map(String.init)) }
  }

  /// Keys of the data section that models read, beside those of every recipe.
  private static let ofModels = [
    "data.normalisation", "data.binarisation", "data.crop", "data.mirror", "data.factor", "data.windows",
    "data.normalise_target",
  ]

  @Test func everyKeyInASourceIsOne() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources")
    let known = Set(DataKey.allCases.map(\.description) + Self.ofModels)
    var found = 0
    let paths = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    for case let url as URL in paths where url.pathExtension == "swift" {
      let text = try String(contentsOf: url, encoding: .utf8)
      for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        for literal in line.matches(of: /"(?:\\.|[^"\\])*"/) where literal.0 != "\"data.txt\"" {
          // What is computed in a literal is Swift, not advice; a literal within that ends this one too soon.
          let words = literal.0.replacing(/\\\((?:[^()]|\([^()]*\))*\)/, with: "").replacing(/\\\(.*/, with: "")
          for match in words.matches(of: /\bdata\.[A-Za-z_]+/) {
            found += 1
            #expect(known.contains(String(match.0)), "\(url.lastPathComponent): \(literal.0)")
          }
        }
      }
    }
    #expect(found > 5)
  }
}
