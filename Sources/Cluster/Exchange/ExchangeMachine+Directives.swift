import Messages

extension ExchangeMachine {
  func directives(_ steps: [PhaseWork.Step], of phase: PhaseIndex) -> [ExchangeDirective] {
    steps.flatMap { step -> [ExchangeDirective] in
      switch step {
      case .merge(let subtree, let elements): return [.merge(phase, subtree: subtree, elements: elements)]
      case .sum(let subtree, let elements, let left, let right):
        return [.sum(phase, subtree: subtree, elements: elements, left: left, right: right)]
      case .promote(let elements): return [.promote(phase, elements: elements)]
      case .store(let subtree, let elements):
        return [.storePartial(phase, subtree: subtree, elements: elements)]
      case .send(let subtree, let elements): return partials(of: phase, subtree, elements)
      }
    }
  }

  func partials(of phase: PhaseIndex, _ subtree: Subtree, _ elements: Intervals) -> [ExchangeDirective] {
    guard let ownership = viewState?.ownership(count(phase)) else { return [] }
    // Each node begins with the member after it: if all began with the first, its link would be everybody's queue.
    let parts = ownership.parts(of: elements)
    let turn = (parts.filter { $0.owner > node } + parts.filter { $0.owner < node })
    return turn.flatMap { owner, part in
      part.pieces(limit: configuration.chunkElements).map {
        .sendPartial(phase, subtree: subtree, elements: $0, to: owner)
      }
    }
  }

  func totals(of phase: PhaseIndex, _ elements: Intervals, to nodes: [NodeNumber]) -> [ExchangeDirective] {
    guard !nodes.isEmpty else { return [] }
    return elements.pieces(limit: configuration.chunkElements).map { .sendTotal(phase, elements: $0, to: nodes) }
  }

  func stateChunks(_ elements: Intervals, to joiner: NodeNumber) -> [ExchangeDirective] {
    elements.pieces(limit: configuration.chunkBytes).map { .sendState(position, elements: $0, to: joiner) }
  }
}
