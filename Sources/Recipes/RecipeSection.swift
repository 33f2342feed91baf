import Yams

/// Reads the values of one section of a recipe.
///
/// Every reader takes a default and checks the value; `RecipeError` names the key, what it holds and what it may hold.
public struct RecipeSection {
  let recipe: Recipe
  public let name: String

  private func key(_ key: String) -> Recipe.Key { Recipe.Key(section: name, name: key) }

  private func wrong(_ key: Recipe.Key, _ value: String, _ wanted: String) -> RecipeError {
    RecipeError("\(key) is \(value.isEmpty ? "empty" : shortened(value)): it must be \(wanted)")
  }

  private func scalar(_ key: Recipe.Key, _ wanted: String) throws(RecipeError) -> String? {
    guard let node = recipe.node(key) else { return nil }
    guard let text = node.scalar?.string else { throw wrong(key, "a list", wanted) }
    return text
  }

  /// Lets keys pass that mean nothing in the form that was chosen, so that one key can choose another form. They are
  /// no part of the resolved recipe unless they are read as well.
  public func passOver(_ names: [String]) {
    for name in names { recipe.passOver(key(name)) }
  }

  /// A whole number within bounds.
  public func integer(_ name: String, default value: Int, in bounds: ClosedRange<Int>) throws(RecipeError) -> Int {
    try optionalInteger(name, default: value, in: bounds)!
  }

  /// A whole number within bounds, or nothing when the recipe says `null` or does not speak of it.
  public func optionalInteger(
    _ name: String, default value: Int? = nil, in bounds: ClosedRange<Int>
  ) throws(RecipeError) -> Int? {
    let key = key(name)
    let wanted = "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
    var result = value
    if let text = try scalar(key, wanted) {
      guard let number = Int(text), bounds.contains(number) else { throw wrong(key, text, wanted) }
      result = number
    }
    recipe.note(key, result.map(String.init) ?? "null", default: value.map(String.init) ?? "null", wanted)
    return result
  }

  /// A finite number within bounds.
  public func number(
    _ name: String, default value: Double, in bounds: ClosedRange<Double>
  ) throws(RecipeError) -> Double {
    let key = key(name)
    let wanted = "a number from \(bounds.lowerBound) to \(bounds.upperBound)"
    var result = value
    if let text = try scalar(key, wanted) {
      guard let number = Double(text), number.isFinite, bounds.contains(number) else { throw wrong(key, text, wanted) }
      result = number
    }
    recipe.note(key, "\(result)", default: "\(value)", wanted)
    return result
  }

  /// A finite number within bounds, or nothing when the recipe says `null` or does not speak of it.
  public func optionalNumber(_ name: String, in bounds: ClosedRange<Double>) throws(RecipeError) -> Double? {
    let key = key(name)
    let wanted = "null or a number from \(bounds.lowerBound) to \(bounds.upperBound)"
    var result: Double?
    if let text = try scalar(key, wanted) {
      guard let number = Double(text), number.isFinite, bounds.contains(number) else { throw wrong(key, text, wanted) }
      result = number
    }
    recipe.note(key, result.map { "\($0)" } ?? "null", default: "null", wanted)
    return result
  }

  /// `true` or `false`.
  public func flag(_ name: String, default value: Bool) throws(RecipeError) -> Bool {
    let key = key(name)
    let wanted = "true or false"
    var result = value
    if let text = try scalar(key, wanted) {
      // YAML 1.2's spellings: true, True, TRUE.
      guard let flag = Bool(text.lowercased()) else { throw wrong(key, text, wanted) }
      result = flag
    }
    recipe.note(key, "\(result)", default: "\(value)", wanted, choices: ["false", "true"])
    return result
  }

  /// Any text, or nothing.
  public func text(_ name: String, default value: String? = nil) throws(RecipeError) -> String? {
    let key = key(name)
    let wanted = "a text"
    let result = try scalar(key, wanted) ?? value
    recipe.note(key, result.map(quoted) ?? "null", default: value ?? "null", wanted)
    return result
  }

