/// An operation that can be differentiated: it knows its derivative, and that derivative is made of primitives again,
/// so that a gradient can be differentiated once more (gradient penalty, R1, path length).
///
/// A primitive is a small value (24 bytes or less are stored without allocation): what is not a tensor, such as an
/// exponent or an axis. Rooms above add their own, fused ones among them.
public protocol Primitive {
  /// Adds to the sink the cotangents of the inputs, given `dy`, the cotangent of the output.
  ///
  /// `inputs` and `output` are recorded on the tape if the pullback is to be differentiated itself (`sink.isRecorded`),
  /// and plain otherwise; a primitive may then use fused kernels that have no derivative of their own.
  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink)
}

/// Up to four tensors, held inline.
public struct Inputs {
  private var first: Tensor?
  private var second: Tensor?
  private var third: Tensor?
  private var fourth: Tensor?
  public let count: Int

  public init(_ first: Tensor) {
    self.first = first
    count = 1
  }

  public init(_ first: Tensor, _ second: Tensor) {
    (self.first, self.second) = (first, second)
    count = 2
  }

  public init(_ first: Tensor, _ second: Tensor, _ third: Tensor) {
    (self.first, self.second, self.third) = (first, second, third)
    count = 3
  }

  public init(_ first: Tensor, _ second: Tensor, _ third: Tensor, _ fourth: Tensor) {
    (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
    count = 4
  }

  fileprivate init() { count = 0 }

  public subscript(_ index: Int) -> Tensor {
    switch index {
    case 0: first!
    case 1: second!
    case 2: third!
    default: fourth!
    }
  }

  fileprivate var detached: Inputs {
    var copy = self
    (copy.first, copy.second) = (first?.detached, second?.detached)
    (copy.third, copy.fourth) = (third?.detached, fourth?.detached)
    return copy
  }

  /// Whether a node that one of the inputs stands for satisfies a condition.
  fileprivate func contains(where condition: (Int) -> Bool) -> Bool {
    (0..<count).contains { self[$0].record.map { condition($0.index) } ?? false }
  }

  fileprivate var tape: Tape? {
    first?.record?.tape ?? second?.record?.tape ?? third?.record?.tape ?? fourth?.record?.tape
  }

  /// Whether all inputs that are recorded at all are places of this tape as it is now.
  fileprivate func belong(to tape: Tape) -> Bool {
    (0..<count).allSatisfy { self[$0].record.map(tape.holds) ?? true }
  }
}

/// Where a pullback leaves the cotangents of its inputs.
public struct CotangentSink: ~Copyable {
  fileprivate let tape: Tape
  fileprivate let inputs: Inputs
  /// Whether the pullback itself is being recorded.
  public let isRecorded: Bool

  /// Whether derivatives with respect to this input are asked for.
  public func wants(_ input: Int) -> Bool {
    guard let record = inputs[input].record else { return false }
    return tape.isWanted(record.index)
  }

  /// Adds a cotangent of an input.
  public func add(_ cotangent: Tensor, to input: Int) {
    guard wants(input), let record = inputs[input].record else { return }
    precondition(cotangent.shape == inputs[input].shape, "a cotangent has the shape of what it belongs to")
    tape.accumulate(cotangent, at: record.index)
  }

  /// Lets the pullback write a cotangent where it belongs: into a variable's gradient if the input is one, so that
  /// no sum follows. `body` gets the destination and whether to add to what it holds.
  public func write(to input: Int, _ body: (_ destination: Tensor, _ accumulate: Bool) -> Void) {
    guard wants(input), let record = inputs[input].record else { return }
    precondition(!isRecorded, "a recorded pullback is made of primitives")
    tape.accumulate(at: record.index, shape: inputs[input].shape, body)
  }
}

/// The list of operations that made a result from variables, in order: walked backwards, it yields derivatives.
///
/// A tape belongs to one lane. `reset()` forgets the operations and keeps the memory, so that a step in the steady
/// state allocates no tensors.
public final class Tape {
  private struct Node {
    var primitive: (any Primitive)?
    var inputs: Inputs
    var output: Tensor?
    /// For a variable with a gradient of its own: where it goes.
    var gradient: Tensor?
    var gradientIsSet = false
  }

