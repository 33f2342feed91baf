import Tensors

/// The numbers of some buffers as bytes: every slot in layout order, buffer after buffer, little-endian, without the gaps
/// between slots: no slot owns those, and they may differ.
package struct BufferBytes {
  private let buffers: [FlatBuffer]

  package init(of buffers: [FlatBuffer]) { self.buffers = buffers }

  package var count: Int { slots.reduce(0) { $0 + $1.count } }

  /// Writes them into memory of `count` bytes.
  package func copy(to target: UnsafeMutableRawBufferPointer) {
    forEachSlot(beside: target.count) { slot, range in
      UnsafeMutableRawBufferPointer(rebasing: target[range]).copyMemory(from: UnsafeRawBufferPointer(slot))
    }
  }

  /// Fills the buffers from `count` bytes.
  package func fill(from source: UnsafeRawBufferPointer) {
    forEachSlot(beside: source.count) { slot, range in
      slot.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
    }
  }

  private var slots: [UnsafeMutableRawBufferPointer] {
    buffers.flatMap { buffer in buffer.layout.slots.map { buffer.bytes(of: $0) } }
  }

  private func forEachSlot(beside length: Int, _ body: (UnsafeMutableRawBufferPointer, Range<Int>) -> Void) {
    precondition(length == count, "the bytes are not those of these buffers")
    var offset = 0
    for slot in slots {
      body(slot, offset..<offset + slot.count)
      offset += slot.count
    }
  }
}
