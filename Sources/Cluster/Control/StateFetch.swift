import Messages

/// A learner's state that somebody has offered and that is fetched.
struct StateFetch: Sendable {
  let offer: StateOffer
  /// What has come of it.
  var parts: FetchLedger
  let state: LearnerState

  /// `nil` when the offer is not of a state of this size.
  init?(_ offer: StateOffer, count: Int) {
    guard offer.count == count else { return nil }
    self.offer = offer
    parts = FetchLedger(offer.digest, 0..<count)
    state = LearnerState(count: count)
  }

  /// Whether the part was of this state, and new.
  mutating func take(_ part: StatePart) -> Bool {
    guard let place = parts.take(part) else { return false }
    part.payload.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: state.bytes[place]).copyMemory(from: $0)
    }
    return true
  }

  /// Whether the bytes are what was offered.
  var isRight: Bool { state.digest == offer.digest && state.isConverged == offer.converged }
}

extension LearnerState {
  /// The answer to a request; `nil` when it is of another state.
  package func part(_ request: StateRequest) -> StatePart? {
    guard request.digest == digest, request.bytes.upperBound <= bytes.count else { return nil }
    return StatePart(
      digest: digest, first: request.bytes.lowerBound,
      payload: Array(UnsafeRawBufferPointer(rebasing: bytes[request.bytes])))
  }

  package func offer(step: Int) -> StateOffer {
    StateOffer(step: UInt64(step), converged: isConverged, count: bytes.count, digest: digest)
  }
}
