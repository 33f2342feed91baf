import Messages

/// How a view goes on, from the positions that its members report. Every member computes the same plan from the same
/// accounts, so no further question is needed.
struct ExchangePlan: Sendable {
  /// The phase that the view works on first: the farthest position of any member.
  let position: PhaseIndex
  /// Digest of the totals absorbed before it.
  let chain: Chain
  /// Members that stand there, ascending: they have the state.
  let donors: [NodeNumber]
  /// Those of them that still hold the totals of the phase before.
  let totalDonors: [NodeNumber]
  /// Members one phase behind the donors, with the same history: the totals of that phase bring them up.
  let laggards: [NodeNumber]
  /// All others: they need the state.
  let joiners: [NodeNumber]
  /// The node that computes each shard of the phase `position`. For later phases, the view decides.
  let executors: [NodeNumber]

  init(view: View, accounts: [NodeNumber: Sync], sequence: PhaseSequence) {
    let members = view.members.map(\.node)
    let position = members.map { accounts[$0]!.position }.max()!
    let farthest = members.filter { accounts[$0]!.position == position }

    // The most common history among the farthest; of equals, that of the lowest number. Histories differ only where
    // a node was cut off and went on alone, or where memory has failed.
    var votes: [Chain: Int] = [:]
    for node in farthest { votes[accounts[node]!.chain, default: 0] += 1 }
    let most = votes.values.max()!
    let chain = farthest.map { accounts[$0]!.chain }.first { votes[$0] == most }!

    let donors = farthest.filter { accounts[$0]!.chain == chain }
    var totalDonors = donors.filter { accounts[$0]!.retainsTotals }
    // They absorbed the same phase last; should one claim another history before it, the first one's word counts.
    let previousChain = totalDonors.first.map { accounts[$0]!.previousChain }
    totalDonors.removeAll { accounts[$0]!.previousChain != previousChain }

    let previous = position.previous(in: sequence)
    let laggards = members.filter { node in
      let account = accounts[node]!
      return previousChain != nil && account.position == previous && account.chain == previousChain
    }
    self.position = position
    self.chain = chain
    self.donors = donors
    self.totalDonors = totalDonors
    self.laggards = laggards
    joiners = members.filter { !donors.contains($0) && !laggards.contains($0) }

    // A shard that a donor has computed already is not computed again, and no node waits for one that has to catch up
    // first.
    var assigned: [NodeNumber] = []
    for member in view.members { assigned += member.shards.map { _ in member.node } }
    executors = assigned.enumerated().map { shard, node in
      let ready = donors.filter { accounts[$0]!.shardsDone.contains(shard) }
      if ready.contains(node) || (ready.isEmpty && donors.contains(node)) { return node }
      return ready.first ?? donors[shard % donors.count]
    }
  }

  func shards(of node: NodeNumber) -> Intervals {
    Intervals(executors.indices.filter { executors[$0] == node }.map { $0..<$0 + 1 })
  }
}
