import ArgumentParser
import Cluster
import Foundation
import Recipes
import ZeroMQ

/// Who may listen in, and who may take part.
struct SecurityOptions: ParsableArguments {
  @Flag(help: "Plain text beyond this machine: anyone on the network may read and take part.")
  var plain = false

  @Option(help: ArgumentHelp("This process's key pair, made by `elbo keys`.", valueName: "file"))
  var key: String?

  @Option(help: ArgumentHelp("Coordinator: the public keys that may take part or ask.", valueName: "file"))
  var allow: String?

  @Option(help: ArgumentHelp("Node, status: the coordinator's public key.", valueName: "key"))
  var coordinatorKey: String?

  /// Of a coordinator that listens there.
  func coordinator(at endpoint: Endpoint) throws -> ClusterSecurity {
    guard let key else { return try withoutKey(endpoint) }
    let pair = try CurveKeyPair(contentsOf: key)
    guard let allow else {
      throw RecipeError("with --key, name the public keys that may take part: --allow FILE, one key a line")
    }
    return .curve(pair, coordinator: pair.publicKey, allowed: try AllowListFile.load(allow))
  }

  /// Of a node or a status client.
  func node(toward endpoint: Endpoint) throws -> ClusterSecurity {
    guard let key else { return try withoutKey(endpoint) }
    guard let text = coordinatorKey, let server = CurvePublicKey(hexadecimal: text) else {
      throw RecipeError("with --key, give the coordinator's public key: --coordinator-key, 64 hexadecimal digits")
    }
    return .curve(try CurveKeyPair(contentsOf: key), coordinator: server, allowed: [])
  }

  private func withoutKey(_ endpoint: Endpoint) throws -> ClusterSecurity {
    if endpoint.isLoopback { return .plainOnLoopback }
    guard plain else {
      throw RecipeError(
        "\(endpoint) is beyond this machine and nothing is encrypted: make keys with `elbo keys` and give --key, or ask for plain text with --plain"
      )
    }
    return .plain
  }
}
