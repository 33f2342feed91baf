import Messages

/// What an ExchangeMachine wants done, in this order. The machine knows which sums exist where; the code that carries
/// out its directives keeps the numbers. For each phase:
///
/// - `own[subtree]`: sums over this node's contributions, the whole vector,
/// - `sums[subtree]`: sums that it has received or made as owner, of its range,
/// - `totals`: the sum over all shards, the whole vector.
///
/// The tree's root is the total: whatever is stored or summed for it goes into `totals`. With element 0 goes the tally.
public enum ExchangeDirective: Hashable, Sendable {
  /// Contribute these shards of the phase, and no others. Replaces an earlier order for the phase; what is contributed
  /// already is not named.
  case compute(PhaseIndex, shards: Intervals)
  /// `own[subtree] = own[left] + own[right]` on these elements; the children's are not needed any more.
  case merge(PhaseIndex, subtree: Subtree, elements: Intervals)
  /// `sums[subtree] = left + right` on these elements, each child taken where it says.
  case sum(PhaseIndex, subtree: Subtree, elements: Intervals, left: SumSource, right: SumSource)
  /// `totals = own[root]` on these elements: this node has contributed every shard.
  case promote(PhaseIndex, elements: Intervals)
  /// Of the chunk that is being received, `sums[subtree]` gets these elements.
  case storePartial(PhaseIndex, subtree: Subtree, elements: Intervals)
  /// Of the chunk that is being received, `totals` gets these elements.
  case storeTotal(PhaseIndex, elements: Intervals)
  /// Of the chunk that is being received, the state being collected gets these bytes.
  case storeState(elements: Intervals)
  /// `own[subtree]`, to the owner of the elements.
  case sendPartial(PhaseIndex, subtree: Subtree, elements: Range<Int>, to: NodeNumber)
  case sendTotal(PhaseIndex, elements: Range<Int>, to: [NodeNumber])
  /// Bytes of the state that is ready for the phase, its digest and the node's chain.
  case sendState(PhaseIndex, elements: Range<Int>, to: NodeNumber)
  /// A message without a payload.
  case send(DataBody, to: [NodeNumber])
  /// The totals of the phase are complete, and no node can need anything older: apply the update, then call `absorbed`.
  case absorb(PhaseIndex)
  /// The state for the phase is complete: check its digest, load it, then call `stateLoaded`.
  case loadState(PhaseIndex, digest: Digest)
  /// Forget the state being collected.
  case discardState
  /// `sums` and incomplete `totals` of the phase are void: a new view begins. `own` stays.
  case discardSums(PhaseIndex)
  /// Nothing of the phase is needed any more, its totals included.
  case release(PhaseIndex)
  /// Report this to the coordinator.
  case report(Late)
  /// The message was not believed, or changed nothing.
  case refuse(ExchangeRefusal)
}

extension ExchangeDirective {
  /// Whether it is about the numbers of the chunk that is being received.
  var readsPayload: Bool {
    switch self {
    case .storePartial, .storeTotal, .storeState, .sum: true
    default: false
    }
  }
}

public enum SumSource: Hashable, Sendable {
  case own, sums
}

public enum ExchangeRefusal: Hashable, Sendable, CaseIterable {
  /// Of an older view.
  case staleView
  /// Of a view that is not installed here yet, and not worth keeping.
  case laterView
  /// Not a member of the view, or another incarnation.
  case stranger
  /// Of a phase that is over or far ahead.
  case otherPhase
  /// A range, a subtree or a vector that this recipe does not have, or a total that is not the sender's to decide.
  case unfit
  /// State, before all accounts are there; it is asked for as soon as they are.
  case early
  /// Has come before.
  case duplicate
}
