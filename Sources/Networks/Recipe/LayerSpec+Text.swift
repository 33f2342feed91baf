import Recipes
import Tensors

extension LayerSpec: CustomStringConvertible {
  /// What a recipe may write, a line a layer.
  public static let grammar = """
    UNITS                               a dense layer and network.activation
    dense UNITS
    conv FILTERS SIZE [STRIDE]          padding=0 dilation=1 bias=true
    deconv FILTERS SIZE [STRIDE]        padding=0 output_padding=0 bias=true
    pool max|average SIZE [STRIDE]      padding=0 round=down
    unpool
    upsample FACTOR [nearest|bilinear]
    norm batch|layer|instance|pixel
    dropout RATE
    \(NonlinearityName.allCases.map(\.rawValue).joined(separator: ", "))
    """

  private static let words =
    ["dense", "conv", "deconv", "pool", "unpool", "upsample", "norm", "dropout"]
    + NonlinearityName.allCases.map(\.rawValue)

  /// Reads an entry, such as `conv 32 4 2 padding=1`.
  /// - Throws: `RecipeError` that says what is wrong with the entry and how such a layer is written.
  public init(_ text: String) throws(RecipeError) {
    let parts = text.split(separator: " ").map(String.init)
    var options: [String: String] = [:]
    var words: [String] = []
    for part in parts {
      guard let equals = part.firstIndex(of: "=") else {
        words.append(part)
        continue
      }
      options[String(part[..<equals])] = String(part[part.index(after: equals)...])
    }
    guard let word = words.first else { throw RecipeError("a layer is empty") }
    if let units = Int(word), words.count == 1, options.isEmpty {
      guard (1...1_000_000).contains(units) else {
        throw RecipeError("\(units) units: a layer has from 1 to 1000000")
      }
      self = .units(units)
      return
    }
    var reader = EntryReader(text: text, word: word, arguments: Array(words.dropFirst()), options: options)
    switch word {
    case "dense": self = .dense(try reader.integer("UNITS", in: 1...1_000_000))
    case "conv": self = .convolution(filters: try reader.integer("FILTERS", in: 1...65_536), try reader.window())
    case "deconv":
      self = .transposedConvolution(filters: try reader.integer("FILTERS", in: 1...65_536), try reader.window())
    case "pool":
      let kind: Pooling.Kind = try reader.name(["max": .maximum, "average": .average])
      self = .pooling(kind, try reader.poolingWindow(kind))
    case "unpool": self = .unpooling
    case "upsample":
      let factor = try reader.integer("FACTOR", in: 2...64)
      self = .upsampling(factor, try reader.name(["nearest": .nearest, "bilinear": .bilinear], default: .nearest))
    case "norm":
      self = .normalization(
        try reader.name(Dictionary(uniqueKeysWithValues: NormalizationKind.allCases.map { ($0.rawValue, $0) })))
    case "dropout": self = .dropout(try reader.rate())
    default:
      guard let name = NonlinearityName(rawValue: word) else {
        let hint = nearest(to: word, among: LayerSpec.words).map { "; the nearest is \($0)" } ?? ""
        throw RecipeError("there is no layer `\(word)`\(hint)")
      }
      self = .activation(name)
    }
    try reader.finish()
  }

  public var description: String {
    func text(_ window: Window) -> String {
      "\(window.size)" + (window.stride == 1 ? "" : " \(window.stride)")
        + (window.padding == 0 ? "" : " padding=\(window.padding)")
        + (window.dilation == 1 ? "" : " dilation=\(window.dilation)") + (window.hasBias ? "" : " bias=false")
        + (window.roundsUp ? " round=up" : "")
    }
    switch self {
    case .units(let units): return "\(units)"
    case .dense(let units): return "dense \(units)"
    case .convolution(let filters, let window): return "conv \(filters) \(text(window))"
    case .transposedConvolution(let filters, let window): return "deconv \(filters) \(text(window))"
    case .pooling(let kind, let window): return "pool \(kind == .maximum ? "max" : "average") \(text(window))"
    case .unpooling: return "unpool"
    case .upsampling(let factor, let kind): return "upsample \(factor) \(kind.rawValue)"
    case .normalization(let kind): return "norm \(kind.rawValue)"
    case .activation(let name): return name.rawValue
    case .activationOfNetwork: return "activation"
    case .dropout(let rate): return "dropout \(rate)"
    }
  }
}

