import CKernels
import Glibc
import Synchronization

/// Where tensors get their memory: blocks are kept when a tensor ends and handed to the next one of that size class,
/// so that a training step in the steady state asks the system for nothing (`MemoryPool.statistics` counts).
///
/// A size class holds blocks of one size; there are four to every power of two, so at most a fifth is wasted.
/// Blocks are aligned to a cache line (64 bytes), the width of an AVX-512 register.
public enum MemoryPool {
  public struct Statistics: Sendable, Equatable {
    /// Blocks asked of the system since the process began.
    public var systemAllocations = 0
    /// Bytes held, whether in use or waiting for use.
    public var bytesHeld = 0
  }

  /// 64-byte lines to a block of the class: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, …
  private static func linesOfClass(_ index: Int) -> Int {
    if index < 8 { return index + 1 }
    let octave = (index - 4) / 4
    return (4 + (index - 4) % 4 + 1) << octave
  }

  /// The smallest class whose blocks hold `count` floats.
  static func sizeClass(forCount count: Int) -> Int {
    let lines = max((count + 15) / 16, 1)
    if lines <= 8 { return lines - 1 }
    let octave = Int.bitWidth - 1 - (lines - 1).leadingZeroBitCount - 2
    let quarter = (lines - 1) >> octave
    return 4 + octave * 4 + (quarter - 4)
  }

  /// How many floats a block of the class holds.
  static func capacity(ofClass index: Int) -> Int { linesOfClass(index) * 16 }

  /// A block that is not in use; sending it between threads is safe for that reason.
  private struct Block: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
  }

  private struct Free: ~Copyable {
    var blocks: [[Block]] = Array(repeating: [], count: 160)
    var statistics = Statistics()
  }

  private static let free = Mutex(Free())

  public static var statistics: Statistics { free.withLock { $0.statistics } }

  static func take(class index: Int) -> UnsafeMutablePointer<Float> {
    let reused = free.withLock { free -> Block? in
      if let block = free.blocks[index].popLast() { return block }
      free.statistics.systemAllocations += 1
      free.statistics.bytesHeld += capacity(ofClass: index) * MemoryLayout<Float>.stride
      return nil
    }
    return reused?.pointer ?? allocateAligned(count: capacity(ofClass: index))
  }

  static func give(_ block: UnsafeMutablePointer<Float>, class index: Int) {
    let block = Block(pointer: block)
    free.withLock { $0.blocks[index].append(block) }
  }

  /// Returns all waiting blocks to the system.
  public static func trim() {
    free.withLock { state in
      for index in state.blocks.indices {
        for block in state.blocks[index] {
          freeAligned(block.pointer)
          state.statistics.bytesHeld -= capacity(ofClass: index) * MemoryLayout<Float>.stride
        }
        state.blocks[index].removeAll()
      }
    }
  }
}

func freeAligned(_ pointer: UnsafeMutableRawPointer) { free(pointer) }

/// Memory for `count` values, aligned to 64 bytes; freed by `freeAligned`. Large memory lies on huge pages if it can.
func allocateAligned<Value>(count: Int, of _: Value.Type = Float.self) -> UnsafeMutablePointer<Value> {
  let hugePage = 2 << 20
  var raw: UnsafeMutableRawPointer?
  let bytes = max(count, 1) * MemoryLayout<Value>.stride
  guard posix_memalign(&raw, bytes >= hugePage ? hugePage : 64, bytes) == 0, let raw else {
    fatalError("out of memory: \(bytes) bytes could not be had")
  }
  if bytes >= hugePage { elbo_prefer_huge_pages(raw, bytes / hugePage * hugePage) }
  return raw.bindMemory(to: Value.self, capacity: count)
}
