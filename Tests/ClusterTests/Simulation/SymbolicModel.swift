import Cluster
import Messages

/// A training whose numbers are digests of how they were made. Adding is neither commutative nor associative, so two
/// totals are equal only if the same contributions were added in the same order, and a contribution is right only if
/// it was computed from the right parameters.
struct SymbolicModel {
  var shards: Int
  /// Elements of each phase's vector.
  var phases: [Int]
  /// Which of them each step has; nil: all.
  var periods: [Int]?
  /// The first steps that have them; nil: step 0.
  var offsets: [Int]?
  var stateCount: Int
  var steps: UInt64
  /// Whether the total of the last phase may end the training, as that of an evaluation does.
  var votes = false

  var initialState: [UInt64] { (0..<stateCount).map { mix(UInt64($0) &+ 0xABCD) } }

  func count(_ phase: PhaseIndex) -> Int { phases[Int(phase.phase)] }

  var sequence: PhaseSequence { PhaseSequence(periods: periods ?? phases.map { _ in 1 }, offsets: offsets) }

  private var end: PhaseIndex { PhaseIndex(step: steps, phase: 0) }

  /// Whether nothing is left to train when the state is ready for a phase: one vote of four ends the training.
  func isOver(_ state: [UInt64], at phase: PhaseIndex) -> Bool {
    if phase >= end { return true }
    guard votes, let before = phase.previous(in: sequence), before.phase == phases.count - 1 else { return false }
    return state[0] % 4 == 0
  }

  /// - Parameter salt: of a processor that rounds its own way; 0 for the usual one.
  func contribution(_ state: [UInt64], shard: Int, _ phase: PhaseIndex, element: Int, salt: UInt64) -> UInt64 {
    mix(
      state[element % stateCount] &+ mix(UInt64(shard) &* 1_000_003 &+ phase.step &* 97 &+ UInt64(phase.phase))
        &+ UInt64(element) &* 31 &+ salt)
  }

  static func add(_ left: UInt64, _ right: UInt64) -> UInt64 {
    mix(left &* 3 &+ mix(right &* 5 &+ 0x5555))
  }

  func update(_ state: inout [UInt64], totals: [UInt64], _ phase: PhaseIndex) {
    for index in state.indices {
      state[index] = mix(state[index] &+ totals[index % totals.count] &+ phase.step &* 7 &+ UInt64(phase.phase))
    }
  }

  static func checksum(_ numbers: [UInt64]) -> UInt64 { numbers.reduce(0x1234) { mix($0 ^ $1) } }

  static func digest(_ numbers: [UInt64]) -> Digest {
    let word = checksum(numbers)
    return Digest(bytes: (0..<32).map { UInt8(truncatingIfNeeded: word >> UInt64($0 % 8 * 8)) })!
  }

  /// The state after all steps, in one process without faults; and each phase's checksum of totals.
  func undisturbed() -> (state: [UInt64], totals: [PhaseIndex: UInt64]) {
    var state = initialState
    var checksums: [PhaseIndex: UInt64] = [:]
    var phase = PhaseIndex.start
    let tree = ShardTree(count: shards)
    while !isOver(state, at: phase) {
      func sum(_ subtree: Subtree, _ element: Int) -> UInt64 {
        guard let (left, right) = tree.children(of: subtree) else {
          return contribution(state, shard: subtree.lowerBound, phase, element: element, salt: 0)
        }
        return Self.add(sum(left, element), sum(right, element))
      }
      let totals = (0..<count(phase)).map { sum(tree.root, $0) }
      checksums[phase] = Self.checksum(totals)
      update(&state, totals: totals, phase)
      phase = phase.next(in: sequence)
    }
    return (state, checksums)
  }
}

/// The numbers that a node keeps for its exchange machine. Reading one that is not there is a failure of the machine.
struct SymbolicStore {
  struct Key: Hashable {
    var phase: PhaseIndex
    var subtree: Subtree
  }
  struct Missing: Error { var what: String }

  let model: SymbolicModel
  let tree: ShardTree
  var own: [Key: [UInt64?]] = [:]
  var sums: [Key: [UInt64?]] = [:]
  var totals: [PhaseIndex: [UInt64?]] = [:]
  var intake: [UInt64?] = []

  init(_ model: SymbolicModel) {
    self.model = model
    tree = ShardTree(count: model.shards)
  }

  private func read(_ numbers: [UInt64?]?, _ element: Int, _ what: @autoclosure () -> String) throws -> UInt64 {
    guard let number = numbers?[element] else { throw Missing(what: "\(what()) element \(element)") }
    return number
  }

  private func empty(_ phase: PhaseIndex) -> [UInt64?] { [UInt64?](repeating: nil, count: model.count(phase)) }

  func source(_ source: SumSource, _ phase: PhaseIndex, _ subtree: Subtree, _ element: Int) throws -> UInt64 {
    let key = Key(phase: phase, subtree: subtree)
    return try read(source == .own ? own[key] : sums[key], element, "\(source) \(subtree) of \(phase)")
  }

  mutating func contribute(_ phase: PhaseIndex, shard: Int, _ elements: Range<Int>, _ numbers: [UInt64]) {
    let key = Key(phase: phase, subtree: shard..<shard + 1)
    let empty = empty(phase)
    for element in elements { own[key, default: empty][element] = numbers[element] }
  }

  mutating func store(_ phase: PhaseIndex, _ subtree: Subtree, _ element: Int, _ number: UInt64) {
    let empty = empty(phase)
    if subtree == tree.root {
      totals[phase, default: empty][element] = number
    } else {
      sums[Key(phase: phase, subtree: subtree), default: empty][element] = number
    }
  }

  mutating func merge(_ phase: PhaseIndex, _ subtree: Subtree, _ elements: Intervals) throws {
    let (left, right) = tree.children(of: subtree)!
    let empty = empty(phase)
    for element in elements.ranges.joined() {
      let sum = SymbolicModel.add(
        try source(.own, phase, left, element), try source(.own, phase, right, element))
      own[Key(phase: phase, subtree: subtree), default: empty][element] = sum
      own[Key(phase: phase, subtree: left)]![element] = nil
      own[Key(phase: phase, subtree: right)]![element] = nil
    }
  }

  mutating func sum(
    _ phase: PhaseIndex, _ subtree: Subtree, _ elements: Intervals, _ left: SumSource, _ right: SumSource
  ) throws {
    let children = tree.children(of: subtree)!
    for element in elements.ranges.joined() {
      store(
        phase, subtree, element,
        SymbolicModel.add(
          try source(left, phase, children.left, element), try source(right, phase, children.right, element)))
    }
  }

  mutating func promote(_ phase: PhaseIndex, _ elements: Intervals) throws {
    for element in elements.ranges.joined() {
      store(phase, tree.root, element, try source(.own, phase, tree.root, element))
    }
  }

  func partial(_ phase: PhaseIndex, _ subtree: Subtree, _ elements: Range<Int>) throws -> [UInt64] {
    try elements.map { try source(.own, phase, subtree, $0) }
  }

  func total(_ phase: PhaseIndex, _ elements: Range<Int>) throws -> [UInt64] {
    try elements.map { try read(totals[phase], $0, "total of \(phase)") }
  }

  mutating func discardSums(_ phase: PhaseIndex) {
    sums = sums.filter { $0.key.phase != phase }
    totals[phase] = nil
  }

  mutating func release(_ phase: PhaseIndex) {
    own = own.filter { $0.key.phase != phase }
    sums = sums.filter { $0.key.phase != phase }
    totals[phase] = nil
  }
}
