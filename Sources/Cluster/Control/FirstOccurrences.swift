/// Tells the first occurrence of something from later ones, so that it is noted once. Strangers decide what occurs: how
/// much is remembered is bounded, and what goes beyond it is not noted.
package struct FirstOccurrences<Element: Hashable & Sendable>: Sendable {
  private let limit: Int
  private var known: Set<Element> = []

  /// - Parameter limit: how many are remembered.
  package init(limit: Int) { self.limit = limit }

  /// Whether this is the first time, and there was room to remember it.
  package mutating func isFirst(_ element: Element) -> Bool {
    known.count < limit && known.insert(element).inserted
  }
}
