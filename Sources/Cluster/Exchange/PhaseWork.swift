import Messages

/// Which sums of one phase one node has, and what follows when one more arrives. Elements are tracked in sets of
/// ranges, so contributions may arrive bucket by bucket, while the backward pass still runs.
struct PhaseWork: Sendable {
  /// What to do with numbers; becomes a directive of the same name.
  enum Step {
    case merge(Subtree, Intervals)
    case sum(Subtree, Intervals, left: SumSource, right: SumSource)
    case promote(Intervals)
    case store(Subtree, Intervals)
    case send(Subtree, Intervals)
  }

  let tree: ShardTree
  /// Elements of the phase's vector.
  let count: Int

  /// Elements that this node has contributed, by shard.
  private var contributed: [Int: Intervals] = [:]
  /// Shards that it has contributed in full.
  private(set) var done = Intervals()
  /// Where its contributions stand: each element of a contributed shard is in exactly one subtree here, the largest
  /// that holds contributed shards only.
  private var own: [Subtree: Intervals] = [:]

  // What follows belongs to a view.

  /// The range that this node adds up.
  private(set) var owned: Range<Int>
  /// The blocks this node is to send, with the elements it has sent. Empty until the view is synchronised.
  private var units: [Subtree: Intervals] = [:]
  private var isActive = false
  /// Sums of others' contributions, and of those with this node's; within `owned`.
  private var sums: [Subtree: Intervals] = [:]
  private(set) var total = Intervals()
  /// Owned elements whose totals are sent to everyone.
  private var announced = Intervals()

  init(shards: Int, count: Int, owned: Range<Int>) {
    tree = ShardTree(count: shards)
    self.count = count
    self.owned = owned
  }

  var isComplete: Bool { total == Intervals(0..<count) }

  // MARK: Views

  /// A new view: what others sent is void, what this node has contributed stays.
  mutating func enterView(owned: Range<Int>) {
    self.owned = owned
    units = [:]
    isActive = false
    sums = [:]
    total = Intervals()
    announced = Intervals()
  }

  /// The view is synchronised: this node sends these shards.
  mutating func activate(sending shards: Intervals) -> [Step] {
    isActive = true
    units = [:]
    for block in tree.blocks(of: shards) { units[block] = Intervals() }
    return settleAll()
  }

  /// Some shards are computed elsewhere too (`split`: others do, so they are sent by themselves from now on), or here
  /// as well (`joined`).
  mutating func divide(split: Intervals, joined: Intervals) -> [Step] {
    let old = units
    let shards = Intervals(units.keys.map { $0 })
    let blocks = tree.blocks(of: shards.subtracting(split)) + tree.blocks(of: shards.intersection(split))
    units = [:]
    for block in blocks + tree.blocks(of: joined.subtracting(shards)) {
      units[block] = old.first { $0.key.contains(block) }?.value ?? Intervals()
    }
    return settleAll()
  }

  private mutating func settleAll() -> [Step] {
    var steps: [Step] = []
    for (subtree, elements) in sortedOwn { settle(subtree, elements, into: &steps) }
    return steps
  }

  /// In an order that does not depend on hashing, so that a simulated run can be replayed.
  private var sortedOwn: [(key: Subtree, value: Intervals)] {
    own.sorted { ($0.key.lowerBound, $0.key.count) < ($1.key.lowerBound, $1.key.count) }
  }

  // MARK: Own contributions

  /// These elements of a shard's contribution are ready.
  mutating func contribute(shard: Int, elements: Intervals) -> [Step] {
    let fresh = elements.subtracting(contributed[shard] ?? Intervals())
    guard !fresh.isEmpty else { return [] }
    contributed[shard, default: Intervals()].formUnion(fresh)
    if contributed[shard]!.contains(0..<count) { done.insert(shard..<shard + 1) }
    var steps: [Step] = []
    var subtree = shard..<shard + 1
    var rising = fresh
    // Upwards as long as the sibling is this node's too.
    while !rising.isEmpty {
      guard let (sibling, parent) = tree.sibling(of: subtree) else {
        own[subtree, default: Intervals()].formUnion(rising)
        settle(subtree, rising, into: &steps)
        break
      }
      let common = rising.intersection(own[sibling] ?? Intervals())
      let rest = rising.subtracting(common)
      if !rest.isEmpty {
        own[subtree, default: Intervals()].formUnion(rest)
        settle(subtree, rest, into: &steps)
      }
      if !common.isEmpty {
        own[sibling]!.subtract(common)
        steps.append(.merge(parent, common))
      }
      subtree = parent
      rising = common
    }
    return steps
  }

