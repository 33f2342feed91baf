import Cluster
import Messages
import Testing

@Suite("Leases of Monte Carlo samples") struct LeaseBookTests {
  typealias Book = LeaseBook<Int>

  private static let parameters = Digest(bytes: [UInt8](repeating: 7, count: 32))!

  private static func book(
    samples: Int = 10, examples: Range<Int> = 0..<250, cell: (Int, Int) = (3, 100), firstLease: UInt64 = 1
  ) -> Book {
    Book(
      prediction: 5, parameters: parameters, samples: 0..<samples, examples: examples,
      cell: (samples: cell.0, examples: cell.1), firstLease: firstLease, patience: .seconds(2))
  }

  private static func result(_ lease: SampleLease) -> SampleResult {
    SampleResult(
      lease: lease.lease, prediction: lease.prediction, samples: lease.samples, examples: lease.examples, outputs: 1,
      statistics: 1, moments: [UInt8](repeating: 0, count: 8 * lease.samples.count * lease.examples.count))
  }

  private static func lease(_ book: inout Book, to worker: Int, at seconds: Double) throws -> SampleLease {
    let lease = book.lease(to: worker, now: at(seconds))
    return try #require(lease)
  }

  private static func expectNothing(
    _ book: inout Book, for worker: Int, at seconds: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let lease = book.lease(to: worker, now: at(seconds))
    #expect(lease == nil, sourceLocation: sourceLocation)
  }

  private static func at(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

  /// Workers ask, compute, lose what they computed, send it twice, crash with and without a word, and come again.
  @Test(arguments: 0..<300) func everySampleIsTakenOnce(_ seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed) + 1)
    let examples = Int.random(in: 1...420, using: &random)
    let samples = Int.random(in: 1...40, using: &random)
    var book = Self.book(
      samples: samples, examples: 100..<100 + examples,
      cell: (Int.random(in: 1...9, using: &random), 100 * Int.random(in: 1...3, using: &random)))
    var workers: [Int: [SampleLease]] = [0: []]
    var named = 1
    var (time, taken, issued) = (0.0, [Book.Cell](), Set<UInt64>())
    var events = 0
    while !book.isComplete {
      events += 1
      try #require(events < 100_000, "it does not end")
      time += Double.random(in: 0...0.5, using: &random)
      let now = Self.at(time)
      guard let worker = workers.keys.sorted().randomElement(using: &random) else {
        workers[named] = []
        named += 1
        continue
      }
      switch Int.random(in: 0..<20, using: &random) {
      case 0:
        // A crash: sometimes the lost connection shows it.
        workers[worker] = nil
        if Bool.random(using: &random) { book.lost(worker) }
      case 1 where workers.count < 4:
        workers[named] = []
        named += 1
      case 2: if !workers[worker]!.isEmpty { workers[worker]!.removeFirst() }  // lost on the way
      case 3...9:
        guard !workers[worker]!.isEmpty else { break }
        let lease = workers[worker]!.removeFirst()
        for _ in 0..<Int.random(in: 1...2, using: &random) {
          if case .taken(let cell) = book.take(Self.result(lease), from: worker, now: now) { taken.append(cell) }
        }
      default:
        guard let lease = book.lease(to: worker, now: now) else { break }
        #expect(issued.insert(lease.lease).inserted, "a lease's number is never used again")
        #expect(lease.parameters == Self.parameters && lease.prediction == 5)
        workers[worker]!.append(lease)
      }
    }
    #expect(book.missing.isEmpty)
    var seen = [Int](repeating: 0, count: samples * examples)
    for cell in taken {
      for sample in cell.samples { for example in cell.examples { seen[sample * examples + example - 100] += 1 } }
    }
    #expect(seen.allSatisfy { $0 == 1 })
  }

  @Test func aLateLeaseGoesToAnother() throws {
    var book = Self.book(samples: 3, examples: 0..<100)
    let first = try Self.lease(&book, to: 1, at: 0)
    // Nothing is left: the idle worker computes it too, and a third need not yet.
    let second = try Self.lease(&book, to: 2, at: 0.1)
    #expect(second.samples == first.samples && second.examples == first.examples && second.lease != first.lease)
    Self.expectNothing(&book, for: 3, at: 0.2)
    Self.expectNothing(&book, for: 1, at: 0.2)
    let third = try Self.lease(&book, to: 3, at: 5)
    guard case .taken(let cell) = book.take(Self.result(third), from: 3, now: Self.at(6)) else {
      Issue.record("the first result is taken")
      return
    }
    #expect(cell.samples == 0..<3 && cell.examples == 0..<100)
    let receipt = book.take(Self.result(first), from: 1, now: Self.at(6))
    #expect(receipt == .known)
    #expect(book.isComplete)
    Self.expectNothing(&book, for: 2, at: 7)
  }

  @Test func whatALostWorkerHeldGoesOutAtOnce() throws {
    var book = Self.book(samples: 6, examples: 0..<100)
    let first = try Self.lease(&book, to: 1, at: 0)
    book.lost(1)
    let again = try Self.lease(&book, to: 2, at: 0)
    #expect(again.samples == first.samples)
    let next = try Self.lease(&book, to: 2, at: 0)
    #expect(next.samples == 3..<6)
  }

  @Test func missingSamplesAreNamed() throws {
    var book = Self.book(samples: 4, examples: 200..<350, cell: (2, 100))
    let lease = try Self.lease(&book, to: 1, at: 0)
    _ = book.take(Self.result(lease), from: 1, now: Self.at(1))
    #expect(
      book.missing.map { [$0.samples, $0.examples] } == [
        [2..<4, 200..<300], [0..<4, 300..<350],
      ])
  }

  @Test func resultsThatWereNotLeasedAreRefused() throws {
    var book = Self.book(firstLease: 10)
    let lease = try Self.lease(&book, to: 1, at: 0)
    #expect(lease.lease == 10)
    func refused(_ change: (inout SampleResult) -> Void) -> Bool {
      var result = Self.result(lease)
      change(&result)
      if case .refused = book.take(result, from: 1, now: Self.at(1)) { return true }
      return false
    }
    let answers = [
      refused { $0.prediction = 6 }, refused { $0.lease = 11 }, refused { $0.samples = 0..<4 },
      refused { $0.examples = 1..<100 },
    ]
    #expect(answers == [true, true, true, true])
    var old = Self.result(lease)
    old.lease = 9
    let receipt = book.take(old, from: 1, now: Self.at(1))
    #expect(receipt == .known, "of an earlier book")
    #expect(book.nextFirstLease == 11)
  }

  /// Leases are neither longer than a message nor fewer than a few for each node.
  @Test func sizesOfLeases() throws {
    for (samples, examples, width) in [(1000, 600, 10), (10_000, 1, 10), (12, 7, 4), (1, 100_000, 2), (64, 5000, 1000)]
    {
      let size = try #require(LeaseSize.choose(samples: samples, examples: examples, width: width, block: 100))
      #expect(size.examples % 100 == 0 && size.samples >= 1)
      #expect(8 * width * size.samples * min(size.examples, examples) <= 2 << 20, "\(samples) \(examples) \(width)")
      if samples >= 16 { #expect(samples / size.samples >= 10) }
    }
    #expect(LeaseSize.choose(samples: 1, examples: 100, width: 60_000, block: 100) == nil)
  }
}
