import Testing
import Training

@Suite struct NumericsTests {
  @Test func theFingerprintIsADigest() {
    #expect(Numerics.fingerprint.utf8.count == 64)
    #expect(Numerics.fingerprint.allSatisfy { $0.isHexDigit })
  }

  /// Each time the probes are computed they come to the same.
  @Test func itIsAFunctionOfTheMachine() { #expect(Numerics.probed().fingerprint == Numerics.fingerprint) }

  /// Parts tell what differs.
  @Test func eachPartHasADigestOfItsOwn() {
    let digests = Numerics.here.parts.map(\.digest)
    #expect(Set(digests).count == digests.count && digests.allSatisfy { $0.utf8.count == 64 })
  }
}
