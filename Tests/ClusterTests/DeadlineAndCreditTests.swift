import Cluster
import Messages
import Testing

@Suite struct AdaptiveDeadlineTests {
  private let configuration = AdaptiveDeadline.Configuration(
    initial: .seconds(2), floor: .milliseconds(100), cap: .seconds(30), factor: 3)

  @Test func followsWhatIsMeasured() {
    var deadline = AdaptiveDeadline(configuration)
    #expect(deadline.duration() == .seconds(2))
    for _ in 0..<50 { deadline.observe(.seconds(1)) }
    // Steady: three times the mean.
    #expect(abs(deadline.duration() / .seconds(1) - 3) < 0.01)
    for index in 0..<200 { deadline.observe(index % 2 == 0 ? .milliseconds(200) : .milliseconds(1800)) }
    // Unsteady: four deviations (0.8 s each) above it.
    #expect(deadline.duration() > .seconds(3.5) && deadline.duration() < .seconds(5))
    #expect(deadline.mean! > .milliseconds(800) && deadline.mean! < .milliseconds(1300))
  }

  @Test func keepsItsBounds() {
    var deadline = AdaptiveDeadline(configuration)
    for _ in 0..<50 { deadline.observe(.microseconds(5)) }
    #expect(deadline.duration() == .milliseconds(100))
    #expect(deadline.duration(attempts: 3) == .milliseconds(800))
    #expect(deadline.duration(attempts: 1000) == .seconds(30))
    deadline.observe(.seconds(1_000_000))
    #expect(deadline.duration() == .seconds(30))
    deadline.observe(.seconds(-5))
    #expect(deadline.duration() == .seconds(30))
  }
}

@Suite struct CreditTests {
  private let peer = NodeNumber(rawValue: 3)!
  private let other = NodeNumber(rawValue: 4)!
  private let window = Int(CreditLedger.initialLimit)

  @Test func aSenderStopsAtItsLimitAndGoesOn() {
    var ledger = CreditLedger()
    #expect(ledger.maySend(to: peer))
    ledger.use(window - 1, to: peer)
    #expect(ledger.maySend(to: peer), "a chunk may begin below the limit")
    ledger.use(1 << 20, to: peer)
    #expect(!ledger.maySend(to: peer))
    #expect(ledger.maySend(to: other), "each peer has its own")
    #expect(ledger.used(peer) == UInt64(window - 1 + 1 << 20))
    let grants = [UInt64(window) + 5 << 20, UInt64(window) + 3 << 20]
    let isNews = ledger.grant(limit: grants[0], by: peer)
    #expect(isNews)
    let isNewer = ledger.grant(limit: grants[1], by: peer)
    #expect(!isNewer, "an older word changes nothing")
    #expect(ledger.maySend(to: peer))
    ledger.reset()
    #expect(ledger.used(peer) == 0)
  }

  /// Sender and receiver over a channel that loses payloads and grants: the sender never starves, and what is under
  /// way or held never exceeds the window by more than a chunk.
  @Test(arguments: 1...50) func losesNothingForEver(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    var ledger = CreditLedger()
    var grants = CreditGrants()
    var held: [Int] = []
    var sent = 0
    while sent < 40 * window {
      guard ledger.maySend(to: peer) else {
        // Blocked: what is held is used up sooner or later; and a sender that hears nothing asks.
        while let bytes = held.popLast() {
          if let limit = grants.release(bytes, of: peer), random.chance(0.7) { ledger.grant(limit: limit, by: peer) }
        }
        if !ledger.maySend(to: peer) {
          grants.receive(bytesBefore: ledger.used(peer), bytes: 0, from: peer)
          let isFed = ledger.grant(limit: grants.announce(to: peer), by: peer)
          #expect(isFed, "starved")
        }
        continue
      }
      let bytes = Int.random(in: 1...(4 << 20), using: &random)
      let before = ledger.used(peer)
      ledger.use(bytes, to: peer)
      sent += bytes
      if random.chance(0.1) { continue }
      grants.receive(bytesBefore: before, bytes: bytes, from: peer)
      held.append(bytes)
      #expect(held.reduce(0, +) < window + 4 << 20)
      if random.chance(0.3), let limit = grants.release(held.removeLast(), of: peer) {
        ledger.grant(limit: limit, by: peer)
      }
    }
  }

  @Test func absurdCountsDoNoHarm() {
    var grants = CreditGrants()
    grants.receive(bytesBefore: .max - 3, bytes: 100, from: peer)
    grants.receive(bytesBefore: .max - 3, bytes: 2, from: peer)
    #expect(grants.announce(to: peer) == .max)
    #expect(grants.release(1 << 40, of: peer) == nil)
    #expect(grants.release(5, of: other) == nil)
  }
}
