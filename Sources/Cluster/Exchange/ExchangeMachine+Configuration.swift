import Messages

extension ExchangeMachine {
  public struct Configuration: Sendable {
    /// V.
    public var shards: Int
    /// Elements of each phase's vector; each at least 1.
    public var phases: [Int]
    /// Which of them each step has.
    public var sequence: PhaseSequence
    /// Bytes of the state (parameters, optimiser and whatever else the learner keeps); at least 1.
    public var stateCount: Int
    /// Most elements of a partial sum or total in one message, and most bytes of state.
    public var chunkElements: Int
    public var chunkBytes: Int
    /// When to ask for what has not come, from how long phases take.
    public var deadline: AdaptiveDeadline.Configuration

    public init(
      shards: Int, phases: [Int], sequence: PhaseSequence? = nil, stateCount: Int, chunkElements: Int = 1 << 18,
      chunkBytes: Int = 1 << 20,
      deadline: AdaptiveDeadline.Configuration = .init(
        initial: .seconds(2), floor: .seconds(1), cap: .seconds(60), factor: 4)
    ) {
      precondition(shards > 0 && !phases.isEmpty && phases.allSatisfy { $0 > 0 } && stateCount > 0)
      precondition(chunkElements > 0 && chunkBytes > 0)
      self.shards = shards
      self.phases = phases
      self.sequence = sequence ?? PhaseSequence(periods: phases.map { _ in 1 })
      precondition(self.sequence.count == phases.count, "a period for each phase")
      self.stateCount = stateCount
      self.chunkElements = chunkElements
      self.chunkBytes = chunkBytes
      self.deadline = deadline
    }
  }
}
