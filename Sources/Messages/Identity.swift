/// One training of one cluster, drawn at random by the coordinator at its first start. Two clusters that reach each
/// other's ports by mistake recognize each other by it.
public struct JobID: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  /// `nil` for 0, which on the wire means "not known yet".
  public init?(rawValue: UInt64) {
    guard rawValue != 0 else { return nil }
    self.rawValue = rawValue
  }
}

/// A node's number in its job, from 1, given by the coordinator. It stays with the node's name.
public struct NodeNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt32
  /// `nil` for 0, which on the wire means "the coordinator, or not numbered yet".
  public init?(rawValue: UInt32) {
    guard rawValue != 0 else { return nil }
    self.rawValue = rawValue
  }
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  public var description: String { "node \(rawValue)" }
}

/// A node's start number. A later start of the same name has a greater one, so a restarted node is never taken for
/// the old one.
public struct Incarnation: RawRepresentable, Hashable, Comparable, Sendable {
  public let rawValue: UInt64
  /// `nil` for 0, which on the wire means "none".
  public init?(rawValue: UInt64) {
    guard rawValue != 0 else { return nil }
    self.rawValue = rawValue
  }
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The number of a view: the coordinator's list of the nodes that take part. Numbers only grow; 0 is "none yet".
public struct ViewNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public static let none = ViewNumber(rawValue: 0)
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  public var description: String { "view \(rawValue)" }
}

/// How many times the coordinator has started for this job. A node follows the greatest it has seen.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The phase being worked on; everything before it is absorbed. `(0, 0)`: nothing is absorbed yet.
public struct PhaseIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var step: UInt64
  public var phase: UInt32

  public init(step: UInt64, phase: UInt32) {
    self.step = step
    self.phase = phase
  }

  public static let start = PhaseIndex(step: 0, phase: 0)

  public static func < (left: Self, right: Self) -> Bool {
    (left.step, left.phase) < (right.step, right.phase)
  }

  /// The phase after this one.
  public func next(in sequence: PhaseSequence) -> PhaseIndex {
    var index = self
    repeat {
      index =
        Int(index.phase) + 1 < sequence.count
        ? PhaseIndex(step: index.step, phase: index.phase + 1) : PhaseIndex(step: index.step + 1, phase: 0)
    } while !sequence.contains(index)
    return index
  }

  /// The phase before this one; `nil` at the start.
  public func previous(in sequence: PhaseSequence) -> PhaseIndex? {
    var index = self
    repeat {
      if index.phase > 0 {
        index.phase -= 1
      } else if index.step > 0 {
        index = PhaseIndex(step: index.step - 1, phase: UInt32(sequence.count - 1))
      } else {
        return nil
      }
    } while !sequence.contains(index)
    return index
  }

  public var description: String { "step \(step) phase \(phase)" }
}

/// Which phases each step has: a function of the step's number alone, so that all nodes agree.
public struct PhaseSequence: Hashable, Sendable {
  /// Of each phase: it comes once in so many steps. Every step has phase 0.
  public let periods: [Int]
  /// Of each phase: the first step that has it.
  public let offsets: [Int]

  /// - Parameter offsets: below the periods; nil: step 0 has all phases.
  public init(periods: [Int], offsets: [Int]? = nil) {
    precondition(periods.first == 1 && periods.allSatisfy { $0 > 0 }, "every step has phase 0")
    self.periods = periods
    self.offsets = offsets ?? periods.map { _ in 0 }
    precondition(self.offsets.count == periods.count, "an offset for each phase")
  }

  public var count: Int { periods.count }

  public func contains(_ index: PhaseIndex) -> Bool {
    let phase = Int(index.phase)
    return phase < periods.count && index.step % UInt64(periods[phase]) == UInt64(offsets[phase])
  }
}

/// Running digest of all totals a node has absorbed, in order. Two nodes at the same position have absorbed the same
/// numbers exactly when their chains are equal (up to the strength of a 64-bit digest against accidents).
public struct Chain: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The chain after a total with this checksum: one step of a 64-bit mixer (Steele, Lea & Flood 2014, SplitMix64's
  /// finaliser), whose order matters.
  public func absorbing(checksum: UInt64) -> Chain {
    var word = rawValue &* 0x9E37_79B9_7F4A_7C15 ^ (checksum &+ 0x9E37_79B9_7F4A_7C15)
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return Chain(rawValue: word ^ (word >> 31))
  }
}

/// A SHA-256, 32 bytes.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// `nil` unless there are 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  public var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

  public static func == (left: Self, right: Self) -> Bool { left.words == right.words }
  public func hash(into hasher: inout Hasher) { withUnsafeBytes(of: words) { hasher.combine(bytes: $0) } }

  public var description: String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