  /// One of the names of an enumeration.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, default value: Choice
  ) throws(RecipeError) -> Choice where Choice.RawValue == String {
    let key = key(name)
    let names = Choice.allCases.map(\.rawValue)
    let wanted = "one of " + names.joined(separator: ", ")
    var result = value
    if let text = try scalar(key, wanted) {
      guard let choice = Choice(rawValue: text) else {
        throw wrong(key, text, wanted + (nearest(to: text, among: names).map { " (the nearest is \($0))" } ?? ""))
      }
      result = choice
    }
    recipe.note(key, result.rawValue, default: value.rawValue, wanted, choices: names)
    return result
  }

  /// One of some names.
  public func choice(
    _ name: String, default value: String, among names: [String]
  ) throws(RecipeError) -> String {
    let key = key(name)
    let wanted = "one of " + names.joined(separator: ", ")
    let text = try scalar(key, wanted)
    if let text, !names.contains(text) {
      throw wrong(key, text, wanted + (nearest(to: text, among: names).map { " (the nearest is \($0))" } ?? ""))
    }
    recipe.note(key, text ?? value, default: value, wanted, choices: names)
    return text ?? value
  }

  /// Some of the names of an enumeration; a single name is a list of one.
  public func choices<Choice: RawRepresentable & CaseIterable>(
    _ name: String
  ) throws(RecipeError) -> [Choice] where Choice.RawValue == String {
    let key = key(name)
    let names = Choice.allCases.map(\.rawValue)
    let wanted = "a list of names among " + names.joined(separator: ", ")
    var result: [Choice] = []
    for text in try list(key, wanted) ?? [] {
      guard let choice = Choice(rawValue: text) else {
        throw wrong(
          key, "[\(text)]", wanted + (nearest(to: text, among: names).map { " (the nearest is \($0))" } ?? ""))
      }
      result.append(choice)
    }
    recipe.note(key, "[" + result.map(\.rawValue).joined(separator: ", ") + "]", default: "[]", wanted)
    return result
  }

  /// A list of whole numbers within bounds, such as the sizes of hidden layers; a single number is a list of one.
  public func integers(
    _ name: String, default value: [Int], in bounds: ClosedRange<Int>, count: ClosedRange<Int> = 0...64
  ) throws(RecipeError) -> [Int] {
    let key = key(name)
    let wanted =
      "\(count.lowerBound) to \(count.upperBound) whole numbers from \(bounds.lowerBound) to \(bounds.upperBound)"
    var result = value
    if let texts = try list(key, wanted) {
      let numbers = texts.compactMap { Int($0) }.filter(bounds.contains)
      guard numbers.count == texts.count, count.contains(numbers.count) else {
        throw wrong(key, "[" + texts.joined(separator: ", ") + "]", wanted)
      }
      result = numbers
    }
    func text(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ", ") + "]" }
    recipe.note(key, text(result), default: text(value), wanted)
    return result
  }

  /// A list of texts, such as names of columns; a single text is a list of one.
  public func texts(_ name: String, default value: [String] = []) throws(RecipeError) -> [String] {
    let key = key(name)
    let wanted = "a list of texts"
    let result = try list(key, wanted) ?? value
    recipe.note(
      key, "[" + result.map(quoted).joined(separator: ", ") + "]",
      default: "[" + value.joined(separator: ", ") + "]", wanted)
    return result
  }

  /// A text or several; none when the recipe says `null` or does not speak of it.
  public func textOrTexts(_ name: String) throws(RecipeError) -> [String] {
    let key = key(name)
    let wanted = "a text or a list of texts"
    let result = try list(key, wanted) ?? []
    let all = result.map(quoted).joined(separator: ", ")
    recipe.note(key, result.isEmpty ? "null" : result.count == 1 ? all : "[\(all)]", default: "null", wanted)
    return result
  }

  /// A list of entries of a few words each, such as layers; a single entry is a list of one.
  public func words(_ name: String, default value: [String] = []) throws(RecipeError) -> [String] {
    let key = key(name)
    let wanted = "a list of entries"
    let result = try list(key, wanted) ?? value
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .=_-")
    let entries = result.map { $0.allSatisfy(plain.contains) && !$0.isEmpty ? $0 : quoted($0) }
    recipe.note(
      key, "[" + entries.joined(separator: ", ") + "]", default: "[" + value.joined(separator: ", ") + "]", wanted)
    return result
  }

  private func list(_ key: Recipe.Key, _ wanted: String) throws(RecipeError) -> [String]? {
    guard let node = recipe.node(key) else { return nil }
    if let text = node.scalar?.string { return [text] }
    guard let sequence = node.sequence else { throw wrong(key, "a mapping", wanted) }
    let texts = sequence.compactMap { $0.scalar?.string }
    guard texts.count == sequence.count else { throw wrong(key, "a list of lists", wanted) }
    return texts
  }
}

/// A text as a YAML double-quoted scalar.
private func quoted(_ text: String) -> String {
  var result = "\""
  for character in text.unicodeScalars {
    switch character {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    default: result.unicodeScalars.append(character)
    }
  }
  return result + "\""
}
