import Messages
import ZeroMQ

/// Who may listen in on a cluster, and who may take part.
public enum ClusterSecurity: Sendable {
  /// Plain text, on this machine only.
  case plainOnLoopback
  /// Plain text anywhere, because the user has asked for it by name.
  case plain
  /// Encrypted. The coordinator lets in whose keys are allowed, each for what its roles say; nodes know the coordinator's,
  /// and let in members.
  case curve(CurveKeyPair, coordinator: CurvePublicKey?, allowed: AllowList)

  func server(_ domain: String) -> SocketSecurity {
    switch self {
    case .plainOnLoopback: .plainOnLoopback
    case .plain: .plainAnywhere
    case .curve(let pair, _, _): .curveServer(pair, domain: domain)
    }
  }

  /// Of a peer; `nil` when it has no key and should.
  func client(of key: PublicKey?) -> SocketSecurity? {
    switch self {
    case .plainOnLoopback: .plainOnLoopback
    case .plain: .plainAnywhere
    case .curve(let pair, _, _):
      key.flatMap { CurvePublicKey(bytes: $0.bytes) }.map { .curveClient(pair, server: $0) }
    }
  }

  /// Of the coordinator.
  var coordinatorClient: SocketSecurity {
    switch self {
    case .plainOnLoopback: .plainOnLoopback
    case .plain: .plainAnywhere
    case .curve(let pair, let coordinator, _): .curveClient(pair, server: coordinator ?? pair.publicKey)
    }
  }

  var publicKey: PublicKey? {
    guard case .curve(let pair, _, _) = self else { return nil }
    return PublicKey(bytes: pair.publicKey.bytes)
  }

  /// The same for a ROUTER of this process; the keys that it accepts are set later.
  public var ofServer: ClusterSecurity {
    guard case .curve(let pair, _, _) = self else { return self }
    return .curve(pair, coordinator: pair.publicKey, allowed: [])
  }

  /// The same towards another server; `nil` when it has no key and should.
  public func toward(_ key: PublicKey?) -> ClusterSecurity? {
    guard case .curve(let pair, _, _) = self else { return self }
    return key.flatMap { CurvePublicKey(bytes: $0.bytes) }.map { .curve(pair, coordinator: $0, allowed: []) }
  }

  /// One's own key, for others; `nil` in plain text.
  public var ownKey: PublicKey? { publicKey }
}
