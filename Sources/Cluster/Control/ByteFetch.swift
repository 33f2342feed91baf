import Messages

/// A range of bytes that is fetched into an array.
struct ByteFetch {
  /// What has come of it.
  var parts: FetchLedger
  /// Of the range.
  private(set) var bytes: [UInt8]

  init(_ digest: Digest, _ range: Range<Int>) {
    parts = FetchLedger(digest, range)
    bytes = [UInt8](repeating: 0, count: range.count)
  }

  /// Whether the part was of this, and new.
  mutating func take(_ part: StatePart) -> Bool {
    guard let place = parts.take(part) else { return false }
    let start = parts.range.lowerBound
    bytes.replaceSubrange(place.lowerBound - start..<place.upperBound - start, with: part.payload)
    return true
  }
}
