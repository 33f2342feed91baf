import Cluster
import Messages
import Testing

@Suite struct ShardTreeTests {
  private func expression(_ tree: ShardTree, _ subtree: Subtree) -> String {
    guard let (left, right) = tree.children(of: subtree) else { return "\(subtree.lowerBound)" }
    return "(\(expression(tree, left))+\(expression(tree, right)))"
  }

  @Test(arguments: [
    (1, "0"), (2, "(0+1)"), (3, "((0+1)+2)"), (4, "((0+1)+(2+3))"), (5, "(((0+1)+(2+3))+4)"),
    (6, "(((0+1)+(2+3))+(4+5))"), (7, "(((0+1)+(2+3))+((4+5)+6))"),
    (9, "((((0+1)+(2+3))+((4+5)+(6+7)))+8)"),
  ]) func addsInOneOrder(count: Int, expected: String) {
    let tree = ShardTree(count: count)
    #expect(expression(tree, tree.root) == expected)
  }

  @Test(arguments: 1...40) func everyBlockKnowsItsPlace(count: Int) {
    let tree = ShardTree(count: count)
    var blocks: Set<Subtree> = []
    func visit(_ subtree: Subtree, _ parent: Subtree?) {
      blocks.insert(subtree)
      #expect(tree.contains(subtree))
      #expect(tree.path(to: subtree).last == subtree)
      #expect(tree.sibling(of: subtree)?.parent == parent)
      guard let (left, right) = tree.children(of: subtree) else { return }
      #expect(left.upperBound == right.lowerBound && left.lowerBound == subtree.lowerBound)
      #expect(tree.sibling(of: left)?.sibling == right && tree.sibling(of: right)?.sibling == left)
      visit(left, subtree)
      visit(right, subtree)
    }
    visit(tree.root, nil)
    #expect(blocks.count == 2 * count - 1)
    for start in 0...count {
      for end in start...count + 1 { #expect(tree.contains(start..<end) == blocks.contains(start..<end)) }
    }
  }

  /// A node's shards, any set of them, are sent as the fewest blocks: disjoint, complete, and none could be joined.
  @Test(arguments: 1...200) func blocksOfASet(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let count = Int.random(in: 1...33, using: &random)
    let tree = ShardTree(count: count)
    let shards = Intervals((0..<count).filter { _ in random.chance(0.6) }.map { $0..<$0 + 1 })
    let blocks = tree.blocks(of: shards)
    #expect(Intervals(blocks) == shards)
    #expect(blocks.reduce(0) { $0 + $1.count } == shards.ranges.reduce(0) { $0 + $1.count })
    for block in blocks {
      #expect(tree.contains(block))
      if let (sibling, _) = tree.sibling(of: block) { #expect(!shards.isSuperset(of: Intervals(sibling))) }
    }
  }
}

@Suite struct RangeOwnershipTests {
  private func nodes(_ count: Int) -> [NodeNumber] { (1...UInt32(count)).map { NodeNumber(rawValue: $0 * 3)! } }

  @Test(arguments: [(1, 1), (2, 1), (3, 47), (4, 64), (5, 100_003), (7, 1 << 40), (16384, 1 << 40), (300, 17)])
  func rangesPartitionTheVector(members: Int, count: Int) {
    let ownership = RangeOwnership(members: nodes(members), count: count)
    var next = 0
    for node in ownership.members {
      let range = ownership.range(of: node)
      #expect(range.lowerBound == next)
      #expect(range.lowerBound % 16 == 0 || range.isEmpty)
      #expect(range.count <= count / members + 32)
      next = range.upperBound
    }
    #expect(next == count)
    #expect(ownership.range(of: NodeNumber(rawValue: 1)!).isEmpty)
  }

  @Test func partsGoToTheirOwners() {
    let ownership = RangeOwnership(members: nodes(3), count: 100)
    let parts = ownership.parts(of: Intervals([0..<5, 30..<70, 99..<100]))
    #expect(parts.map(\.owner) == ownership.members)
    #expect(parts[0].elements == Intervals([0..<5, 30..<32]))
    #expect(parts[1].elements == Intervals([32..<64]))
    #expect(parts[2].elements == Intervals([64..<70, 99..<100]))
    #expect(ownership.parts(of: Intervals([64..<65])).map(\.owner) == [ownership.members[2]])
  }
}

@Suite struct ShardAssignmentTests {
  @Test(arguments: 1...300) func blocksPartitionTheShardsInProportion(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let shards = Int.random(in: 1...64, using: &random)
    let lanes = (0..<Int.random(in: 1...12, using: &random)).map { _ in Int.random(in: 1...8, using: &random) }
    let blocks = ShardAssignment.blocks(shards: shards, lanes: lanes)
    var next = 0
    for (block, count) in zip(blocks, lanes) {
      #expect(block.lowerBound == next)
      next = block.upperBound
      let share = Double(shards * count) / Double(lanes.reduce(0, +))
      #expect(abs(Double(block.count) - share) <= 1)
    }
    #expect(next == shards)
  }

  @Test func equalNodesGetAlignedBlocks() {
    #expect(ShardAssignment.blocks(shards: 8, lanes: [2, 2]) == [0..<4, 4..<8])
    #expect(ShardAssignment.blocks(shards: 8, lanes: [1, 1, 1, 1]) == [0..<2, 2..<4, 4..<6, 6..<8])
    #expect(ShardAssignment.blocks(shards: 8, lanes: [3, 1]) == [0..<6, 6..<8])
    #expect(ShardAssignment.blocks(shards: 1, lanes: [1, 1, 1]).map(\.count).reduce(0, +) == 1)
  }
}
