import Testing
import Training

@Suite struct NumericsTests {
  @Test func theFingerprintIsADigest() {
    #expect(Numerics.fingerprint.utf8.count == 64)
    #expect(Numerics.fingerprint.allSatisfy { $0.isHexDigit })
  }

  /// Each time the probes are computed they come to the same.
  @Test func itIsAFunctionOfTheMachine() { #expect(Numerics.probed() == Numerics.fingerprint) }
}
