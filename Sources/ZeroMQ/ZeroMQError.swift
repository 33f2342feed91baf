import CZeroMQ
import Glibc

/// Something that messaging could not do: what, why, and what helps.
public struct ZeroMQError: Error, Hashable, Sendable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Another process or socket has the address.
    public static let addressInUse = Code(rawValue: "address-in-use")
    /// Not an address of this machine, or not one at all.
    public static let badEndpoint = Code(rawValue: "bad-endpoint")
    /// Plain text off this machine, without being asked for by name.
    public static let plainTextRefused = Code(rawValue: "plain-text-refused")
    /// libzmq was built without CURVE.
    public static let noEncryption = Code(rawValue: "no-encryption")
    /// A key file that is missing, open to others, or not a key.
    public static let badKey = Code(rawValue: "bad-key")
    /// Too many sockets or file descriptors.
    public static let exhausted = Code(rawValue: "exhausted")
    /// Anything else that libzmq or the system reports.
    public static let system = Code(rawValue: "system")
  }

  public let code: Code
  /// As in "binding to tcp://10.0.0.1:7700".
  public let doing: String
  public let reason: String
  /// What to do next; empty when there is nothing to add.
  public let advice: String

  public init(_ code: Code, doing: String, reason: String, advice: String = "") {
    self.code = code
    self.doing = doing
    self.reason = reason
    self.advice = advice
  }

  /// From libzmq's errno.
  init(doing: String, errno number: Int32 = zmq_errno()) {
    let reason = String(cString: zmq_strerror(number))
    switch number {
    case EADDRINUSE:
      self.init(.addressInUse, doing: doing, reason: reason, advice: "choose another port, or end the other process")
    case EADDRNOTAVAIL, ENODEV, EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO:
      self.init(
        .badEndpoint, doing: doing, reason: reason,
        advice: "an endpoint is tcp://HOST:PORT with an address of this machine")
    case EACCES, ENOENT, ENOTDIR, EROFS, ENAMETOOLONG, ELOOP:
      self.init(
        .badEndpoint, doing: doing, reason: reason,
        advice: "name a port from 1024 on, or a socket in a folder that is there and where you may write")
    case EMFILE, ENFILE, ENOMEM, ENOBUFS:
      self.init(.exhausted, doing: doing, reason: reason, advice: "raise the limit on open files (ulimit -n)")
    default: self.init(.system, doing: doing, reason: reason)
    }
  }

  public var description: String { "\(doing): \(reason)" + (advice.isEmpty ? "" : "; \(advice)") }
}
