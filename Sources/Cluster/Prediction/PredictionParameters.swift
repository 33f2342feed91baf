import Files
import Messages
import Tensors
import Training

/// What a learner predicts with as bytes: every slot of its parameters, then of what the training data fixed,
/// little-endian, in layout order.
public enum PredictionParameters {
  public static func bytes(of learner: any Learner) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count(of: learner))
    for part in parts(of: learner) { bytes.append(contentsOf: UnsafeRawBufferPointer(part)) }
    return bytes
  }

  public static func count(of learner: any Learner) -> Int { parts(of: learner).reduce(0) { $0 + $1.count } }

  /// Fills a learner's buffers. False, and nothing changed, when these are not bytes of such a learner.
  public static func fill(_ learner: any Learner, with bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == count(of: learner) else { return false }
    var offset = 0
    for part in parts(of: learner) {
      part.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + part.count]))
      offset += part.count
    }
    learner.numbersWereReplaced()
    return true
  }

  private static func parts(of learner: any Learner) -> [UnsafeMutableRawBufferPointer] {
    ([learner.parameters] + learner.dataStatistics).flatMap { buffer in buffer.layout.slots.map { buffer.bytes(of: $0) }
    }
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
