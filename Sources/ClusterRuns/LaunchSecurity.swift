import Cluster
import Recipes
import ZeroMQ

/// How a launch keeps its nodes' words to itself: each node gets a key pair of its own, over its standard input.
package struct LaunchSecurity {
  package let coordinator: ClusterSecurity
  private let pairs: [CurveKeyPair]

  /// Plain text within this machine unless a key is named; encryption beyond it unless plain text is asked for.
  package init(_ options: SecurityRequest, at endpoint: Endpoint, nodes: Int) throws {
    guard !options.plain || (options.key == nil && options.allow == nil) else {
      throw RecipeError("--plain and keys exclude each other: drop --plain, or --key and --allow")
    }
    guard !options.plain, !endpoint.isLoopback || options.key != nil || options.allow != nil else {
      coordinator = endpoint.isLoopback ? .plainOnLoopback : .plain
      pairs = []
      return
    }
    let pair = try options.key.map { try SecurityRequest.pair($0) } ?? CurveKeyPair.generate()
    let pairs = try (0..<nodes).map { _ in try CurveKeyPair.generate() }
    var allowed = try options.allow.map { try SecurityRequest.allowList($0, usual: [.status]) } ?? []
    for pair in pairs { allowed.allow(pair.publicKey, [.node]) }
    coordinator = .curve(pair, coordinator: pair.publicKey, allowed: allowed)
    self.pairs = pairs
  }

  private var coordinatorKey: CurvePublicKey? {
    guard case .curve(_, let key, _) = coordinator else { return nil }
    return key
  }

  package var nodeArguments: [String] {
    switch coordinator {
    case .plainOnLoopback: []
    case .plain: ["--plain"]
    case .curve: ["--key", "-", "--coordinator-key", coordinatorKey!.description]
    }
  }

  /// What makes a status client heard, besides a key that was allowed.
  package var statusArguments: String {
    coordinatorKey.map { " --key FILE --coordinator-key \($0), with a key that --allow lists" } ?? ""
  }

  /// By node, counted from 1.
  package func input(ofNode index: Int) -> String { pairs.isEmpty ? "" : pairs[index - 1].secretHexadecimal + "\n" }
}
