import Foundation
import Synchronization
import Tensors
import Testing
import Training

@Suite struct NumericsTests {
  @Test func theFingerprintIsADigest() {
    #expect(Numerics.fingerprint.utf8.count == 64)
    #expect(Numerics.fingerprint.allSatisfy { $0.isHexDigit })
  }

  /// Each time the probes are computed they come to the same.
  @Test func itIsAFunctionOfTheMachine() {
    for (one, other) in zip(Numerics.probed().parts, Numerics.here.parts) {
      #expect(one.digest == other.digest, "\(one.name)")
    }
  }

  /// A thread that has not computed before, which libraries would give help, and one that computes as lanes do.
  @Test func theThreadDoesNotMatter() async throws {
    let fresh = await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: Numerics.probed()) }.start()
    }
    let found = Mutex<Numerics?>(nil)
    try Crew(lanes: 2).forEach(2) { _, _ in found.withLock { $0 = $0 ?? Numerics.probed() } }
    for (one, other) in zip(fresh.parts, found.withLock { $0 }!.parts) {
      #expect(one.digest == other.digest, "\(one.name)")
    }
  }

  /// What memory held before does not matter.
  @Test func memoryDoesNotMatter() {
    for round in 0..<60 {
      var junk: [Tensor] = []
      for size in 0..<400 {
        junk.append(Tensor(repeating: round % 2 == 0 ? .nan : 1e30, [1 + (size * 37 + round * 101) % 9000]))
      }
      junk.removeAll()
      for (one, other) in zip(Numerics.probed().parts, Numerics.here.parts) {
        #expect(one.digest == other.digest, "\(one.name)")
      }
    }
  }

  /// Parts show what differs.
  @Test func eachPartHasADigestOfItsOwn() {
    let digests = Numerics.here.parts.map(\.digest)
    #expect(Set(digests).count == digests.count && digests.allSatisfy { $0.utf8.count == 64 })
  }
}
