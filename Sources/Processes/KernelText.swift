import Recipes

/// Kernels as recipes write them: names with their parameters, joined by `+` and `*`, which binds tighter.
///
///     rbf                                             all parameters one
///     rbf(variance=50, length=20) + rbf(4, 100) * periodic(period=1) + white(0.01)
///
/// Parameters are named or in order: `rbf`, `matern12`, `matern32`, `matern52` variance, length; `rational-quadratic`
/// variance, length, alpha; `periodic` variance, length, period; `linear`, `constant`, `white` variance. `fixed` in
/// front of a name keeps its parameters: `fixed periodic(period=1)`.
struct KernelText {
  private let text: String
  private let columns: Int
  /// Whether each column has a length scale of its own.
  private let scalesEachColumn: Bool

  static func kernel(_ text: String, columns: Int, scalesEachColumn: Bool) throws(RecipeError) -> Kernel {
    let reader = KernelText(text: text, columns: columns, scalesEachColumn: scalesEachColumn)
    var terms: [Kernel] = []
    for term in split(text, at: "+") {
      var factors: [Kernel] = []
      for factor in split(term, at: "*") { factors.append(try reader.factor(factor)) }
      terms.append(factors.count == 1 ? factors[0] : .product(factors))
    }
    return terms.count == 1 ? terms[0] : .sum(terms)
  }

  /// Parts between separators that are not within parentheses, nor the exponent's sign of a number.
  private static func split(_ text: String, at separator: Character) -> [String] {
    var (parts, depth) = ([""], 0)
    for character in text {
      depth += character == "(" ? 1 : character == ")" ? -1 : 0
      if character == separator, depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
  }

  private func wrong(_ what: String) -> RecipeError {
    RecipeError("network.kernel is \(text): \(what), as in rbf(variance=1, length=2) + rbf*periodic(period=1)")
  }

  private func factor(_ source: String) throws(RecipeError) -> Kernel {
    var source = source
    let isFixed = source.hasPrefix("fixed ")
    if isFixed { source.removeFirst("fixed ".count) }
    let parts = source.split(separator: "(", omittingEmptySubsequences: false).map(String.init)
    let name = parts[0].split(separator: " ").joined()
    var values: [String] = []
    if parts.count > 1 {
      guard parts.count == 2, parts[1].hasSuffix(")") else { throw wrong("parentheses do not match") }
      values = parts[1].dropLast().split(separator: ",").map { $0.split(separator: " ").joined() }
    }
    let names: [String] =
      switch name {
      case "rbf", "matern12", "matern32", "matern52": ["variance", "length"]
      case "rational-quadratic": ["variance", "length", "alpha"]
      case "periodic": ["variance", "length", "period"]
      case "linear", "constant", "white": ["variance"]
      default:
        throw wrong(
          "there is no kernel \(name); there are rbf, matern12, matern32, matern52, rational-quadratic, periodic, linear, constant and white"
        )
      }
    var numbers = names.map { _ in 1.0 }
    for (index, value) in values.enumerated() {
      let pair = value.split(separator: "=").map(String.init)
      let place = pair.count == 2 ? names.firstIndex(of: pair[0]) : index < names.count ? index : nil
      guard let place, let number = Double(pair.last ?? ""), number > 0, number.isFinite else {
        throw wrong("\(name) takes \(names.joined(separator: ", ")), numbers above zero")
      }
      numbers[place] = number
    }
    let lengths = numbers.count > 1 ? Array(repeating: numbers[1], count: scalesEachColumn ? columns : 1) : []
    let kernel: Kernel =
      switch name {
      case "rbf": .rbf(variance: numbers[0], lengthScales: lengths)
      case "matern12": .matern12(variance: numbers[0], lengthScales: lengths)
      case "matern32": .matern32(variance: numbers[0], lengthScales: lengths)
      case "matern52": .matern52(variance: numbers[0], lengthScales: lengths)
      case "rational-quadratic":
        .rationalQuadratic(variance: numbers[0], lengthScales: lengths, alpha: numbers[2])
      case "periodic": .periodic(variance: numbers[0], lengthScale: numbers[1], period: numbers[2])
      case "linear": .linear(variance: numbers[0])
      case "constant": .constant(variance: numbers[0])
      default: .white(variance: numbers[0])
      }
    return isFixed ? .fixed(kernel) : kernel
  }
}