/// Reads what follows the first word of an entry.
private struct EntryReader {
  let text: String
  let word: String
  var arguments: [String]
  var options: [String: String]

  private var usage: String {
    LayerSpec.grammar.split(separator: "\n").first { $0.hasPrefix(word + " ") }
      .map { "write " + $0.split(separator: " ").joined(separator: " ") } ?? "it takes nothing"
  }

  private func wrong(_ what: String) -> RecipeError { RecipeError("`\(text)` \(what): \(usage)") }

  mutating func integer(_ name: String, in bounds: ClosedRange<Int>) throws(RecipeError) -> Int {
    guard !arguments.isEmpty else { throw wrong("lacks \(name)") }
    let argument = arguments.removeFirst()
    guard let number = Int(argument), bounds.contains(number) else {
      throw wrong("has \(name) \(argument), not a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return number
  }

  mutating func rate() throws(RecipeError) -> Double {
    guard !arguments.isEmpty else { throw wrong("lacks RATE") }
    let argument = arguments.removeFirst()
    guard let rate = Double(argument), rate >= 0, rate < 1 else {
      throw wrong("has RATE \(argument), not a number from 0 to below 1")
    }
    return rate
  }

  mutating func name<Value>(_ values: [String: Value], default value: Value? = nil) throws(RecipeError) -> Value {
    guard let argument = arguments.first else {
      guard let value else { throw wrong("lacks \(values.keys.sorted().joined(separator: " or "))") }
      return value
    }
    guard let result = values[argument] else {
      throw wrong("says \(argument), not \(values.keys.sorted().joined(separator: " or "))")
    }
    arguments.removeFirst()
    return result
  }

  private mutating func option(_ name: String, default value: Int, in bounds: ClosedRange<Int>) throws(RecipeError)
    -> Int
  {
    guard let text = options.removeValue(forKey: name) else { return value }
    guard let number = Int(text), bounds.contains(number) else {
      throw wrong("has \(name) \(text), not a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return number
  }

  /// SIZE [STRIDE] of a convolution, and its options.
  mutating func window() throws(RecipeError) -> Window {
    var window = Window(try integer("SIZE", in: 1...1024))
    if !arguments.isEmpty { window.stride = try integer("STRIDE", in: 1...1024) }
    window.padding = try option("padding", default: 0, in: 0...1024)
    if word == "conv" {
      window.dilation = try option("dilation", default: 1, in: 1...1024)
    } else {
      let most = window.stride - 1
      window.outputPadding = Pair(try option("output_padding", default: 0, in: 0...most))
    }
    if let bias = options.removeValue(forKey: "bias") {
      guard let flag = Bool(bias) else { throw wrong("has bias \(bias), not true or false") }
      window.hasBias = flag
    }
    return window
  }

  /// SIZE [STRIDE] of a pooling, whose stride is its size unless said otherwise.
  mutating func poolingWindow(_ kind: Pooling.Kind) throws(RecipeError) -> Window {
    let size = try integer("SIZE", in: 1...1024)
    let stride = arguments.isEmpty ? size : try integer("STRIDE", in: 1...1024)
    var window = Window(size, stride: stride, padding: try option("padding", default: 0, in: 0...size / 2))
    if let rounding = options.removeValue(forKey: "round") {
      guard rounding == "down" || rounding == "up" && kind == .maximum else {
        throw wrong("has round=\(rounding), not down, or up for max")
      }
      window.roundsUp = rounding == "up"
    }
    return window
  }

  func finish() throws(RecipeError) {
    if let extra = arguments.first { throw wrong("goes on with \(extra)") }
    if let option = options.keys.min() { throw wrong("has no option \(option)") }
  }
}
