import Cluster
import Tensors
import Testing

struct BufferBytesTests {
  /// Two buffers, whose slots are not as long as the lines on which they begin.
  private static func buffers(_ first: Float) -> [FlatBuffer] {
    var next = first
    return [("one", [3, 5]), ("other", [1])].map { name, counts in
      var layout = Layout()
      for count in counts { layout.add("slot \(count)", [count]) }
      let buffer = FlatBuffer(name, layout)
      for slot in layout.slots {
        for index in slot.range {
          buffer.float32[index] = next
          next += 1
        }
      }
      return buffer
    }
  }

  private static func bytes(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } }
  }

  @Test func theGapsBetweenSlotsAreLeftOut() {
    let numbers = BufferBytes(of: Self.buffers(1))
    #expect(numbers.count == 4 * 9)
    var bytes = [UInt8](repeating: 0, count: numbers.count)
    bytes.withUnsafeMutableBytes { numbers.copy(to: $0) }
    #expect(bytes == Self.bytes((1...9).map { Float($0) }))
  }

  @Test func whatWasCopiedFillsOtherBuffers() {
    let (source, target) = (Self.buffers(1), Self.buffers(100))
    var bytes = [UInt8](repeating: 0, count: BufferBytes(of: source).count)
    bytes.withUnsafeMutableBytes { BufferBytes(of: source).copy(to: $0) }
    bytes.withUnsafeBytes { BufferBytes(of: target).fill(from: $0) }
    for (one, other) in zip(source, target) {
      for slot in one.layout.slots { #expect(Array(one.bytes(of: slot)) == Array(other.bytes(of: slot))) }
    }
  }

  @Test func nothingHasNoBytes() { #expect(BufferBytes(of: []).count == 0) }
}
