import Files
import Foundation
import Recipes
import Reports

/// The kinds of files that predictions are written to.
package enum PredictionFormat: String, CaseIterable {
  /// Named arrays, as numpy reads them.
  case npz
  /// One array, as numpy reads it.
  case npy
  /// A table with a header, a row an example.
  case csv
  /// A JSON object a line, a line an example.
  case jsonl

  /// The kind that a path's extension names.
  /// - Throws: `RecipeError` that lists the extensions.
  package init(path: String) throws(RecipeError) {
    let name = path.split(separator: "/").last ?? ""
    let kind = name.contains(".") ? name.split(separator: ".").last?.lowercased() ?? "" : ""
    guard let format = PredictionFormat(rawValue: kind) else {
      let kinds = PredictionFormat.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
      throw RecipeError("predictions are not written as `\(name)`: name a file that ends with one of \(kinds)")
    }
    self = format
  }
}

extension Predictions {
  /// A row an example. `row` is its row in the data, from 0; `identifier` is what the data calls it; `class` is the most
  /// probable one. Every number of a column has a column of its own: `mean[setosa]`, `q0.025`, and
  /// of forecasts of several columns `mean[height]`.
  func writeCSV(to path: String) throws {
    let cells = cells()
    try writeLines(to: path, header: (["row"] + cells.map(\.name)).map(CSV.field).joined(separator: ",") + "\n") {
      row in
      ([String(rows?[row] ?? row)] + cells.map { $0.text(row, quoting: CSV.field, notANumber: "") }).joined(
        separator: ",")
    }
  }

  /// The same as an object an example; a number that is not finite is null.
  func writeJSONLines(to path: String) throws {
    let cells = cells()
    try writeLines(to: path, header: "") { row in
      JSONText.object(
        [("row", "\(rows?[row] ?? row)")]
          + cells.map { ($0.name, $0.text(row, quoting: JSONText.string, notANumber: "null")) })
    }
  }

  private func writeLines(to path: String, header: String, _ line: (Int) -> String) throws {
    try AtomicFile.write(path) { (file) throws(FileError) in
      var text = header
      for row in 0..<examples {
        text += line(row) + "\n"
        guard text.utf8.count > 1 << 20 || row == examples - 1 else { continue }
        try file.append(Array(text.utf8))
        text = ""
      }
    }
  }

  /// What a text has of each example, by name.
  private struct Cell {
    enum Content {
      case words([String])
      /// The numbers of all examples; an example has `stride` numbers, and this is the one at `offset`.
      case numbers([Double], offset: Int, stride: Int, areWhole: Bool)
    }
    let name: String
    let content: Content

    func text(_ row: Int, quoting quote: (String) -> String, notANumber: String) -> String {
      switch content {
      case .words(let words): return quote(words[row])
      case .numbers(let values, let offset, let stride, let areWhole):
        let value = values[row * stride + offset]
        guard value.isFinite else { return notANumber }
        return areWhole ? "\(Int(value))" : "\(value)"
      }
    }
  }

  /// The name of each example's most probable class, or its number; empty where there is no prediction. Nil: these are no
  /// probabilities of classes.
  package var likeliestClasses: [String]? {
    guard isClassification, let mean = self["mean"] else { return nil }
    let width = mean.shape[1]
    return (0..<examples).map { row in
      let row = mean.values[row * width..<(row + 1) * width]
      return row.first?.isNaN ?? true
        ? "" : name(of: row.indices.max { row[$0] < row[$1] }! - row.startIndex, width, classNames)
    }
  }

  private func cells() -> [Cell] {
    var result: [Cell] = []
    if let identifiers { result.append(Cell(name: "identifier", content: .words(identifiers))) }
    if let likeliestClasses { result.append(Cell(name: "class", content: .words(likeliestClasses))) }
    // Models in closed form have a column of the class's number.
    let words = result.map(\.name)
    for column in columns where !words.contains(column.name) {
      let stride = column.shape.dropFirst().reduce(1, *)
      let levels = column.name.hasPrefix("quantiles") ? quantileLevels : []
      for offset in 0..<stride {
        result.append(
          Cell(
            name: label(column, offset, stride, levels),
            content: .numbers(column.values, offset: offset, stride: stride, areWhole: column.kind == .whole)))
      }
    }
    return result
  }

  private func label(_ column: Column, _ offset: Int, _ stride: Int, _ levels: [Double]) -> String {
    let inner = levels.isEmpty ? 1 : levels.count
    var label = column.name
    if !levels.isEmpty { label = "q\(levels[offset % inner])" + column.name.dropFirst("quantiles".count) }
    let names = column.kind == .ofColumns ? inputNames : isClassification ? classNames : targetNames
    return stride == inner ? label : "\(label)[\(name(of: offset / inner, stride / inner, names))]"
  }

  /// The name of one of several classes, targets or columns, or its number.
  private func name(of index: Int, _ count: Int, _ names: [String]) -> String {
    names.count == count ? names[index] : "\(index)"
  }
}

enum CSV {
  /// A field as RFC 4180 has it.
  static func field(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) || text.contains("\r\n") else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
