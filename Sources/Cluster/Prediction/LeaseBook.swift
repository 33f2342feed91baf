import Messages

/// Leases of Monte Carlo samples of examples to workers, until every sample has come.
///
/// The samples lie in a grid of cells; each cell is a range of samples for a range of examples. Any worker that asks
/// gets a lease of a cell. When all cells are leased, those whose deadline has passed go out again, and then those that
/// others still compute, so a worker that has died or is slow does not hold up the rest. A sample is a function of its
/// index alone, so it does not matter whose result comes first; the later ones are dropped.
///
/// A value without clock or sockets: the owner passes in the time and carries out what it returns.
public struct LeaseBook<Worker: Hashable & Sendable>: Sendable {
  public struct Cell: Hashable, Sendable {
    public let samples: Range<Int>
    public let examples: Range<Int>
  }

  /// What a result came to.
  public enum Receipt: Hashable, Sendable {
    /// The first result of a cell.
    case taken(Cell)
    /// The cell's result has come before, or it belongs to an earlier book.
    case known
    /// It is not what was leased; the reason.
    case refused(String)
  }

  private struct Holder: Sendable {
    let worker: Worker
    let since: Timestamp
    let deadline: Timestamp
  }

  private struct Entry: Sendable {
    let cell: Cell
    var holders: [Holder] = []
    var isDone = false
  }

  private let prediction: UInt64
  private let parameters: Digest
  private let firstLease: UInt64
  private var nextLease: UInt64
  /// Of every lease that was issued, from `firstLease` on, its cell.
  private var leased: [Int] = []
  private var entries: [Entry]
  /// All cells before this one are leased or done.
  private var fresh = 0
  private var left: Int
  private var longest: Duration = .zero
  private let leastPatience: Duration

  /// So many workers may be at a cell whose deadlines have not passed.
  private static var sharing: Int { 2 }

  /// - Parameters:
  ///   - samples, examples: what is to be computed.
  ///   - cell: how many samples of how many examples are leased at a time, at least one of each.
  ///   - firstLease: greater than every lease of an earlier book of the prediction.
  ///   - patience: how long a lease may take at least before its cell is given to another worker as well.
  public init(
    prediction: UInt64, parameters: Digest, samples: Range<Int>, examples: Range<Int>,
    cell: (samples: Int, examples: Int), firstLease: UInt64 = 1, patience: Duration = .seconds(5)
  ) {
    precondition(cell.samples > 0 && cell.examples > 0 && firstLease > 0)
    self.prediction = prediction
    self.parameters = parameters
    self.firstLease = firstLease
    nextLease = firstLease
    leastPatience = patience
    entries = stride(from: examples.lowerBound, to: examples.upperBound, by: cell.examples).flatMap { example in
      stride(from: samples.lowerBound, to: samples.upperBound, by: cell.samples).map { sample in
        Entry(
          cell: Cell(
            samples: sample..<min(sample + cell.samples, samples.upperBound),
            examples: example..<min(example + cell.examples, examples.upperBound)))
      }
    }
    left = entries.count
  }

  /// The number that the next book's leases begin with.
  public var nextFirstLease: UInt64 { nextLease }
  public var isComplete: Bool { left == 0 }

  /// How many leases it takes, were each given once, and how many of those have come back.
  public var counts: (leases: Int, done: Int) { (entries.count, entries.count - left) }

  /// The leases that are out, the oldest first.
  public var out: [(worker: Worker, cell: Cell, since: Timestamp)] {
    entries.flatMap { entry in entry.holders.map { ($0.worker, entry.cell, $0.since) } }.sorted { $0.2 < $1.2 }
  }

  /// Samples that have not come, by ranges of examples: cells that follow each other are one.
  public var missing: [Cell] {
    entries.filter { !$0.isDone }.reduce(into: []) { missing, entry in
      let cell = entry.cell
      if let last = missing.last, last.examples == cell.examples, last.samples.upperBound == cell.samples.lowerBound {
        missing[missing.count - 1] = Cell(
          samples: last.samples.lowerBound..<cell.samples.upperBound, examples: cell.examples)
      } else {
        missing.append(cell)
      }
    }
  }

  /// What a worker is to compute; `nil` when there is nothing for it now.
  public mutating func lease(to worker: Worker, now: Timestamp) -> SampleLease? {
    while fresh < entries.count, entries[fresh].isDone || !entries[fresh].holders.isEmpty { fresh += 1 }
    guard let place = fresh < entries.count ? fresh : again(for: worker, now: now) else { return nil }
    let patience = max(leastPatience, longest * 4)
    entries[place].holders.append(Holder(worker: worker, since: now, deadline: now + patience))
    leased.append(place)
    let cell = entries[place].cell
    defer { nextLease += 1 }
    return SampleLease(
      lease: nextLease, prediction: prediction, parameters: parameters,
      samples: UInt64(cell.samples.lowerBound)..<UInt64(cell.samples.upperBound), examples: cell.examples,
      deadlineMilliseconds: max(patience.milliseconds, 1))
  }

  /// A cell that goes out once more: one whose holders are all late, or else the one that has been out for longest.
  private func again(for worker: Worker, now: Timestamp) -> Int? {
    var best: (place: Int, since: Timestamp)?
    for (place, entry) in entries.enumerated() where !entry.isDone {
      let punctual = entry.holders.filter { $0.deadline > now }
      if punctual.isEmpty { return place }
      guard punctual.count < Self.sharing, !punctual.contains(where: { $0.worker == worker }) else { continue }
      let since = punctual.map(\.since).min()!
      if best == nil || since < best!.since { best = (place, since) }
    }
    return best?.place
  }

  /// A result has come from a worker.
  public mutating func take(_ result: SampleResult, from worker: Worker, now: Timestamp) -> Receipt {
    guard result.prediction == prediction else { return .refused("it is of another prediction") }
    guard result.lease >= firstLease else { return .known }
    guard result.lease < nextLease else { return .refused("its lease was never issued") }
    let place = leased[Int(result.lease - firstLease)]
    let cell = entries[place].cell
    guard result.samples == UInt64(cell.samples.lowerBound)..<UInt64(cell.samples.upperBound),
      result.examples == cell.examples
    else { return .refused("it is not of the samples that were leased") }
    guard !entries[place].isDone else { return .known }
    if let holder = entries[place].holders.last(where: { $0.worker == worker }) {
      longest = max(longest, now - holder.since)
    }
    entries[place].isDone = true
    entries[place].holders = []
    left -= 1
    return .taken(cell)
  }

  /// A worker is gone; what it was at goes out again.
  public mutating func lost(_ worker: Worker) {
    for place in entries.indices where !entries[place].isDone {
      let before = entries[place].holders.count
      entries[place].holders.removeAll { $0.worker == worker }
      if entries[place].holders.isEmpty, before > 0 { fresh = min(fresh, place) }
    }
  }
}