  private struct Relevance: OptionSet {
    let rawValue: UInt8
    static let isSource = Relevance(rawValue: 1)
    static let leadsToSource = Relevance(rawValue: 2)
  }

  private var nodes: [Node] = []
  private var cotangents: [Tensor?] = []
  /// While `gradient(of:withRespectTo:)` runs: what each node is to its sources. Empty: all lead to one.
  private var relevance: [Relevance] = []
  /// Whether `backward` runs, which leaves derivatives in the variables' gradients.
  private var isWalkingBack = false
  /// How often the tape was reset: distinguishes a tensor of an earlier time from one of this.
  private(set) var age: UInt32 = 0

  public init() {}

  /// Forgets everything that was recorded.
  public func reset() {
    nodes.removeAll(keepingCapacity: true)
    cotangents.removeAll(keepingCapacity: true)
    age &+= 1
  }

  /// A tensor with respect to which derivatives can be taken.
  /// - Parameter gradient: where `backward` leaves this variable's derivative (it is overwritten, or set to zero if the
  ///   result does not depend on the variable).
  public func variable(_ value: Tensor, gradient: Tensor? = nil) -> Tensor {
    precondition(gradient == nil || gradient!.shape == value.shape)
    nodes.append(Node(primitive: nil, inputs: Inputs(), output: value.detached, gradient: gradient))
    return value.recorded(on: self, at: nodes.count - 1)
  }

  /// Whether a place is one of this tape's, and not of a time before `reset()`.
  fileprivate func holds(_ record: Tensor.Record) -> Bool { record.tape === self && record.age == age }

  /// The operations since `reset()` that are not yet forgotten, in order: what a test needs to know that it has seen
  /// them all.
  package var primitives: [any Primitive] { nodes.compactMap(\.primitive) }

  fileprivate func record(_ primitive: some Primitive, _ inputs: Inputs, _ output: Tensor) -> Tensor {
    precondition(inputs.belong(to: self), "an operation on tensors of two tapes, or of one that was reset since")
    nodes.append(Node(primitive: primitive, inputs: inputs, output: output.detached, gradient: nil))
    return output.recorded(on: self, at: nodes.count - 1)
  }

  // MARK: Derivatives

  /// Leaves in the `gradient` of every variable the derivative of a scalar with respect to it, and forgets the
  /// operations as it goes: activations return to the pool as soon as they are no longer needed.
  ///
  /// - Parameter finished: hears of each variable's gradient that it is final, as soon as the operation is done that
  ///   used the variable first.
  public func backward(from result: Tensor, seed: Float = 1, finished: ((_ gradient: Tensor) -> Void)? = nil) {
    isWalkingBack = true
    defer { isWalkingBack = false }
    start(from: result, seed: Tensor(repeating: seed, result.shape))
    var firstUses = finished == nil ? [:] : firstUses(upTo: result.record!.index)
    for index in stride(from: result.record!.index, through: 0, by: -1) {
      guard nodes[index].primitive != nil else { continue }
      pull(index, recorded: false)
      nodes[index] = Node(primitive: nil, inputs: Inputs(), output: nil, gradient: nil)
      for variable in firstUses.removeValue(forKey: index) ?? [] {
        settleGradient(variable)
        finished?(nodes[variable].gradient!)
      }
    }
    for index in nodes.indices where nodes[index].gradient != nil {
      settleGradient(index)
      nodes[index].gradientIsSet = false
    }
    cotangents.removeAll(keepingCapacity: true)
  }

  /// A result that does not depend on a variable has the derivative zero.
  private func settleGradient(_ variable: Int) {
    guard let gradient = nodes[variable].gradient, !nodes[variable].gradientIsSet else { return }
    gradient.pointer.update(repeating: 0, count: gradient.count)
    nodes[variable].gradientIsSet = true
  }

  /// The variables with a gradient, by the operation that uses them first.
  private func firstUses(upTo last: Int) -> [Int: [Int]] {
    var uses: [Int: [Int]] = [:]
    var seen: Set<Int> = []
    for index in 0...last where nodes[index].primitive != nil {
      let inputs = nodes[index].inputs
      for input in 0..<inputs.count {
        guard let variable = inputs[input].record?.index, nodes[variable].gradient != nil,
          seen.insert(variable).inserted
        else { continue }
        uses[index, default: []].append(variable)
      }
    }
    return uses
  }

