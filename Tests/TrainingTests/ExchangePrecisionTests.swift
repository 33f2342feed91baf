import Testing
import Training

@Suite struct ExchangePrecisionTests {
  private func rounded(_ values: [Float]) -> [Float] {
    var values = values
    values.withUnsafeMutableBufferPointer { BFloat16.round($0) }
    return values
  }

  @Test("To the nearest, ties to even; infinities and NaN stay")
  func rounding() {
    // 1 + k/128 are bfloat16 numbers; 1/256 is half of the last place.
    let step: Float = 1 / 128
    #expect(rounded([1, 1 + step, -1 - step]) == [1, 1 + step, -1 - step])
    #expect(rounded([1 + step / 2, 1 + 3 * step / 2]) == [1, 1 + 2 * step])
    #expect(rounded([1 + step / 2 + .ulpOfOne, 1 + step / 2 - .ulpOfOne]) == [1 + step, 1])
    #expect(rounded([-1 - 3 * step / 2, 0, -0]) == [-1 - 2 * step, 0, 0])
    #expect(rounded([-0.0])[0].sign == .minus)
    #expect(rounded([.greatestFiniteMagnitude, .infinity, -.infinity]) == [.infinity, .infinity, -.infinity])
    // A NaN whose fraction is in the lower half only.
    #expect(rounded([Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF)]).allSatisfy { $0.isNaN })
    #expect(rounded([]) == [])
  }

  @Test("Half the relative distance of two neighbours at most")
  func error() {
    var generator = SystemRandomNumberGenerator()
    let values = (0..<10_000).map { _ in Float.random(in: -1e3...1e3, using: &generator) }
    for (value, near) in zip(values, rounded(values)) { #expect(abs(value - near) <= abs(value) / 256) }
  }

  @Test("What is rounded is carried by its upper halves, aligned or not", arguments: [0, 1])
  func halves(_ offset: Int) {
    let values = rounded((0..<1000).map { Float($0) * 0.37 - 100 })
    var halves = [UInt16](repeating: 0, count: values.count)
    values.withUnsafeBufferPointer { values in
      halves.withUnsafeMutableBufferPointer { BFloat16.encode(values, into: $0.baseAddress!) }
    }
    var bytes = [UInt8](repeating: 0, count: offset)
    halves.withUnsafeBytes { bytes += $0 }
    var again = [Float](repeating: 0, count: values.count)
    bytes.withUnsafeBytes { bytes in
      again.withUnsafeMutableBufferPointer {
        BFloat16.decode(UnsafeRawBufferPointer(rebasing: bytes[offset...]), into: $0.baseAddress!)
      }
    }
    #expect(again == values)
  }
}
