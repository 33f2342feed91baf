import CMemory
import Foundation
import Messages

/// Memory that nodes of the same machine may read: a page that begins with a token and an age, then the numbers of a
/// phase.
///
/// A node that hands its sums over in shared memory sends their place instead of the sums: nothing is copied into the
/// kernel and out of it again. The age changes before the memory is used for anything new; a reader checks after
/// reading whether the age is still the expected one (a sequence lock). So what is overwritten meanwhile is noticed,
/// like any other damage.
package final class SharedMemory: Sendable {
  fileprivate static let ageOffset = 64
  fileprivate static let headCount = 4096

  // Immutable; what it points to is the owner's to guard.
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer
  private let count: Int
  private let descriptor: Int32
  private let token: UInt64

  package var numbers: UnsafeMutableRawPointer { start + SharedMemory.headCount }

  /// `nil` where the system has no such memory, or not so much.
  package init?(count: Int) {
    var descriptor: Int32 = -1
    self.count = SharedMemory.headCount + count
    guard let start = elbo_memory_share(self.count, &descriptor) else { return nil }
    self.start = start
    self.descriptor = descriptor
    token = UInt64.random(in: 1...UInt64.max)
    start.storeBytes(of: token, as: UInt64.self)
  }

  deinit { elbo_memory_unshare(start, count, descriptor) }

  /// What is there is void; something new comes. By its only user. Returns where that will be.
  package func renew() -> Place {
    let counter = (start + SharedMemory.ageOffset).assumingMemoryBound(to: UInt64.self)
    let age = counter.pointee &+ 1
    elbo_memory_begin(counter, age)
    return Place(
      process: UInt32(ProcessInfo.processInfo.processIdentifier), descriptor: UInt32(descriptor), token: token, age: age
    )
  }
}

/// A peer's memory, as this node sees it.
private final class MappedMemory {
  struct Name: Hashable {
    var process: UInt32
    var descriptor: UInt32
    var token: UInt64

    init(_ place: Place) { (process, descriptor, token) = (place.process, place.descriptor, place.token) }
  }

  private let start: UnsafeRawPointer
  private let count: Int

  /// `nil` when there is nothing of this name, or something else: on another machine, or in another container.
  init?(_ name: Name) {
    var count = 0
    guard let start = elbo_memory_map(name.process, name.descriptor, &count) else { return nil }
    self.start = start
    self.count = count
    guard count >= SharedMemory.headCount, start.load(as: UInt64.self) == name.token else { return nil }
  }

  deinit { elbo_memory_unmap(start, count) }

  var age: UInt64 { elbo_memory_age((start + SharedMemory.ageOffset).assumingMemoryBound(to: UInt64.self)) }

  subscript(_ bytes: Range<Int>) -> UnsafeRawBufferPointer? {
    guard bytes.lowerBound >= 0, bytes.upperBound <= count - SharedMemory.headCount else { return nil }
    return UnsafeRawBufferPointer(start: start + SharedMemory.headCount + bytes.lowerBound, count: bytes.count)
  }
}

/// The memory of one peer that this node has seen.
package struct PeerMemory {
  /// More than a peer in order ever has: contributions, sums and totals of every phase.
  private static let limit = 256
  private var mapped: [MappedMemory.Name: MappedMemory] = [:]

  package init() {}

  package enum Reading {
    case found(LentPayload)
    /// There is no such memory here.
    case unseen
    /// The numbers are not those that were meant.
    case damaged
  }

  /// Where a chunk's payload lies, which its sender has not sent.
  package mutating func payload(of chunk: Chunk, at place: Place) -> Reading {
    let name = MappedMemory.Name(place)
    if mapped[name] == nil {
      if mapped.count >= PeerMemory.limit { mapped = [:] }
      mapped[name] = MappedMemory(name)
    }
    guard let memory = mapped[name] else { return .unseen }
    let stride = chunk.precision.stride
    guard let bytes = memory[chunk.elements.lowerBound * stride..<chunk.elements.upperBound * stride],
      memory.age == place.age
    else { return .damaged }
    return .found(LentPayload(bytes: bytes, memory: memory, age: place.age))
  }
}

/// Numbers where a peer keeps them, who may write there: what was read counts only if they are intact afterwards.
package struct LentPayload {
  package let bytes: UnsafeRawBufferPointer
  fileprivate let memory: MappedMemory
  fileprivate let age: UInt64

  package var isIntact: Bool { memory.age == age }
}
