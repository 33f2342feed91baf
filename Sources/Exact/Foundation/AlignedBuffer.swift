/// Doubles aligned to 64 bytes, zero at first: what the block kernels work in.
final class AlignedBuffer {
  let base: UnsafeMutablePointer<Double>
  let count: Int

  init(_ count: Int) {
    self.count = count
    base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 8, alignment: 64)
      .bindMemory(to: Double.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: count)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  func clear() { base.update(repeating: 0, count: count) }

  subscript(index: Int) -> Double {
    get { base[index] }
    set { base[index] = newValue }
  }
}
