import CZeroMQ

/// A CURVE public key (Curve25519), 32 bytes; written as 64 hexadecimal digits.
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
  public let bytes: [UInt8]

  /// `nil` unless there are 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// `nil` unless there are 64 hexadecimal digits.
  public init?(hexadecimal: some StringProtocol) {
    guard let bytes = keyBytes(hexadecimal) else { return nil }
    self.bytes = bytes
  }

  public var description: String { hexadecimal(bytes) }
}

/// A node's long-term key pair. Who holds the secret half is who the public half says.
public struct CurveKeyPair: Sendable {
  public let publicKey: CurvePublicKey
  let secret: [UInt8]

  /// A new pair, from the system's random source.
  public static func generate() throws(ZeroMQError) -> CurveKeyPair {
    try requireEncryption()
    // 40 characters of Z85 and a terminator each.
    var texts = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
    guard zmq_curve_keypair(&texts.0, &texts.1) == 0 else { throw ZeroMQError(doing: "making a key pair") }
    var bytes = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
    guard zmq_z85_decode(&bytes.0, texts.0) != nil, zmq_z85_decode(&bytes.1, texts.1) != nil,
      let publicKey = CurvePublicKey(bytes: bytes.0)
    else { throw ZeroMQError(doing: "making a key pair") }
    return CurveKeyPair(publicKey: publicKey, secret: bytes.1)
  }

  init(publicKey: CurvePublicKey, secret: [UInt8]) {
    self.publicKey = publicKey
    self.secret = secret
  }

  /// From a secret half, 64 hexadecimal digits; the public half is computed.
  package init?(secretHexadecimal: some StringProtocol) throws(ZeroMQError) {
    guard let secret = keyBytes(secretHexadecimal) else { return nil }
    var secretText = [CChar](repeating: 0, count: 41)
    var publicText = [CChar](repeating: 0, count: 41)
    var publicBytes = [UInt8](repeating: 0, count: 32)
    guard zmq_z85_encode(&secretText, secret, 32) != nil, zmq_curve_public(&publicText, secretText) == 0,
      zmq_z85_decode(&publicBytes, publicText) != nil, let publicKey = CurvePublicKey(bytes: publicBytes)
    else { throw ZeroMQError(doing: "computing a public key") }
    self.init(publicKey: publicKey, secret: secret)
  }

  package var secretHexadecimal: String { hexadecimal(secret) }

  static func requireEncryption() throws(ZeroMQError) {
    guard zmq_has("curve") == 1 else {
      throw ZeroMQError(
        .noEncryption, doing: "using encryption", reason: "the installed libzmq was built without CURVE",
        advice: "install Debian's libzmq5, or ask for plain text by name")
    }
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

private func keyBytes(_ text: some StringProtocol) -> [UInt8]? {
  let digits = text.utf8.map { digit -> UInt8 in
    switch digit {
    case 48...57: digit - 48
    case 97...102: digit - 87
    case 65...70: digit - 55
    default: 255
    }
  }
  guard digits.count == 64, digits.allSatisfy({ $0 < 16 }) else { return nil }
  return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
