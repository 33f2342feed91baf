import CZeroMQ

/// How a socket behaves. The defaults are those of a cluster: bounded waits, bounded memory, and no message that
/// vanishes without a word.
public struct SocketOptions: Sendable {
  /// Close waits this long for what is still to be sent (ZMQ_LINGER).
  public var linger: Duration = .seconds(1)
  /// Largest frame that is taken; a peer that sends a larger one is disconnected (ZMQ_MAXMSGSIZE).
  public var maximumFrame = 64 << 20
  /// Messages queued for one peer before a send would block; 0 is no limit. Bulk data are bounded by byte credits
  /// instead, since this counts messages and is approximate (ZMQ_SNDHWM, ZMQ_RCVHWM).
  public var sendHighWaterMark = 1000
  public var receiveHighWaterMark = 1000
  /// First wait before connecting again, and the most it doubles to (ZMQ_RECONNECT_IVL, …_MAX).
  public var reconnect: Duration = .milliseconds(50)
  public var reconnectMaximum: Duration = .seconds(2)
  /// Queue messages only for peers that are connected (ZMQ_IMMEDIATE).
  public var immediate = true
  /// A peer that has not greeted properly in this time is disconnected (ZMQ_HANDSHAKE_IVL): strangers that say nothing
  /// use up descriptors for so long.
  public var handshake: Duration = .seconds(3)
  /// ZMTP pings, by which a connection that has silently died is noticed; `nil` for none (ZMQ_HEARTBEAT_…).
  public var ping: Ping? = Ping()
  /// Sending to an unknown peer is reported, not silently dropped (ZMQ_ROUTER_MANDATORY; ROUTER only).
  public var routerMandatory = true
  /// A name of its own towards a ROUTER, 1 to 255 bytes, the first of them not 0 (ZMQ_ROUTING_ID).
  public var routingID: [UInt8]?
  /// Connections waiting to be accepted (ZMQ_BACKLOG).
  public var backlog = 128
  /// Bytes the kernel buffers; `nil` leaves it to the kernel, which adapts (ZMQ_SNDBUF, ZMQ_RCVBUF).
  public var kernelBuffer: Int?

  public struct Ping: Sendable {
    public var interval: Duration
    public var timeout: Duration

    public init(interval: Duration = .seconds(2), timeout: Duration = .seconds(10)) {
      self.interval = interval
      self.timeout = timeout
    }
  }

  public init() {}

  func apply(to handle: UnsafeMutableRawPointer, type: SocketType) throws(ZeroMQError) {
    func set(_ option: Int32, _ value: Int32, _ name: String) throws(ZeroMQError) {
      var value = value
      guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
        throw ZeroMQError(doing: "setting \(name) to \(value)")
      }
    }
    try set(ZMQ_LINGER, milliseconds(linger), "ZMQ_LINGER")
    var maximum = Int64(maximumFrame)
    guard zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &maximum, MemoryLayout<Int64>.size) == 0 else {
      throw ZeroMQError(doing: "setting ZMQ_MAXMSGSIZE to \(maximumFrame)")
    }
    try set(ZMQ_SNDHWM, Int32(clamping: sendHighWaterMark), "ZMQ_SNDHWM")
    try set(ZMQ_RCVHWM, Int32(clamping: receiveHighWaterMark), "ZMQ_RCVHWM")
    try set(ZMQ_RECONNECT_IVL, milliseconds(reconnect), "ZMQ_RECONNECT_IVL")
    try set(ZMQ_RECONNECT_IVL_MAX, milliseconds(reconnectMaximum), "ZMQ_RECONNECT_IVL_MAX")
    try set(ZMQ_IMMEDIATE, immediate ? 1 : 0, "ZMQ_IMMEDIATE")
    try set(ZMQ_HANDSHAKE_IVL, milliseconds(handshake), "ZMQ_HANDSHAKE_IVL")
    try set(ZMQ_BACKLOG, Int32(clamping: backlog), "ZMQ_BACKLOG")
    try set(ZMQ_IPV6, 1, "ZMQ_IPV6")
    if let ping {
      try set(ZMQ_HEARTBEAT_IVL, milliseconds(ping.interval), "ZMQ_HEARTBEAT_IVL")
      try set(ZMQ_HEARTBEAT_TIMEOUT, milliseconds(ping.timeout), "ZMQ_HEARTBEAT_TIMEOUT")
    }
    if let kernelBuffer {
      try set(ZMQ_SNDBUF, Int32(clamping: kernelBuffer), "ZMQ_SNDBUF")
      try set(ZMQ_RCVBUF, Int32(clamping: kernelBuffer), "ZMQ_RCVBUF")
    }
    if type == .router { try set(ZMQ_ROUTER_MANDATORY, routerMandatory ? 1 : 0, "ZMQ_ROUTER_MANDATORY") }
    if let routingID {
      guard zmq_setsockopt(handle, ZMQ_ROUTING_ID, routingID, routingID.count) == 0 else {
        throw ZeroMQError(doing: "setting ZMQ_ROUTING_ID")
      }
    }
  }
}

public enum SocketType: Sendable {
  case router, dealer, pair, reply, request, push, pull

  var number: Int32 {
    switch self {
    case .router: ZMQ_ROUTER
    case .dealer: ZMQ_DEALER
    case .pair: ZMQ_PAIR
    case .reply: ZMQ_REP
    case .request: ZMQ_REQ
    case .push: ZMQ_PUSH
    case .pull: ZMQ_PULL
    }
  }
}

/// Who may listen in on a socket, and who may speak to it.
public enum SocketSecurity: Sendable {
  /// Plain text, on this machine only.
  case plainOnLoopback
  /// Plain text anywhere. Only for a user who asked for it by name.
  case plainAnywhere
  /// Encrypted; peers must hold a key that the context's authenticator allows for `domain`.
  case curveServer(CurveKeyPair, domain: String)
  /// Encrypted; the other side must hold the secret half of `server`.
  case curveClient(CurveKeyPair, server: CurvePublicKey)

  func apply(to handle: UnsafeMutableRawPointer) throws(ZeroMQError) {
    func set(_ option: Int32, _ bytes: [UInt8], _ name: String) throws(ZeroMQError) {
      guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
        throw ZeroMQError(doing: "setting \(name)")
      }
    }
    switch self {
    case .plainOnLoopback, .plainAnywhere: return
    case .curveServer(let pair, let domain):
      try CurveKeyPair.requireEncryption()
      var yes: Int32 = 1
      guard zmq_setsockopt(handle, ZMQ_CURVE_SERVER, &yes, MemoryLayout<Int32>.size) == 0 else {
        throw ZeroMQError(doing: "setting ZMQ_CURVE_SERVER")
      }
      try set(ZMQ_CURVE_SECRETKEY, pair.secret, "ZMQ_CURVE_SECRETKEY")
      try set(ZMQ_ZAP_DOMAIN, Array(domain.utf8), "ZMQ_ZAP_DOMAIN")
    case .curveClient(let pair, let server):
      try CurveKeyPair.requireEncryption()
      try set(ZMQ_CURVE_SERVERKEY, server.bytes, "ZMQ_CURVE_SERVERKEY")
      try set(ZMQ_CURVE_PUBLICKEY, pair.publicKey.bytes, "ZMQ_CURVE_PUBLICKEY")
      try set(ZMQ_CURVE_SECRETKEY, pair.secret, "ZMQ_CURVE_SECRETKEY")
    }
  }
}

func milliseconds(_ duration: Duration) -> Int32 {
  let (seconds, attoseconds) = duration.components
  return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
}
