import Messages

/// Fetches a range of bytes of something that is known by its SHA-256, part by part; a few parts are asked for ahead.
struct ByteFetch {
  private static let window = 4

  let digest: Digest
  let range: Range<Int>
  private(set) var bytes: [UInt8]
  private var held = Intervals()
  private var asked: Int
  private var received = 0

  init(_ digest: Digest, _ range: Range<Int>) {
    self.digest = digest
    self.range = range
    bytes = [UInt8](repeating: 0, count: range.count)
    asked = range.lowerBound
  }

  var isComplete: Bool { received == range.count }

  /// What is to be asked for now.
  mutating func requests() -> [StateRequest] {
    var requests: [StateRequest] = []
    while asked < range.upperBound, asked - range.lowerBound - received < ByteFetch.window * Limits.statePart {
      let part = asked..<min(asked + Limits.statePart, range.upperBound)
      requests.append(StateRequest(digest: digest, bytes: part))
      asked = part.upperBound
    }
    return requests
  }

  /// Nothing has come for a while: what is missing is asked for again.
  mutating func requestsAgain() -> [StateRequest] {
    guard let first = Intervals(range).subtracting(held).ranges.first else { return [] }
    asked = first.lowerBound
    return requests()
  }

  /// Whether the part was of this, and new.
  mutating func take(_ part: StatePart) -> Bool {
    guard part.digest == digest, part.first >= range.lowerBound,
      part.payload.count <= range.upperBound - part.first
    else { return false }
    let place = part.first..<part.first + part.payload.count
    let fresh = Intervals(place).subtracting(held)
    guard !fresh.isEmpty else { return false }
    bytes.replaceSubrange(
      place.lowerBound - range.lowerBound..<place.upperBound - range.lowerBound, with: part.payload)
    held.insert(place)
    received += fresh.ranges.reduce(0) { $0 + $1.count }
    return true
  }
}
