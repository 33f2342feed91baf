import Messages

/// Nodes that have not been notified yet that the job is over, for they are connecting again, and who waits for that.
package struct Farewell {
  private var untold: Set<NodeNumber> = []
  private var waiting: CheckedContinuation<Void, Never>?

  package init() {}

  package var isDone: Bool { untold.isEmpty }

  /// A node is to be notified.
  package mutating func owe(_ node: NodeNumber) { untold.insert(node) }

  /// A node was answered after the end.
  package mutating func told(_ node: NodeNumber) {
    untold.remove(node)
    if untold.isEmpty { stopWaiting() }
  }

  /// Resumes when every node was answered, or with `stopWaiting`.
  package mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting = continuation }

  package mutating func stopWaiting() {
    waiting?.resume()
    waiting = nil
  }
}
