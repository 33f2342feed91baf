import Messages

/// What the coordinator knows of the shards of the phase that is being worked on: who is to compute each, who has, and
/// who else is asked when one is overdue.
///
/// That every shard is used exactly once is the exchange's doing (`PhaseWork`: a block that is there is not taken
/// again). The ledger makes sure that every shard is computed at all, by naming rescuers for those that are late.
public struct ShardLedger: Sendable {
  public enum Refusal: Hashable, Sendable {
    case staleView, staleIncarnation, stalePosition, unfit
  }

  /// One shard of the current phase.
  struct Entry: Sendable {
    /// In the order in which they were asked; the first is the view's.
    var executors: [NodeNumber]
    /// The first that has contributed it in full.
    var doneBy: NodeNumber?
  }

  private(set) var view: View?
  /// The phase being worked on, as far as is known here.
  public private(set) var position = PhaseIndex.start
  private var entries: [Entry] = []
  /// Members that have said that all their shards are done.
  private var idle: Set<NodeNumber> = []
  /// Shards that were given to a second node, and completions of shards that were complete.
  public private(set) var rescued = 0
  public private(set) var duplicates = 0
  /// At most this many nodes compute the same shard.
  private let executorLimit: Int

  public init(executorLimit: Int = 3) { self.executorLimit = executorLimit }

  /// Members that compute a shard, of the current phase.
  public func executors(of shard: Int) -> [NodeNumber] { entries[shard].executors }

  public func doneBy(_ shard: Int) -> NodeNumber? { entries[shard].doneBy }

  /// A view was announced. Lost members' shards are their new members' from here on; what survivors have computed
  /// they say again.
  public mutating func begin(_ view: View) {
    self.view = view
    // The exchange decides where the view goes on: the first report says it.
    position = .start
    begin(position)
  }

  private mutating func begin(_ position: PhaseIndex) {
    self.position = position
    idle = []
    entries = []
    for member in view?.members ?? [] {
      entries += member.shards.map { _ in Entry(executors: [member.node], doneBy: nil) }
    }
  }

  /// A member reports what it has done: with a heartbeat, or because it is waiting.
  public mutating func report(
    node: NodeNumber, incarnation: Incarnation, view number: ViewNumber, position: PhaseIndex, done: Intervals
  ) -> Refusal? {
    guard let view, number == view.number else { return .staleView }
    guard let member = view.member(node), member.incarnation == incarnation else { return .staleIncarnation }
    guard position >= self.position else { return .stalePosition }
    guard done.ranges.last.map({ $0.upperBound <= view.shards }) ?? true,
      done.ranges.first.map({ $0.lowerBound >= 0 }) ?? true
    else { return .unfit }
    // No node leaves a phase before all its shards were used, so a later position closes the earlier one.
    if position > self.position { begin(position) }
    for shard in done.ranges.joined() {
      switch entries[shard].doneBy {
      case nil: entries[shard].doneBy = node
      case node: break
      default: duplicates += 1
      }
    }
    if done.isSuperset(
      of: Intervals(entries.indices.filter { entries[$0].executors.contains(node) }.map { $0..<$0 + 1 }))
    {
      idle.insert(node)
    }
    return nil
  }

  /// A member lacks shards. Returns the orders that get them computed: each missing shard goes to an idle member that
  /// does not compute it yet. A shard that somebody has done is only on its way, and is not computed again.
  public mutating func rescue(
    _ late: Late, from node: NodeNumber, _ incarnation: Incarnation
  ) -> Result<[Execute], RefusalError> {
    if let refusal = report(
      node: node, incarnation: incarnation, view: late.view, position: late.position, done: late.shardsDone)
    {
      return .failure(RefusalError(refusal: refusal))
    }
    guard let view, late.missing.ranges.allSatisfy({ 0 <= $0.lowerBound && $0.upperBound <= view.shards }) else {
      return .failure(RefusalError(refusal: .unfit))
    }
    var load: [NodeNumber: Int] = [:]
    for member in idle { load[member] = 0 }
    for entry in entries where entry.doneBy == nil {
      for executor in entry.executors.dropFirst() { load[executor]? += 1 }
    }
    var orders: [Execute] = []
    for shard in late.missing.ranges.joined() where entries[shard].doneBy == nil {
      let entry = entries[shard]
      guard entry.executors.count < executorLimit else { continue }
      let candidates = load.keys.filter { !entry.executors.contains($0) }
      guard let rescuer = candidates.min(by: { (load[$0]!, $0) < (load[$1]!, $1) }) else { continue }
      entries[shard].executors.append(rescuer)
      load[rescuer]! += 1
      rescued += 1
      if let last = orders.last, last.node == rescuer, last.shards.upperBound == shard {
        orders[orders.count - 1].shards = last.shards.lowerBound..<shard + 1
      } else {
        orders.append(Execute(view: view.number, position: position, node: rescuer, shards: shard..<shard + 1))
      }
    }
    return .success(orders)
  }

  /// Why a report was not believed.
  public struct RefusalError: Error, Hashable, Sendable {
    public let refusal: Refusal
  }
}
