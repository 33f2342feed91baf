import Synchronization
import Tensors
import Training

extension Crew {
  /// The results of a function of each number in 0 ..< count, in order, made on all lanes.
  /// - Parameter length: how many of them a lane makes at a time; more where each takes little.
  package func map<Result: Sendable>(
    _ count: Int, atATime length: Int = 1, _ body: @escaping @Sendable (Int) throws -> Result
  ) throws -> [Result] {
    let blocks = (count + length - 1) / length
    let results = Mutex([[Result]](repeating: [], count: blocks))
    try forEach(blocks) { block, _ in
      let part = try (block * length..<min((block + 1) * length, count)).map(body)
      results.withLock { $0[block] = part }
    }
    return results.withLock { Array($0.joined()) }
  }

  /// Runs `body` for pieces of a buffer's numbers, each of a total's block.
  package func forEachBlock(of count: Int, _ body: @escaping @Sendable (_ range: Range<Int>) throws -> Void) throws {
    try forEach((count + Total.blockLength - 1) / Total.blockLength) { block, _ in
      try body(block * Total.blockLength..<min((block + 1) * Total.blockLength, count))
    }
  }

  /// The sum of what `body` makes of such pieces, added in a fixed tree.
  package func sumOverBlocks(of count: Int, _ body: @escaping @Sendable (_ range: Range<Int>) throws -> Double) throws
    -> Double
  {
    let sums = Mutex([Double](repeating: 0, count: (count + Total.blockLength - 1) / Total.blockLength))
    try forEachBlock(of: count) { range in
      let sum = try body(range)
      sums.withLock { $0[range.lowerBound / Total.blockLength] = sum }
    }
    return sums.withLock { TreeSum.of($0) }
  }
}
