import CKernels
import Foundation
import Testing

@Suite struct PhiloxTests {
  /// The published vectors of Random123 (tests/kat_vectors, philox4x32 with 10 rounds).
  @Test func blocksAreThePublishedOnes() {
    let vectors: [(counter: [UInt32], key: [UInt32], out: [UInt32])] = [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ]
    for vector in vectors {
      var out = [UInt32](repeating: 0, count: 4)
      elbo_philox_block(vector.key[0], vector.key[1], vector.counter, &out)
      #expect(out == vector.out)
      // The streams are made of the same blocks, on every level.
      let key = UInt64(vector.key[1]) << 32 | UInt64(vector.key[0])
      for level in Level.all {
        var words = [UInt32](repeating: 0, count: 4)
        level.run {
          let c = vector.counter
          elbo_philox_words(key, c[1], c[2], c[3], UInt64(c[0]) * 4, &words, 4)
        }
        #expect(words == vector.out, "\(level.name)")
      }
    }
  }

  private static let key: UInt64 = 0x0123_4567_89ab_cdef

  private static func words(_ n: Int, first: UInt64 = 0) -> [UInt32] {
    (0..<n).map { i in
      let e = first + UInt64(i)
      var out = [UInt32](repeating: 0, count: 4)
      elbo_philox_block(
        UInt32(truncatingIfNeeded: key), UInt32(key >> 32), [UInt32(truncatingIfNeeded: e / 4), 5, 6, 7], &out)
      return out[Int(e % 4)]
    }
  }

  @Test(arguments: Level.all) func elementsAreFunctionsOfTheirWords(_ level: Level) {
    let n = 1000
    let words = Self.words(n)
    var y = [Float](repeating: 0, count: n), z = y, b = y
    var w = [UInt32](repeating: 0, count: n)
    level.run {
      elbo_philox_words(Self.key, 5, 6, 7, 0, &w, n)
      elbo_philox_uniform(Self.key, 5, 6, 7, 0, &y, n)
      elbo_philox_normal(Self.key, 5, 6, 7, 0, &z, n)
      elbo_philox_bernoulli(Self.key, 5, 6, 7, 0, 0.3, &b, n)
    }
    #expect(w == words)
    #expect(y == words.map { Float($0 >> 8) * 0x1p-24 })
    #expect(b == y.map { $0 < 0.3 ? 1 : 0 })
    for i in stride(from: 0, to: n, by: 2) {
      let radius = (-2 * log((Double(words[i]) + 0.5) * 0x1p-32)).squareRoot()
      let angle = 2 * Double.pi * Double(words[i + 1]) * 0x1p-32
      #expect(abs(Double(z[i]) - radius * cos(angle)) < 1e-6)
      #expect(abs(Double(z[i + 1]) - radius * sin(angle)) < 1e-6)
    }
  }

  @Test(arguments: Level.all) func anyRangeOfAStreamHasTheBitsOfTheWhole(_ level: Level) {
    typealias Fill = (UInt64, UnsafeMutablePointer<Float>?, Int) -> Void
    let fills: [(String, Fill)] = [
      ("uniform", { elbo_philox_uniform(Self.key, 1, 2, 3, $0, $1, $2) }),
      ("normal", { elbo_philox_normal(Self.key, 1, 2, 3, $0, $1, $2) }),
      ("bernoulli", { elbo_philox_bernoulli(Self.key, 1, 2, 3, $0, 0.5, $1, $2) }),
    ]
    let n = 700
    level.run {
      for (name, fill) in fills {
        // Around the start, and where e / 4 passes 2^32 and begins again.
        for base: UInt64 in [0, (1 << 34) - 300] {
          var whole = [Float](repeating: 0, count: n)
          fill(base, &whole, n)
          for first in Array(0...9) + [63, 64, 65, 130] {
            for count in Array(0...20) + [63, 64, 65, 128, 131, 200, 257, 500] where first + count <= n {
              var y = [Float](repeating: -7, count: count + 2)
              y.withUnsafeMutableBufferPointer { fill(base + UInt64(first), $0.baseAddress! + 1, count) }
              #expect(
                Array(y[1..<count + 1]).bits == Array(whole[first..<first + count]).bits, "\(name) \(first) \(count)")
              #expect(y[0] == -7 && y[count + 1] == -7)
            }
          }
        }
      }
    }
  }

  @Test func everyLevelMakesTheSameNumbers() {
    let n = 200_000
    let results = Level.all.map { level in
      level.run { () -> [[UInt32]] in
        var words = [UInt32](repeating: 0, count: n), uniform = [Float](repeating: 0, count: n), normal = uniform
        elbo_philox_words(9, 1, 2, 3, 1, &words, n)
        elbo_philox_uniform(9, 1, 2, 3, 1, &uniform, n)
        elbo_philox_normal(9, 1, 2, 3, 1, &normal, n)
        return [words, uniform.bits, normal.bits]
      }
    }
    for (level, result) in zip(Level.all, results) {
      for (kind, (numbers, first)) in zip(["words", "uniform", "normal"], zip(result, results[0])) {
        #expect(numbers == first, "\(kind), \(level.name)")
      }
    }
  }

  @Test(arguments: Level.all) func rowsAreStreamsOfTheirOwn(_ level: Level) {
    let ids: [UInt32] = [3, 0, 900_000, 3] + (10..<43)
    for cols in [0, 1, 2, 4, 5, 20, 63, 64, 65, 129, 255, 256, 300, 784] {
      var uniform = [Float](repeating: 0, count: ids.count * cols), normal = uniform, want = uniform,
        wantNormal = uniform
      level.run {
        elbo_philox_uniform_rows(Self.key, 8, ids, 9, ids.count, cols, &uniform)
        elbo_philox_normal_rows(Self.key, 8, ids, 9, ids.count, cols, &normal)
        for (row, id) in ids.enumerated() {
          want.withUnsafeMutableBufferPointer {
            elbo_philox_uniform(Self.key, 8, id, 9, 0, $0.baseAddress.map { $0 + row * cols }, cols)
          }
          wantNormal.withUnsafeMutableBufferPointer {
            elbo_philox_normal(Self.key, 8, id, 9, 0, $0.baseAddress.map { $0 + row * cols }, cols)
          }
        }
      }
      #expect(uniform.bits == want.bits && normal.bits == wantNormal.bits, "\(cols)")
    }
  }

  @Test(arguments: Level.all) func pixelsAreBinarisedByTheUniformOfTheirPlace(_ level: Level) {
    let cols = 300, images = 4
    var numbers = Numbers(41)
    var src = (0..<images * cols).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
    for i in 0..<20 { src[i] = i < 10 ? 0 : 255 }
    let ids: [UInt32] = [2, 0, 3]
    var y = [Float](repeating: 0, count: ids.count * cols)
    level.run { elbo_philox_binarise_bytes(Self.key, 4, 6, src, ids, ids.count, cols, &y) }
    for (row, id) in ids.enumerated() {
      var uniform = [Float](repeating: 0, count: cols)
      elbo_philox_uniform(Self.key, 4, id, 6, 0, &uniform, cols)
      for j in 0..<cols {
        let pixel = Double(src[Int(id) * cols + j])
        #expect(y[row * cols + j] == (Double(uniform[j]) < pixel / 255 ? 1 : 0))
      }
    }
    #expect(y[cols..<cols + 10].allSatisfy { $0 == 0 } && y[cols + 10..<cols + 20].allSatisfy { $0 == 1 })
  }
}
