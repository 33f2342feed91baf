import Networks
import Tensors
import Training

/// New values of running statistics, from a total that holds the batches' statistics in the place of their gradient.
package struct RunningAverages {
  private let values: [(slot: Slot, values: [Float])]

  /// Takes the statistics out of a total.
  /// - Parameters:
  ///   - statistics: their slots in the total.
  ///   - place: where a slot of the total lies in the parameters.
  ///   - leavingZeros: whether zeros are left there, so that an optimizer sees no gradient of them. Blocks that are written
  ///     do not lie one behind the other any more.
  package init(
    _ statistics: [RunningStatistic], of parameters: FlatBuffer, takenFrom total: Total,
    at place: (Slot) -> Slot = { $0 }, leavingZeros: Bool = true
  ) {
    values = statistics.map { statistic in
      let slot = place(statistic.slot)
      let present = parameters.tensor(slot).values
      let share = statistic.momentum / Float(max(total.examples, 1))
      let sums = total.take(statistic.slot, leavingZeros: leavingZeros)
      // A step of nothing, such as pictures without a labelled pixel, has no statistics.
      guard total.examples > 0 else { return (slot, present) }
      return (slot, zip(present, sums).map { (1 - statistic.momentum) * $0 + share * $1 })
    }
  }

  package func write(to parameters: FlatBuffer) {
    for (slot, values) in values {
      (parameters.float32.baseAddress! + slot.offset).update(from: values, count: values.count)
    }
  }
}

extension Total {
  /// The summed numbers of a slot.
  fileprivate func take(_ slot: Slot, leavingZeros: Bool) -> [Float] {
    var values: [Float] = []
    for block in slot.offset / Total.blockLength..<blockCount {
      let range = range(ofBlock: block)
      let part = slot.range.clamped(to: range)
      if part.isEmpty { break }
      let own = part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound
      values += float32(block: block)[own]
      if leavingZeros { writable(block: block)[own].update(repeating: 0) }
    }
    return values
  }
}
