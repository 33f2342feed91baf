import ZeroMQ

/// What a process remembers of those who send it what it does not understand, or nothing.
package struct Strangers: Sendable {
  /// Messages that were refused.
  package private(set) var refused: UInt64 = 0
  /// Strangers may be many: their names are kept within bounds.
  private var noted = FirstOccurrences<RoutingID>(limit: 1000)
  private var isSilenceNoted = false

  package init() {}

  package mutating func refuse() { refused += 1 }

  /// Whether something is to be noted of this peer: once each.
  package mutating func isFirst(_ route: RoutingID) -> Bool { noted.isFirst(route) }

  /// Whether silent connections are to be noted: once, for they may come back for as long as they like.
  /// - Parameter count: of them, so many were closed.
  package mutating func isSilenceNew(_ count: Int) -> Bool {
    guard !isSilenceNoted, count > 0 else { return false }
    isSilenceNoted = true
    return true
  }
}
