import Tensors
import Training

/// What a step hands to the next one for each of its streams: a row of numbers, such as a recurrent state.
///
/// The shard that sees a stream writes the stream's new row into its statistics, and all others leave zeros there. So
/// the rows travel in the total, exact for any number of shards, and every node has them. A learner keeps `rows` among
/// its `auxiliary` buffers: checkpoints and nodes that join need them.
///
///     // In `loss`:
///     let state = carry.state(of: batch, initially: core.initialState(count, pass))
///     let (outputs, last) = core.unrolled(over: window, steps: steps, from: state) { _ in pass }
///     carry.hand(on: last, of: batch)
///     // In `absorb(statistics:of:)`:
///     carry.absorb(statistics)
public struct Carry: Sendable {
  /// The rows that the last step left, [streams, width].
  public let rows: FlatBuffer
  private let slot: Slot
  private let sums: Slot

  /// Adds a slot `name` to a learner's statistics.
  public init(_ name: String = "carry", streams: Int, width: Int, statistics: inout Layout) {
    sums = statistics.add(name, [streams, width])
    var layout = Layout()
    slot = layout.add("rows", [streams, width])
    rows = FlatBuffer(name, layout)
  }

  private var width: Int { slot.shape[1] }

  /// The rows of a shard's streams, [count, width]: what the step before left, or, at the first step of an epoch,
  /// `initial`. No derivative goes through what the step before left.
  public func state(of batch: ShardBatch, initially initial: @autoclosure () -> Tensor) -> Tensor {
    state(of: batch.indices, at: batch.step, initially: initial())
  }

  /// The same for streams that are named by their numbers, for learners without a `ShardBatch`.
  public func state(of streams: [UInt32], at step: Step, initially initial: @autoclosure () -> Tensor) -> Tensor {
    guard step.positionInEpoch > 0 else { return initial() }
    let state = Tensor(uninitialized: [streams.count, width])
    for (row, stream) in streams.enumerated() {
      (state.pointer + row * width).update(
        from: rows.float32.baseAddress! + slot.offset + Int(stream) * width, count: width)
    }
    return state
  }

  /// Hands the rows of a shard's streams on to the next step.
  public func hand(on state: Tensor, of batch: ShardBatch) {
    hand(on: state, of: batch.indices, in: batch.statistics)
  }

  /// Hands on rows by their streams' numbers, through the statistics of the shard's contribution.
  public func hand(on state: Tensor, of streams: [UInt32], in statistics: FlatBuffer) {
    precondition(state.shape == [streams.count, width], "a row for each of the shard's streams")
    let target = statistics.doubles(sums)
    for (row, stream) in streams.enumerated() {
      for column in 0..<width { target[Int(stream) * width + column] = Double(state.pointer[row * width + column]) }
    }
  }

  /// Takes the rows of all shards.
  public func absorb(_ statistics: TotalStatistics) {
    let (target, source) = (rows.tensor(slot).pointer, statistics[sums])
    // −0 plus the zeros of other shards is +0, so it is with one shard too.
    for index in source.indices { target[index] = Float(source[index]) + 0 }
  }
}
