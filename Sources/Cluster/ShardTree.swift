import Messages

/// An aligned block of shards: a node of the tree in which contributions are added.
public typealias Subtree = Range<Int>

/// The fixed binary tree over the shard index in which the contributions of V shards are added.
///
/// A block of n > 1 shards splits at the largest power of two below n: for V = 3 (0+1)+2, for V = 5 ((0+1)+(2+3))+4.
/// So every block but those at the right edge is 2^k shards at a multiple of 2^k, and a node that computes a run of
/// shards can add up the aligned blocks in it beforehand without changing a single bit of the total.
public struct ShardTree: Hashable, Sendable {
  /// V, at least 1.
  public let count: Int

  public init(count: Int) {
    precondition(count > 0, "a step has at least one shard")
    self.count = count
  }

  public var root: Subtree { 0..<count }

  /// `nil` for a single shard.
  public func children(of subtree: Subtree) -> (left: Subtree, right: Subtree)? {
    guard subtree.count > 1 else { return nil }
    // The largest power of two below n has as many bits as n − 1 needs.
    let half = 1 << (Int.bitWidth - 1 - (subtree.count - 1).leadingZeroBitCount)
    let middle = subtree.lowerBound + half
    return (subtree.lowerBound..<middle, middle..<subtree.upperBound)
  }

  public func contains(_ subtree: Subtree) -> Bool {
    guard !subtree.isEmpty, root.contains(subtree) else { return false }
    return path(to: subtree).last == subtree
  }

  /// From the root down to the subtree, or to where the tree has no such block.
  public func path(to subtree: Subtree) -> [Subtree] {
    var path = [root]
    while let last = path.last, last != subtree, let (left, right) = children(of: last) {
      if left.contains(subtree) {
        path.append(left)
      } else if right.contains(subtree) {
        path.append(right)
      } else {
        break
      }
    }
    return path
  }

  /// The block that a block of the tree is added to, and the one above both; `nil` for the root.
  public func sibling(of subtree: Subtree) -> (sibling: Subtree, parent: Subtree)? {
    let path = path(to: subtree)
    guard path.count > 1, path.last == subtree, let (left, right) = children(of: path[path.count - 2]) else {
      return nil
    }
    return (left == subtree ? right : left, path[path.count - 2])
  }

  /// The fewest blocks of the tree that are these shards together: what a node that computes them sends.
  public func blocks(of shards: Intervals) -> [Subtree] {
    var blocks: [Subtree] = []
    func visit(_ subtree: Subtree) {
      let common = shards.intersection(Intervals(subtree))
      if common == Intervals(subtree) {
        blocks.append(subtree)
      } else if !common.isEmpty, let (left, right) = children(of: subtree) {
        visit(left)
        visit(right)
      }
    }
    visit(root)
    return blocks
  }
}

extension Range<Int> {
  /// Whether all of `other` lies in this range.
  func contains(_ other: Range<Int>) -> Bool { lowerBound <= other.lowerBound && other.upperBound <= upperBound }
}
