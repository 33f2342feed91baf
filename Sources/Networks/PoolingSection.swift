import Tensors

/// A layer that holds others and applies them within.
public protocol EnclosingLayer: Layer {
  var inner: LayerStack { get set }
}

extension EnclosingLayer {
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) { inner.initialize(parameters, seed: seed) }
  public var runningStatistics: [RunningStatistic] { inner.runningStatistics }
  public var pointSlots: [Slot] { inner.pointSlots }
  public var mixesExamples: Bool { inner.mixesExamples }
  public mutating func takeStreams(_ next: inout NoiseStreams) { inner.takeStreams(&next) }
}

/// Maximum pooling, layers on what it leaves, and the unpooling that puts their result where the maxima lay (Badrinarayanan,
/// Kendall and Cipolla, SegNet, 2017): [n, h, w, c] → [n, h, w, c].
///
/// The layers within keep the shape that the pooling leaves. Dropout among them changes numbers, not places.
public struct PoolingSection: EnclosingLayer {
  public let pooling: Pooling
  public var inner: LayerStack

  public init(_ pooling: Pooling, _ inner: LayerStack) {
    precondition(pooling.kind == .maximum, "what is undone is a maximum pooling")
    (self.pooling, self.inner) = (pooling, inner)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (pooled, places) = pooling.withPlaces(x)
    return inner(pooled, pass).unpooled(places)
  }
}