  /// The derivatives of the sum of a result's elements with respect to each of `sources`: variables, or results of
  /// operations. Zeros for what the result does not depend on.
  /// - Parameter recorded: whether the derivatives are recorded themselves and can be differentiated again.
  public func gradient(of result: Tensor, withRespectTo sources: [Tensor], recorded: Bool = false) -> [Tensor] {
    start(from: result, seed: Tensor(repeating: 1, result.shape))
    let last = result.record!.index
    relevance.append(contentsOf: repeatElement([], count: nodes.count))
    var first = last
    for case let record? in sources.map(\.record) {
      precondition(holds(record), "a source that was not recorded on this tape since it was reset")
      relevance[record.index].insert(.isSource)
      first = min(first, record.index)
    }
    for index in first...last where nodes[index].inputs.contains(where: { !relevance[$0].isEmpty }) {
      relevance[index].insert(.leadsToSource)
    }
    for index in stride(from: last, through: first, by: -1) where relevance[index].contains(.leadsToSource) {
      pull(index, recorded: recorded, keepingCotangent: relevance[index].contains(.isSource))
    }
    let derivatives = sources.map { source -> Tensor in
      guard let record = source.record, let cotangent = cotangents[record.index] else { return .zeros(source.shape) }
      return cotangent
    }
    cotangents.removeAll(keepingCapacity: true)
    relevance.removeAll(keepingCapacity: true)
    return derivatives
  }

  private func start(from result: Tensor, seed: Tensor) {
    precondition(result.record.map(holds) ?? false, "the result was not recorded on this tape since it was reset")
    precondition(nodes[result.record!.index].output != nil, "`backward` has forgotten how the result was made")
    precondition(cotangents.isEmpty, "a pullback cannot start another one on its own tape")
    cotangents.append(contentsOf: repeatElement(nil, count: nodes.count))
    cotangents[result.record!.index] = seed
  }

  private func pull(_ index: Int, recorded: Bool, keepingCotangent: Bool = false) {
    guard let dy = cotangents[index], let primitive = nodes[index].primitive, let output = nodes[index].output else {
      return
    }
    let inputs = nodes[index].inputs
    let sink = CotangentSink(tape: self, inputs: inputs, isRecorded: recorded)
    if recorded {
      primitive.pullback(dy, inputs: inputs, output: output.recorded(on: self, at: index), into: sink)
    } else {
      if !keepingCotangent { cotangents[index] = nil }
      primitive.pullback(dy, inputs: inputs.detached, output: output, into: sink)
    }
  }

  fileprivate func isWanted(_ index: Int) -> Bool {
    precondition(nodes[index].output != nil, "a derivative through an operation that `backward` has forgotten")
    return relevance.isEmpty || !relevance[index].isEmpty
  }

  fileprivate func accumulate(_ cotangent: Tensor, at index: Int) {
    if let gradient = nodes[index].gradient, isWalkingBack {
      if nodes[index].gradientIsSet {
        gradient.add(inPlace: cotangent)
      } else {
        gradient.pointer.update(from: cotangent.pointer, count: gradient.count)
        nodes[index].gradientIsSet = true
      }
    } else if let present = cotangents[index] {
      cotangents[index] = present + cotangent
    } else {
      cotangents[index] = cotangent
    }
  }

  fileprivate func accumulate(at index: Int, shape: Shape, _ body: (Tensor, Bool) -> Void) {
    if let gradient = nodes[index].gradient, isWalkingBack {
      body(gradient, nodes[index].gradientIsSet)
      nodes[index].gradientIsSet = true
    } else if let present = cotangents[index] {
      let sum = Tensor(uninitialized: shape)
      sum.pointer.update(from: present.pointer, count: sum.count)
      body(sum, true)
      cotangents[index] = sum
    } else {
      let cotangent = Tensor(uninitialized: shape)
      body(cotangent, false)
      cotangents[index] = cotangent
    }
  }
}

/// Puts a primitive's output on the tape of its inputs, if they have one: the last line of every operation.
public func recording(_ primitive: some Primitive, _ inputs: Inputs, _ output: Tensor) -> Tensor {
  guard let tape = inputs.tape else { return output }
  return tape.record(primitive, inputs, output)
}
