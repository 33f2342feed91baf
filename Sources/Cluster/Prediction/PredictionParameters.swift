import Files
import Messages
import Tensors
import Training

/// What a learner predicts with as bytes: its parameters, then what the training data fixed, as `BufferBytes` has them.
public enum PredictionParameters {
  public static func bytes(of learner: any Learner) -> [UInt8] {
    let numbers = numbers(of: learner)
    return [UInt8](unsafeUninitializedCapacity: numbers.count) { target, count in
      numbers.copy(to: UnsafeMutableRawBufferPointer(target))
      count = target.count
    }
  }

  public static func count(of learner: any Learner) -> Int { numbers(of: learner).count }

  /// Fills a learner's buffers. False, and nothing changed, when these are not bytes of such a learner.
  public static func fill(_ learner: any Learner, with bytes: UnsafeRawBufferPointer) -> Bool {
    let numbers = numbers(of: learner)
    guard bytes.count == numbers.count else { return false }
    numbers.fill(from: bytes)
    learner.numbersWereReplaced()
    return true
  }

  private static func numbers(of learner: any Learner) -> BufferBytes {
    BufferBytes(of: [learner.parameters] + learner.dataStatistics)
  }
}

extension Digest {
  /// SHA-256 of bytes.
  public init(of bytes: some Sequence<UInt8>) {
    var hash = SHA256()
    hash.update(bytes)
    self.init(bytes: hash.digest())!
  }
}