  /// Own sums that will not grow for now: to their owners, or into the sums of the own range.
  private mutating func settle(_ subtree: Subtree, _ elements: Intervals, into steps: inout [Step]) {
    guard isActive else { return }
    let mine = elements.intersection(Intervals(owned)).subtracting(covered(subtree))
    if !mine.isEmpty { rise(subtree, mine, from: .own, into: &steps) }
    let others = elements.subtracting(Intervals(owned))
    var unsent = Intervals()
    for (unit, sent) in units where subtree.contains(unit) { unsent.formUnion(others.subtracting(sent)) }
    guard !unsent.isEmpty else { return }
    for unit in units.keys where subtree.contains(unit) { units[unit]!.formUnion(unsent) }
    steps.append(.send(subtree, unsent))
  }

  /// Own sums that hold any of these shards, on these elements: for a peer that asks again.
  func ownSums(of shards: Intervals, on elements: Intervals) -> [(Subtree, Intervals)] {
    sortedOwn.compactMap { subtree, held in
      let common = held.intersection(elements)
      return common.isEmpty || shards.isDisjoint(Intervals(subtree)) ? nil : (subtree, common)
    }
  }

  // MARK: The own range

  /// A partial sum came. No steps: it has come before, or is part of a larger one.
  mutating func receive(_ subtree: Subtree, _ elements: Range<Int>) -> [Step] {
    var fresh = Intervals(elements).intersection(Intervals(owned)).subtracting(covered(subtree))
    if isActive { for block in tree.path(to: subtree) { fresh.subtract(own[block] ?? Intervals()) } }
    guard !fresh.isEmpty else { return [] }
    var steps = [Step.store(subtree, fresh)]
    if subtree == tree.root { total.formUnion(fresh) } else { sums[subtree, default: Intervals()].formUnion(fresh) }
    rise(subtree, fresh, from: .sums, into: &steps)
    return steps
  }

  /// Elements for which this block or one above it is there already: more of it would count a shard twice.
  private func covered(_ subtree: Subtree) -> Intervals {
    var covered = total
    for block in tree.path(to: subtree) { covered.formUnion(sums[block] ?? Intervals()) }
    return covered
  }

  /// `subtree` has become available on these elements: adds it to its sibling where that is available, and so on up.
  private mutating func rise(
    _ subtree: Subtree, _ elements: Intervals, from source: SumSource, into steps: inout [Step]
  ) {
    guard let (sibling, parent) = tree.sibling(of: subtree) else {
      if source == .own { steps.append(.promote(elements)) }
      total.formUnion(elements)
      return
    }
    var rest = elements
    for siblingSource in [SumSource.sums, .own] where siblingSource == .sums || isActive {
      let available = (siblingSource == .sums ? sums[sibling] : own[sibling]) ?? Intervals()
      let common = rest.intersection(available)
      guard !common.isEmpty else { continue }
      rest.subtract(common)
      let isLeft = subtree.lowerBound < sibling.lowerBound
      steps.append(
        .sum(parent, common, left: isLeft ? source : siblingSource, right: isLeft ? siblingSource : source))
      if parent == tree.root {
        total.formUnion(common)
      } else {
        sums[parent, default: Intervals()].formUnion(common)
        rise(parent, common, from: .sums, into: &steps)
      }
    }
  }

  /// Elements of the own range that this shard's numbers are still missing for.
  func missing(shard: Int) -> Intervals {
    var missing = Intervals(owned).subtracting(total)
    for block in tree.path(to: shard..<shard + 1) {
      missing.subtract(sums[block] ?? Intervals())
      if isActive { missing.subtract(own[block] ?? Intervals()) }
    }
    return missing
  }

  // MARK: Totals

  /// Totals came. Returns those that are new.
  mutating func receiveTotal(_ elements: Range<Int>) -> Intervals {
    let fresh = Intervals(elements).subtracting(total)
    total.formUnion(fresh)
    return fresh
  }

  /// Own totals that were not announced yet; this call marks them as announced.
  mutating func takeUnannounced() -> Intervals {
    let fresh = total.intersection(Intervals(owned)).subtracting(announced)
    announced.formUnion(fresh)
    return fresh
  }
}
