import Messages
import ZeroMQ

/// By which connections a coordinator reaches nodes.
package struct NodeRoutes: Sendable {
  private var known: [NodeNumber: RoutingID] = [:]
  /// Nodes that have received the recipe and have not sent a Hello yet.
  package private(set) var preparing: Set<RoutingID> = []

  package init() {}

  /// By what a node was last heard.
  package subscript(node: NodeNumber) -> RoutingID? {
    get { known[node] }
    set { known[node] = newValue }
  }

  /// A node has received the recipe. Strangers may ask for it too: no more are remembered than a view has members.
  package mutating func prepares(_ route: RoutingID) {
    if preparing.count < Limits.members { preparing.insert(route) }
  }

  /// A node says Hello.
  package mutating func isReady(_ route: RoutingID) { preparing.remove(route) }
}
