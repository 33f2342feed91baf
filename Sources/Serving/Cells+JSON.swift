import Runs

/// The `data` of a tensor in JSON, flat in C order: numbers or texts, however they are nested.
extension InputTable.Cells {
  private static let mostLevels = 16

  init(_ reader: inout JSONReader) throws(Refusal) {
    var elements = Elements()
    try elements.read(&reader, level: 0)
    if elements.numbers.isEmpty { elements.numbers = Array(repeating: .nan, count: elements.nulls) }
    self = elements.texts.isEmpty ? .numbers(elements.numbers) : .texts(elements.texts)
  }

  /// Elements of one kind, which the first that is not null decides.
  private struct Elements {
    var numbers: [Double] = []
    var texts: [String] = []
    /// Before the first number or text.
    var nulls = 0

    mutating func read(_ reader: inout JSONReader, level: Int) throws(Refusal) {
      guard level < mostLevels else {
        throw Refusal(400, "The data of an input are nested more than \(mostLevels) deep.")
      }
      try reader.list("The data of an input") { reader throws(Refusal) in
        switch reader.next {
        case UInt8(ascii: "["): try read(&reader, level: level + 1)
        case UInt8(ascii: "\""): try add(text: reader.string("A text"))
        case UInt8(ascii: "t"), UInt8(ascii: "f"): try add(number: reader.truth("A truth value") ? 1 : 0)
        case UInt8(ascii: "n"): if try reader.isNull() { addNull() }
        default: try add(number: reader.number("An element of an input's data"))
        }
      }
    }

    private mutating func add(number: Double) throws(Refusal) {
      guard texts.isEmpty else { throw Refusal(400, "The data of an input mix texts and numbers.") }
      if numbers.isEmpty { numbers = Array(repeating: .nan, count: nulls) }
      numbers.append(number)
    }

    private mutating func add(text: String) throws(Refusal) {
      guard numbers.isEmpty else { throw Refusal(400, "The data of an input mix texts and numbers.") }
      if texts.isEmpty { texts = Array(repeating: "", count: nulls) }
      texts.append(text)
    }

    private mutating func addNull() {
      if !texts.isEmpty {
        texts.append("")
      } else if !numbers.isEmpty {
        numbers.append(.nan)
      } else {
        nulls += 1
      }
    }
  }
}
