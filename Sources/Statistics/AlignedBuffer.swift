/// Doubles aligned to 64 bytes, zero at first: what the block kernels work in.
package final class AlignedBuffer {
  package let base: UnsafeMutablePointer<Double>
  package let count: Int

  package init(_ count: Int) {
    self.count = count
    base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 8, alignment: 64)
      .bindMemory(to: Double.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: count)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  package func clear() { base.update(repeating: 0, count: count) }

  package subscript(index: Int) -> Double {
    get { base[index] }
    set { base[index] = newValue }
  }
}
