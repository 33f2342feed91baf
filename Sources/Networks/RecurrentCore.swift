import Tensors

/// A layer with a state: what it makes of a tensor depends on the state, and makes the next one.
///
/// A core is a value, as a ``Layer`` is. The layers in it take their weights from the pass, the same at every step.
public protocol RecurrentCore: Sendable {
  /// How many numbers the state of one sequence has.
  var stateWidth: Int { get }
  func initialize(_ parameters: FlatBuffer, seed: UInt64)
  /// The state before the first step, [count, stateWidth].
  func initialState(_ count: Int, _ pass: Pass) -> Tensor
  /// One step of sequences: x [count, …] and their state [count, stateWidth].
  func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor)
  /// All steps of a window of `count` sequences, from the state before it.
  ///
  /// - Parameters:
  ///   - x: [steps · count, …], the rows of the first step first.
  ///   - pass: that of a step. The passes of a window differ in their noise alone.
  /// - Returns: what the steps put out, in the order of x, and the state behind the last.
  func unrolled(over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass)
    -> (outputs: Tensor, state: Tensor)
  /// Takes as many numbers of noise as its layers need.
  mutating func takeStreams(_ next: inout NoiseStreams)
}

extension RecurrentCore {
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {}
  public func initialState(_ count: Int, _ pass: Pass) -> Tensor { .zeros([count, stateWidth]) }
  public mutating func takeStreams(_ next: inout NoiseStreams) {}

  public func unrolled(
    over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) { stepped(over: x, steps: steps, from: state, pass) }

  /// The same, one step after the other.
  func stepped(
    over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) {
    var state = state
    let outputs = (0..<steps).map { step in
      let (output, next) = self(x.rows(ofStep: step, of: steps), state, pass(step))
      state = next
      return output
    }
    return (outputs.joinedRows, state)
  }
}

extension Tensor {
  /// The rows of one of so many steps, which lie one behind the other.
  func rows(ofStep step: Int, of steps: Int) -> Tensor {
    let count = shape[0] / steps
    return rows(step * count..<(step + 1) * count)
  }
}

extension RandomAccessCollection<Tensor> {
  /// All rows, in halves, so that none is copied often.
  public var joinedRows: Tensor {
    guard count > 1 else { return self[startIndex] }
    let middle = index(startIndex, offsetBy: count / 2)
    return self[..<middle].joinedRows.joiningRows(self[middle...].joinedRows)
  }
}

/// Cores on top of each other: each sees what the one below puts out. The states stand side by side.
public struct RecurrentStack: RecurrentCore {
  public private(set) var cores: [any RecurrentCore]

  /// Numbers the noise of the cores in their order.
  public init(_ cores: [any RecurrentCore]) {
    self.cores = cores
    var streams = NoiseStreams()
    takeStreams(&streams)
  }

  public var stateWidth: Int { cores.reduce(0) { $0 + $1.stateWidth } }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    for index in cores.indices { cores[index].takeStreams(&next) }
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for core in cores { core.initialize(parameters, seed: seed) }
  }

  public func initialState(_ count: Int, _ pass: Pass) -> Tensor {
    let states = cores.map { $0.initialState(count, pass) }
    return states.dropFirst().reduce(states[0]) { $0.joiningColumns($1) }
  }

  public func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    var (x, first) = (x, 0)
    var states: [Tensor] = []
    for core in cores {
      let (output, next) = core(x, state.columns(first..<first + core.stateWidth), pass)
      states.append(next)
      (x, first) = (output, first + core.stateWidth)
    }
    return (x, states.dropFirst().reduce(states[0]) { $0.joiningColumns($1) })
  }

  /// Core by core: each sees the whole window of the one below.
  public func unrolled(
    over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) {
    var (x, first) = (x, 0)
    var states: [Tensor] = []
    for core in cores {
      let own = state.columns(first..<first + core.stateWidth)
      let (outputs, next) = core.unrolled(over: x, steps: steps, from: own, pass)
      states.append(next)
      (x, first) = (outputs, first + core.stateWidth)
    }
    return (x, states.dropFirst().reduce(states[0]) { $0.joiningColumns($1) })
  }
}
