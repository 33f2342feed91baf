/// The `data` of a tensor in JSON, flat in C order: numbers or texts, however deeply nested they are written.
enum TensorData: Decodable, Sendable {
  /// NaN stands for null.
  case numbers([Double])
  /// An empty text stands for null.
  case texts([String])

  init(from decoder: any Decoder) throws {
    if let numbers = try? [Double](from: decoder) {
      self = .numbers(numbers)
      return
    }
    var elements: [Element] = []
    try TensorData.flatten(decoder.unkeyedContainer(), into: &elements)
    let isText = elements.contains { if case .text = $0 { true } else { false } }
    if isText {
      self = .texts(
        try elements.map { element in
          switch element {
          case .text(let text): text
          case .nothing: ""
          case .number: throw Refusal(400, "the data of an input mixes texts and numbers")
          }
        })
    } else {
      self = .numbers(elements.map { if case .number(let number) = $0 { number } else { .nan } })
    }
  }

  private enum Element { case number(Double), text(String), nothing }

  private static func flatten(_ container: any UnkeyedDecodingContainer, into elements: inout [Element]) throws {
    var container = container
    while !container.isAtEnd {
      if try container.decodeNil() {
        elements.append(.nothing)
      } else if let number = try? container.decode(Double.self) {
        elements.append(.number(number))
      } else if let text = try? container.decode(String.self) {
        elements.append(.text(text))
      } else if let truth = try? container.decode(Bool.self) {
        elements.append(.number(truth ? 1 : 0))
      } else {
        try flatten(container.nestedUnkeyedContainer(), into: &elements)
      }
    }
  }

  var count: Int {
    switch self {
    case .numbers(let numbers): numbers.count
    case .texts(let texts): texts.count
    }
  }
}
