/// What a client asks: a whole request, its body read.
public struct Request: Sendable {
  public let method: String
  /// The parts of the path between its slashes, percent signs decoded. A slash or dots within a part are letters like any
  /// other: nothing here is a path of files.
  public let path: [String]
  /// What follows the question mark, percent signs decoded; of equal names the last one.
  public let query: [String: String]
  public let headers: Headers
  public internal(set) var body: [UInt8]
  /// What stands where the route has `{name}`.
  public internal(set) var parameters: [String: String] = [:]

  /// - Parameter target: as the request line has it: a path, and perhaps a query.
  /// - Returns: nil for a target that is none.
  public init?(method: String, target: String, headers: Headers = Headers(), body: [UInt8] = []) {
    guard target.hasPrefix("/") else { return nil }
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var path: [String] = []
    for part in parts[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let decoded = percentDecoded(part) else { return nil }
      path.append(decoded)
    }
    // A slash at the end says nothing.
    if path.last == "" { path.removeLast() }
    var query: [String: String] = [:]
    for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = percentDecoded(sides[0]), let value = percentDecoded(sides.count > 1 ? sides[1] : "") else {
        return nil
      }
      query[name] = value
    }
    (self.method, self.path, self.query, self.headers, self.body) = (method, path, query, headers, body)
  }

  /// The lines of a head, whose names are equal in any case of their letters.
  public struct Headers: Sendable, ExpressibleByDictionaryLiteral {
    private var fields: [String: [String]] = [:]

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
      for (name, value) in elements { add(name, value) }
    }

    mutating func add(_ name: String, _ value: String) { fields[name.lowercased(), default: []].append(value) }

    /// All values under a name, in order.
    public func all(_ name: String) -> [String] { fields[name.lowercased()] ?? [] }

    /// The value of a name that stands once.
    public subscript(name: String) -> String? {
      let values = all(name)
      return values.count == 1 ? values[0] : nil
    }
  }
}

/// A text without its percent signs; nil where they are no bytes, or the bytes no UTF-8.
private func percentDecoded(_ text: Substring) -> String? {
  guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
  var bytes: [UInt8] = []
  var rest = text.utf8[...]
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
      return nil
    }
    bytes.append(high << 4 | low)
  }
  return String(validating: bytes, as: UTF8.self)
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
