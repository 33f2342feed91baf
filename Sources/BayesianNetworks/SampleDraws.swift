import Synchronization
import Tensors
import Training

/// What the samples of a learner compute with, kept from one prediction to the next: the same key has the same draws.
public final class SampleDraws: Sendable {
  private struct Kept {
    var key: RandomKey?
    var buffers: [FlatBuffer] = []
  }

  private let learner: any Predicting
  /// Drawn anew for each sample where all of them are too many; nil: samples need no storage.
  private let single: FlatBuffer?
  private let mostKept: Int
  private let kept = Mutex(Kept())

  /// - Parameters:
  ///   - learner: what predicts.
  ///   - capacity: bytes of draws that are kept, those of one key.
  public init(_ learner: any Predicting, capacity: Int) {
    self.learner = learner
    single = learner.makeSampleStorage()
    mostKept = single.map { capacity / max($0.layout.count * $0.precision.stride, 1) } ?? 0
  }

  /// Runs `body` for samples 0 ..< count, all at once or in order, with what each of them computes with. Called from one
  /// thread at a time.
  func forEach(
    _ count: Int, key: RandomKey, with crew: Crew, _ body: (Range<Int>, [FlatBuffer?]) throws -> Void
  ) throws {
    guard let single else { return try body(0..<count, Array(repeating: nil, count: count)) }
    guard count <= mostKept else {
      kept.withLock { $0 = Kept() }
      for sample in 0..<count {
        try learner.draw(sample, into: single, key: key, with: crew)
        try body(sample..<sample + 1, [single])
      }
      return
    }
    var buffers = kept.withLock { $0.key == key ? $0.buffers : [] }
    while buffers.count < count, let buffer = learner.makeSampleStorage() {
      try learner.draw(buffers.count, into: buffer, key: key, with: crew)
      buffers.append(buffer)
    }
    kept.withLock { [buffers] in $0 = Kept(key: key, buffers: buffers) }
    try body(0..<count, buffers)
  }
}
