import Cluster
import Messages
import Testing

/// Which bytes are requested, and which are believed.
struct FetchLedgerTests {
  private static let digest = Digest(of: [1] as [UInt8])
  private static let part = Limits.statePart

  private static func answer(_ request: StateRequest) -> StatePart {
    StatePart(
      digest: request.digest, first: request.bytes.lowerBound,
      payload: [UInt8](repeating: 7, count: request.bytes.count))
  }

  @Test func aFewPartsAreRequestedAhead() {
    let range = 5..<5 + 6 * Self.part + 3
    var ledger = FetchLedger(Self.digest, range)
    let first = ledger.requests()
    #expect(first.map(\.bytes.lowerBound) == (0..<FetchLedger.window).map { 5 + $0 * Self.part })
    #expect(first.allSatisfy { $0.digest == Self.digest && $0.bytes.count == Self.part })
    #expect(ledger.requests().isEmpty)
    #expect(ledger.take(Self.answer(first[0])) == first[0].bytes)
    #expect(ledger.requests().map(\.bytes) == [5 + 4 * Self.part..<5 + 5 * Self.part])
  }

  /// Parts are lost, come twice and in any order.
  @Test(arguments: 0..<50) func everyByteComes(_ seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed) + 1)
    let first = Int.random(in: 0...1000, using: &random)
    let range = first..<first + Int.random(in: 0...9 * Self.part, using: &random)
    var ledger = FetchLedger(Self.digest, range)
    var come = Intervals()
    var underWay = ledger.requests()
    var rounds = 0
    while !ledger.isComplete {
      rounds += 1
      try #require(rounds < 10_000, "it does not end")
      guard let place = underWay.indices.randomElement(using: &random) else {
        underWay = ledger.requestsAgain()
        #expect(!underWay.isEmpty)
        continue
      }
      let request = Int.random(in: 0..<5, using: &random) == 0 ? underWay[place] : underWay.remove(at: place)
      if Int.random(in: 0..<3, using: &random) == 0 { continue }
      let isNew = !Intervals(request.bytes).subtracting(come).isEmpty
      #expect(ledger.take(Self.answer(request)) == (isNew ? request.bytes : nil))
      come.insert(request.bytes)
      underWay += ledger.requests()
    }
    #expect(come == Intervals(range))
    #expect(ledger.requestsAgain().isEmpty)
  }

  @Test func whatIsOfSomethingElseIsNotTaken() {
    var ledger = FetchLedger(Self.digest, 100..<200)
    for (first, count) in [(99, 1), (99, 101), (100, 101), (200, 1), (199, 2), (150, 0)] {
      let part = StatePart(digest: Self.digest, first: first, payload: [UInt8](repeating: 0, count: count))
      #expect(ledger.take(part) == nil, "\(count) bytes from \(first)")
    }
    let other = StatePart(digest: Digest(of: [2] as [UInt8]), first: 100, payload: [0])
    #expect(ledger.take(other) == nil)
    #expect(ledger.take(StatePart(digest: Self.digest, first: 199, payload: [0])) == 199..<200)
    #expect(!ledger.isComplete)
  }

  @Test func nothingIsCompleteAtOnce() {
    var ledger = FetchLedger(Self.digest, 3..<3)
    #expect(ledger.isComplete)
    #expect(ledger.requests().isEmpty)
  }
}
