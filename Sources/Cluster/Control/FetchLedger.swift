import Messages

/// Which parts of a range of bytes have come, and which are to be requested. The bytes are those of something that is
/// known by its SHA-256. A few parts are requested ahead, so that heartbeats on the same connection never wait long.
package struct FetchLedger: Sendable {
  /// Parts that are requested ahead.
  package static let window = 4

  package let digest: Digest
  package let range: Range<Int>
  private var held = Intervals()
  /// All bytes before this one are held, or were requested.
  private var requested: Int

  package init(_ digest: Digest, _ range: Range<Int>) {
    self.digest = digest
    self.range = range
    requested = range.lowerBound
  }

  package var isComplete: Bool { held == Intervals(range) }

  /// What is to be requested now.
  package mutating func requests() -> [StateRequest] {
    var requests: [StateRequest] = []
    while requested < range.upperBound,
      requested - range.lowerBound - held.count < FetchLedger.window * Limits.statePart
    {
      let bytes = requested..<min(requested + Limits.statePart, range.upperBound)
      requests.append(StateRequest(digest: digest, bytes: bytes))
      requested = bytes.upperBound
    }
    return requests
  }

  /// Requests what is missing again, after nothing has come for a while.
  package mutating func requestsAgain() -> [StateRequest] {
    guard let first = Intervals(range).subtracting(held).ranges.first else { return [] }
    requested = first.lowerBound
    return requests()
  }

  /// Notes a part that has come.
  /// - Returns: where its bytes belong; `nil` when it is of something else, or holds nothing new.
  package mutating func take(_ part: StatePart) -> Range<Int>? {
    guard part.digest == digest, part.first >= range.lowerBound,
      part.payload.count <= range.upperBound - part.first
    else { return nil }
    let place = part.first..<part.first + part.payload.count
    guard !Intervals(place).subtracting(held).isEmpty else { return nil }
    held.insert(place)
    return place
  }
}
