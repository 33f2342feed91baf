import Synchronization
import Training

extension Crew {
  /// The results of a function of each number in 0 ..< count, in order, one at a time on each lane.
  func mapEach<Result: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Result
  ) throws -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count))
    try forEach(count) { item, _ in
      let result = try body(item)
      results.withLock { $0[item] = result }
    }
    return results.withLock { $0.map { $0! } }
  }

  /// Runs `body` for pieces of a buffer's numbers, each of a total's block.
  func forEachBlock(of count: Int, _ body: @escaping @Sendable (_ range: Range<Int>) throws -> Void) throws {
    try forEach((count + Total.blockLength - 1) / Total.blockLength) { block, _ in
      try body(block * Total.blockLength..<min((block + 1) * Total.blockLength, count))
    }
  }
}
