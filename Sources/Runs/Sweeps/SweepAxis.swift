import Foundation
import Recipes

/// A key of a recipe, and the values that are tried for it.
public struct SweepAxis: Sendable, Equatable {
  public enum Values: Sendable, Equatable {
    case list([String])
    /// Evenly over the numbers between two, or over their logarithms.
    case range(lower: Double, upper: Double, isWhole: Bool, isLogarithmic: Bool)
  }

  public let key: String
  public let values: Values

  /// Reads `key.path=value,value`, or a range: `uniform(a,b)`, `log(a,b)`, `int(a,b)`, `logint(a,b)`. Commas in brackets or
  /// quotes belong to a value.
  /// - Parameters:
  ///   - text: the key and its values.
  ///   - option: the option of the command that says it, for messages.
  public init(_ text: String, option: String) throws(RecipeError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let list = parts.count == 2 && !parts[0].isEmpty ? SweepAxis.pieces(of: parts[1]) : []
    guard !list.isEmpty, list.allSatisfy({ !$0.isEmpty }) else {
      throw RecipeError(
        "\(option) \(text): write key.path=value,value, as in \(option) objective.prior_deviation=0.3,1")
    }
    guard Set(list).count == list.count else { throw RecipeError("\(option) \(text): a value is there twice") }
    key = parts[0]
    values = try list.count == 1 ? SweepAxis.range(list[0], "\(option) \(text)") ?? .list(list) : .list(list)
  }

  /// What `init` reads.
  package var text: String {
    switch values {
    case .list(let list): return "\(key)=\(list.joined(separator: ","))"
    case .range(let lower, let upper, let isWhole, let isLogarithmic):
      let name = isWhole ? isLogarithmic ? "logint" : "int" : isLogarithmic ? "log" : "uniform"
      return "\(key)=\(name)(\(isWhole ? "\(Int(lower)),\(Int(upper))" : "\(lower),\(upper)"))"
    }
  }

  /// The pieces between the commas outside of brackets and quotes.
  private static func pieces(of text: String) -> [String] {
    var (pieces, depth, quote) = ([""], 0, Character?.none)
    for character in text {
      switch character {
      case "[", "(", "{": depth += quote == nil ? 1 : 0
      case "]", ")", "}": depth -= quote == nil ? 1 : 0
      case "\"", "'": quote = quote == nil ? character : quote == character ? nil : quote
      case "," where depth <= 0 && quote == nil:
        pieces.append("")
        continue
      default: break
      }
      pieces[pieces.count - 1].append(character)
    }
    return pieces.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func range(_ text: String, _ whole: String) throws(RecipeError) -> Values? {
    let kinds = ["uniform": (false, false), "log": (false, true), "int": (true, false), "logint": (true, true)]
    guard text.hasSuffix(")"), let open = text.firstIndex(of: "("), let kind = kinds[String(text[..<open])] else {
      return nil
    }
    let ends = pieces(of: String(text[text.index(after: open)...].dropLast())).map { Double($0) }
    guard ends.count == 2, let lower = ends[0], let upper = ends[1], lower < upper, (upper - lower).isFinite,
      !kind.1 || lower > 0, !kind.0 || (lower == lower.rounded() && upper == upper.rounded() && abs(upper) < 1e15)
    else {
      let wanted = kind.0 ? "two whole numbers" : "two numbers"
      throw RecipeError("\(whole): write \(text[..<open])(a,b) with \(wanted), \(kind.1 ? "0 < a < b" : "a < b")")
    }
    return .range(lower: lower, upper: upper, isWhole: kind.0, isLogarithmic: kind.1)
  }

  /// The value at a place from 0 to below 1: even places give even numbers, or even logarithms. Numbers have six
  /// significant digits.
  package func value(at place: Double) -> String {
    switch values {
    case .list(let list): return list[min(Int(place * Double(list.count)), list.count - 1)]
    case .range(let lower, let upper, let isWhole, let isLogarithmic):
      // A whole number stands for what lies between it and the next one.
      let end = isWhole ? upper + 1 : upper
      let number =
        isLogarithmic ? exp(log(lower) * (1 - place) + log(end) * place) : lower * (1 - place) + end * place
      guard isWhole else { return "\(Double(String(format: "%.6g", number))!)" }
      return "\(Int(min(max(number.rounded(.down), lower), upper)))"
    }
  }
}
