import Messages

/// Collects a state that somebody has offered, part by part; a few parts are asked for ahead, so that heartbeats on
/// the same connection never wait long.
struct StateFetch {
  private static let window = 4

  let offer: StateOffer
  let state: LearnerState
  private var held = Intervals()
  private var asked = 0

  /// `nil` when the offer is not of a state of this size.
  init?(_ offer: StateOffer, count: Int) {
    guard offer.count == count else { return nil }
    self.offer = offer
    state = LearnerState(count: count)
  }

  var isComplete: Bool { held == Intervals(0..<offer.count) }

  /// What is to be asked for now.
  mutating func requests() -> [StateRequest] {
    var requests: [StateRequest] = []
    while asked < offer.count, asked - received < StateFetch.window * Limits.statePart {
      let bytes = asked..<min(asked + Limits.statePart, offer.count)
      requests.append(StateRequest(digest: offer.digest, bytes: bytes))
      asked = bytes.upperBound
    }
    return requests
  }

  /// Nothing has come for a while: what is missing is asked for again.
  mutating func requestsAgain() -> [StateRequest] {
    let missing = Intervals(0..<offer.count).subtracting(held)
    guard let first = missing.ranges.first else { return [] }
    asked = first.lowerBound
    return requests()
  }

  private var received: Int { held.ranges.reduce(0) { $0 + $1.count } }

  /// Whether the part was of this state, and new.
  mutating func take(_ part: StatePart) -> Bool {
    let range = part.first..<part.first + part.payload.count
    guard part.digest == offer.digest, range.upperBound <= offer.count else { return false }
    guard !Intervals(range).subtracting(held).isEmpty else { return false }
    part.payload.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: state.bytes[range]).copyMemory(from: $0)
    }
    held.insert(range)
    return true
  }

  /// Whether the bytes are what was offered.
  var isRight: Bool { state.digest == offer.digest && state.isConverged == offer.converged }
}

extension LearnerState {
  /// The answer to a request; `nil` when it is of another state.
  func part(_ request: StateRequest) -> StatePart? {
    guard request.digest == digest, request.bytes.upperBound <= bytes.count else { return nil }
    return StatePart(
      digest: digest, first: request.bytes.lowerBound,
      payload: Array(UnsafeRawBufferPointer(rebasing: bytes[request.bytes])))
  }

  func offer(step: Int) -> StateOffer {
    StateOffer(step: UInt64(step), converged: isConverged, count: bytes.count, digest: digest)
  }
}
