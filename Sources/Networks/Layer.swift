import Tensors

/// A part of a network, or a whole one: a function of a tensor and a ``Pass``.
///
/// A layer is a value. Its numbers lie in slots of a layout, which it adds to the layout when it is made.
public protocol Layer: Sendable {
  func initialize(_ parameters: FlatBuffer, seed: UInt64)
  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor
  /// The slots that are averaged from batches and have no gradient.
  var runningStatistics: [RunningStatistic] { get }
  /// The slots that never have a posterior: they are read from ``Pass/parameters`` as they are.
  var pointSlots: [Slot] { get }
  /// Whether a row of the result depends on other rows of the batch.
  var mixesExamples: Bool { get }
  /// Takes as many numbers of noise as the layer needs, so that no two layers of a network draw the same.
  mutating func takeStreams(_ next: inout NoiseStreams)
}

extension Layer {
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {}
  public var runningStatistics: [RunningStatistic] { [] }
  public var pointSlots: [Slot] { [] }
  public var mixesExamples: Bool { false }
  public mutating func takeStreams(_ next: inout NoiseStreams) {}
}

/// The numbers of noise that are free: those of weights and those of activations are counted apart.
public struct NoiseStreams: Sendable {
  var weights: UInt32 = 0
  var activations: UInt32 = 0

  public mutating func takeWeights() -> UInt32 {
    defer { weights += 1 }
    return weights
  }

  public mutating func takeActivations() -> UInt32 {
    defer { activations += 1 }
    return activations
  }
}

/// A slot that follows the batches' statistics: r ← (1 − momentum) r + momentum · batch.
public struct RunningStatistic: Sendable {
  public let slot: Slot
  /// The weight of a new batch.
  public let momentum: Float

  public init(_ slot: Slot, momentum: Float) { (self.slot, self.momentum) = (slot, momentum) }
}

/// Means and variances of the batches that a network has seen: what running statistics are averaged from. They travel
/// in a contribution, in the place of the running statistics' gradient, which does not exist.
public final class BatchStatistics {
  private var observed: [(slot: Slot, mean: Tensor)] = []
  private var passes: [Slot: Int] = [:]

  public init() {}

  func observe(_ slot: Slot, _ value: Tensor) {
    observed.append((slot, value.detached))
    passes[slot, default: 0] += 1
  }

  /// Sets each slot to `examples` times the mean of what was observed of it: contributions add, and are divided by
  /// their examples.
  public func write(to values: UnsafeMutablePointer<Float>, examples: Int) {
    for slot in passes.keys { (values + slot.offset).update(repeating: 0, count: slot.shape.count) }
    for (slot, mean) in observed {
      let weight = Float(examples) / Float(passes[slot]!)
      for index in 0..<slot.shape.count { values[slot.offset + index] += weight * mean.pointer[index] }
    }
  }
}
