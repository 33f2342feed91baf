import CSodium

/// SHA-256 (FIPS 180-4) of bytes that arrive piece by piece. A value: a copy goes on independently.
public struct SHA256: Sendable {
  private var state = crypto_hash_sha256_state()

  public init() {
    crypto_hash_sha256_init(&state)
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    crypto_hash_sha256_update(&state, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
  }

  public mutating func update(_ bytes: some Sequence<UInt8>) {
    let contiguous: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if contiguous == nil {
      Array(bytes).withUnsafeBytes { update($0) }
    }
  }

  /// The eight bytes of a number, lowest first.
  public mutating func update(littleEndian value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { update($0) }
  }

  /// The 32 bytes of the digest of everything so far.
  public func digest() -> [UInt8] {
    var last = state
    return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      crypto_hash_sha256_final(&last, buffer.baseAddress!)
      count = 32
    }
  }

  /// The digest in 64 lower-case hexadecimal digits.
  public func hexDigest() -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension SHA256 {
  /// The digest of some bytes in hexadecimal digits.
  public static func hexDigest(of bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexDigest()
  }
}
