import CChecksum

/// CRC-32C, the checksum of payloads and log records.
public enum Checksum {
  public static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    elbo_crc32c(bytes.baseAddress, bytes.count)
  }

  public static func crc32c(_ bytes: [UInt8]) -> UInt32 { elbo_crc32c(bytes, bytes.count) }

  /// Copies bytes that may change meanwhile; returns the checksum of the copy, which is as long.
  public static func copy(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) -> UInt32 {
    precondition(target.count == bytes.count)
    return elbo_crc32c_copy(target.baseAddress, bytes.baseAddress, bytes.count)
  }

  /// The checksum of two pieces joined, without their bytes: of the first, of the second, and the second's length.
  public static func joined(_ first: UInt32, _ second: UInt32, secondCount: Int) -> UInt32 {
    elbo_crc32c_combine(first, second, UInt64(secondCount))
  }
}
