import CChecksum
import Messages
import Testing

@Suite struct ChecksumTests {
  /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test func knownAnswers() {
    #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xE306_9283)
    #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(Checksum.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(Checksum.crc32c([UInt8](0..<32)) == 0x46DD_794E)
    #expect(Checksum.crc32c([]) == 0)
  }

  @Test func instructionEqualsTablesAtEveryLengthAndOffset() {
    var generator = SplitMix(seed: 1)
    let bytes = (0..<40_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    bytes.withUnsafeBytes { buffer in
      for count in Array(0..<300) + [4095, 4096, 12_287, 12_288, 12_289, 24_576, 30_000, 39_990] {
        for offset in [0, 1, 3, 7] {
          let start = buffer.baseAddress! + offset
          #expect(elbo_crc32c(start, count) == elbo_crc32c_portable(start, count))
        }
      }
    }
  }

  @Test func copiesWhatItSums() {
    var generator = SplitMix(seed: 3)
    let bytes = (0..<40_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    for count in [0, 1, 7, 12_287, 12_288, 12_289, 30_000, 40_000] {
      var copy = [UInt8](repeating: 0, count: count)
      let checksum = copy.withUnsafeMutableBytes { copy in
        bytes.withUnsafeBytes { Checksum.copy(UnsafeRawBufferPointer(rebasing: $0[..<count]), to: copy) }
      }
      #expect(copy == Array(bytes[..<count]))
      #expect(checksum == Checksum.crc32c(copy))
    }
  }

  @Test("The checksums of two parts join to the checksum of the whole") func joins() {
    var generator = SplitMix(seed: 2)
    let bytes = (0..<10_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    for cut in [0, 1, 5000, 9999, 10_000] {
      let joined = Checksum.joined(
        Checksum.crc32c(Array(bytes[..<cut])), Checksum.crc32c(Array(bytes[cut...])), secondCount: bytes.count - cut)
      #expect(joined == Checksum.crc32c(bytes))
    }
  }
}

/// SplitMix64 (Steele, Lea & Flood 2014): a seeded generator, so that a failure can be replayed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
