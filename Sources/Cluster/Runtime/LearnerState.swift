import Files
import Messages
import Synchronization
import Tensors
import Training

/// A learner's state as bytes: what a joiner, or a checkpoint, needs to go on bit for bit.
///
///     1 byte    whether the training has converged, then 15 zeros
///     …         `parameters`, then each buffer of `auxiliary`, as `BufferBytes` has them
public final class LearnerState: @unchecked Sendable {
  static let headCount = 16

  // Written before the initialiser returns, or by one owner until it hands the state on; read-only afterwards.
  let bytes: UnsafeMutableRawBufferPointer
  private let ownDigest = Mutex<Digest?>(nil)

  /// Bytes to be filled in.
  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 64)
  }

  deinit { bytes.deallocate() }

  public static func count(of learner: any Learner) -> Int {
    headCount + learner.state.count
  }

  /// The state of a learner whose buffers do not change meanwhile.
  public convenience init(of learner: any Learner, converged: Bool) {
    let numbers = learner.state
    self.init(count: LearnerState.headCount + numbers.count)
    bytes[..<LearnerState.headCount].initializeMemory(as: UInt8.self, repeating: 0)
    bytes[0] = converged ? 1 : 0
    numbers.copy(to: UnsafeMutableRawBufferPointer(rebasing: bytes[LearnerState.headCount...]))
  }

  public var isConverged: Bool { bytes[0] == 1 }

  /// SHA-256 of the bytes.
  public var digest: Digest {
    ownDigest.withLock { digest in
      if let digest { return digest }
      var hash = SHA256()
      hash.update(UnsafeRawBufferPointer(bytes))
      let made = Digest(bytes: hash.digest())!
      digest = made
      return made
    }
  }

  /// What two nodes with the same state begin their chains with.
  var chain: Chain {
    Chain(rawValue: digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// Fills a learner's buffers. False, and nothing changed, when these are not bytes of such a learner.
  public func fill(_ learner: any Learner) -> Bool {
    let numbers = learner.state
    guard bytes.count == LearnerState.headCount + numbers.count, bytes[0] <= 1 else { return false }
    numbers.fill(from: UnsafeRawBufferPointer(rebasing: bytes[LearnerState.headCount...]))
    learner.numbersWereReplaced()
    return true
  }
}

extension Learner {
  fileprivate var state: BufferBytes { BufferBytes(of: [parameters] + auxiliary) }
}

extension Digest {
  /// `nil` unless there are 64 hexadecimal digits.
  public init?(hexadecimal text: String) {
    let digits = text.utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 255) }
    guard digits.count == 64, digits.allSatisfy({ $0 < 16 }) else { return nil }
    self.init(bytes: stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
  }
}
