import Cluster
import Foundation
import Recipes
import Reports
import ZeroMQ

/// Who may listen in, and who may take part.
package struct SecurityRequest: Sendable {
  /// Plain text beyond this machine.
  package var plain: Bool
  /// The file of this process's key pair; -: a secret key on standard input.
  package var key: String?
  /// A coordinator's file of public keys and of what each may do.
  package var allow: String?
  /// The coordinator's public key, for a node or a status client.
  package var coordinatorKey: String?

  package init(plain: Bool = false, key: String? = nil, allow: String? = nil, coordinatorKey: String? = nil) {
    (self.plain, self.key, self.allow, self.coordinatorKey) = (plain, key, allow, coordinatorKey)
  }

  /// Of a coordinator that listens there.
  package func coordinator(at endpoint: Endpoint) throws -> ClusterSecurity {
    guard let key else { return try withoutKey(endpoint) }
    let pair = try Self.pair(key)
    guard let allow else {
      throw RecipeError("with --key, name the public keys that may take part: --allow FILE, one key a line")
    }
    return .curve(pair, coordinator: pair.publicKey, allowed: try Self.allowList(allow, usual: Set(KeyRole.allCases)))
  }

  /// Of a node or a status client.
  package func node(toward endpoint: Endpoint) throws -> ClusterSecurity {
    guard let key else { return try withoutKey(endpoint) }
    guard let text = coordinatorKey, let server = CurvePublicKey(hexadecimal: text) else {
      throw RecipeError("with --key, give the coordinator's public key: --coordinator-key, 64 hexadecimal digits")
    }
    return .curve(try Self.pair(key), coordinator: server, allowed: [])
  }

  /// The list of a file, with a note for the user when some keys have no role.
  /// - Parameter usual: the roles of a key without any.
  package static func allowList(_ path: String, usual: Set<KeyRole>) throws -> AllowList {
    let list = try AllowList(contentsOf: path, usual: usual)
    if list.keysWithoutRole > 0 {
      let roles = KeyRole.allCases.filter(usual.contains).map(\.rawValue).joined(separator: ",")
      StandardError.write(
        "note: \(path) has keys without a role (\(list.keysWithoutRole)), which are taken for \(roles); write the roles behind "
          + "each key: node, status, predict\n")
    }
    return list
  }

  /// A key pair from a file, or from the first line of standard input, where no other user of the machine sees it.
  package static func pair(_ key: String) throws -> CurveKeyPair {
    guard key == "-" else { return try CurveKeyPair(contentsOf: key) }
    guard let pair = try CurveKeyPair(secretHexadecimal: firstLine()) else {
      throw RecipeError("--key -: the first line of standard input is no secret key, 64 hexadecimal digits")
    }
    return pair
  }

  /// Reads byte by byte: what follows the line is for others.
  private static func firstLine() -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count < 256 {
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR { continue }
      if count != 1 || byte == UInt8(ascii: "\n") { break }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
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
