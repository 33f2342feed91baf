import Foundation
import Tensors
import Testing

@Suite struct RandomKeyTests {
  private func uniforms(_ key: RandomKey, _ count: Int, first: UInt64 = 0) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      key.uniform(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), first: first)
      initialized = count
    }
  }

  private func normals(_ key: RandomKey, _ count: Int, first: UInt64 = 0) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      key.normal(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), first: first)
      initialized = count
    }
  }

  private func correlation(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    var sa = 0.0, sb = 0.0, aa = 0.0, bb = 0.0, ab = 0.0
    for (x, y) in zip(a, b) {
      let (x, y) = (Double(x), Double(y))
      sa += x
      sb += y
      aa += x * x
      bb += y * y
      ab += x * y
    }
    let n = Double(a.count)
    return (ab / n - sa / n * sb / n) / ((aa / n - sa * sa / n / n) * (bb / n - sb * sb / n / n)).squareRoot()
  }

  /// Pearson's statistic, in standard deviations from what it should be.
  private func chiSquare(_ counts: [Int], expected: Double) -> Double {
    let freedom = Double(counts.count - 1)
    let statistic = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    return (statistic - freedom) / (2 * freedom).squareRoot()
  }

  // MARK: Streams

  @Test func partsOfAKeyNameDifferentStreams() {
    let key = RandomKey(seed: 5)
    let keys = [
      key, key.at(step: 1), key.at(sample: 1), key.at(tensor: 1), key.at(step: 1).at(sample: 1), RandomKey(seed: 6),
    ]
    #expect(Set(keys.map { uniforms($0, 4) }).count == keys.count)
    #expect(key.at(step: 3).at(sample: 2).at(tensor: 1) == key.at(tensor: 1).at(sample: 2).at(step: 3))
    #expect(key.at(step: 3).at(step: 0) == key)
    // Streams that differ in one part, or in neighbouring seeds, have nothing in common.
    let n = 100_000
    let first = normals(key, n)
    for other in keys.dropFirst() + [RandomKey(seed: 5 | 1 << 40)] {
      #expect(abs(correlation(first, normals(other, n))) < 5 / Double(n).squareRoot())
    }
  }

  @Test func distinctSeedsGiveDistinctStreams() {
    let near = (0..<10_000 as Range<UInt64>).map { seed in
      var stream = RandomStream(RandomKey(seed: seed))
      return stream.next()
    }
    let far = (0..<64 as Range<UInt64>).map { bit in
      var stream = RandomStream(RandomKey(seed: 1 << bit))
      return stream.next()
    }
    #expect(Set(near).count == near.count)
    #expect(Set(far).count == far.count)
  }

  @Test func elementsOfAStreamDoNotDependOnHowItIsCut() {
    let key = RandomKey(seed: 7).at(step: 2)
    let uniform = uniforms(key, 3000), normal = normals(key, 3000)
    for cuts in [
      [0, 3000], [0, 1, 3000], [0, 17, 18, 500, 2047, 3000], Array(stride(from: 0, through: 3000, by: 250)),
    ] {
      for (start, end) in zip(cuts, cuts.dropFirst()) {
        #expect(uniforms(key, end - start, first: UInt64(start)) == Array(uniform[start..<end]))
        #expect(normals(key, end - start, first: UInt64(start)) == Array(normal[start..<end]))
      }
    }
  }

  @Test func rowsFollowTheirExamples() {
    let key = RandomKey(seed: 8).at(tensor: 3).at(step: 4)
    let rows: [UInt32] = [12, 0, 7, 12], columns = 21
    var uniform = [Float](repeating: 0, count: rows.count * columns), normal = uniform
    rows.withUnsafeBufferPointer { rows in
      uniform.withUnsafeMutableBufferPointer { key.uniform(into: $0.baseAddress!, rows: rows, columns: columns) }
      normal.withUnsafeMutableBufferPointer { key.normal(into: $0.baseAddress!, rows: rows, columns: columns) }
    }
    #expect(uniform == rows.flatMap { uniforms(key.at(sample: $0), columns) })
    #expect(normal == rows.flatMap { normals(key.at(sample: $0), columns) })
    let images = (0..<13 * columns).map { UInt8(truncatingIfNeeded: $0 * 37) }
    var binary = uniform
    rows.withUnsafeBufferPointer { rows in
      binary.withUnsafeMutableBufferPointer {
        key.binarise(images, into: $0.baseAddress!, rows: rows, columns: columns)
      }
    }
    let pixels = rows.flatMap { images[Int($0) * columns..<(Int($0) + 1) * columns] }
    #expect(binary == zip(uniform, pixels).map { Double($0) < Double($1) / 255 ? 1 : 0 })
  }

  // MARK: Distributions

  @Test func uniformsAreUniform() {
    let n = 1 << 20
    let x = uniforms(RandomKey(seed: 9), n)
    #expect(x.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(n)
    #expect(abs(mean - 0.5) < 5 / (12 * Double(n)).squareRoot())
    // Leading bits, and bits from the middle and the end of the 24.
    for shift in [0, 8, 16] {
      var counts = [Int](repeating: 0, count: 256)
      for value in x { counts[Int(value * 0x1p24) >> (16 - shift) & 255] += 1 }
      #expect(abs(chiSquare(counts, expected: Double(n) / 256)) < 5)
    }
    // Neighbours, and the same word of neighbouring blocks.
    for lag in [1, 2, 3, 4, 8, 32] {
      #expect(abs(correlation(x[..<(n - lag)], x[lag...])) < 5 / Double(n).squareRoot())
    }
  }

  @Test func normalsAreNormal() {
    let n = 1 << 20
    var x = normals(RandomKey(seed: 10), n)
    let moments = (1...4).map { power in x.reduce(0.0) { $0 + pow(Double($1), Double(power)) } / Double(n) }
    // The variance of the mean of zᵏ is (E z²ᵏ - (E zᵏ)²) / n: 1, 2, 15 and 96.
    for (moment, (want, variance)) in zip(moments, [(0.0, 1.0), (1, 2), (0, 15), (3, 96)]) {
      #expect(abs(moment - want) < 5 * (variance / Double(n)).squareRoot())
    }
    for lag in [1, 2, 3, 4, 8, 32] {
      let a = x[..<(n - lag)], b = x[lag...]
      #expect(abs(correlation(a, b)) < 5 / Double(n).squareRoot())
      // Box and Muller's pairs share a radius: their squares must not show it.
      #expect(abs(correlation(a.map { $0 * $0 }, b.map { $0 * $0 })) < 5 / Double(n).squareRoot())
    }
    // Kolmogorov and Smirnov: the greatest distance of the distribution functions; 1.95 / √n is passed once in 1000.
    x.sort()
    var distance = 0.0
    for (i, value) in x.enumerated() {
      let p = 0.5 * erfc(-Double(value) / 2.0.squareRoot())
      distance = max(distance, abs(p - Double(i) / Double(n)), abs(p - Double(i + 1) / Double(n)))
    }
    #expect(distance < 1.95 / Double(n).squareRoot())
  }

  @Test func tailsOfTheNormalAreRightBeyondFiveSigma() {
    let n = 1 << 27, block = 1 << 16
    let limits: [Float] = [3, 4, 4.5, 5, 5.5]
    var above = [Int](repeating: 0, count: limits.count), below = above
    var greatest: Float = 0
    var x = [Float](repeating: 0, count: block)
    for start in stride(from: 0, to: n, by: block) {
      x.withUnsafeMutableBufferPointer { RandomKey(seed: 11).normal(into: $0, first: UInt64(start)) }
      for value in x where abs(value) > 3 {
        for (i, limit) in limits.enumerated() {
          if value > limit { above[i] += 1 }
          if value < -limit { below[i] += 1 }
        }
        greatest = max(greatest, abs(value))
      }
    }
    for (i, limit) in limits.enumerated() {
      let want = 0.5 * erfc(Double(limit) / 2.0.squareRoot()) * Double(n)
      #expect(abs(Double(above[i]) - want) < 5 * want.squareRoot(), "\(limit): \(above[i]), not \(want)")
      #expect(abs(Double(below[i]) - want) < 5 * want.squareRoot(), "\(limit): \(below[i]), not \(want)")
    }
    // Of 1.3 · 10⁸ the greatest lies near 5.8; 24-bit uniforms would end at 5.77, ours at 6.76.
    #expect(greatest > 5.4 && greatest < 6.77)
  }

  @Test func bernoulliHasItsProbability() {
    let n = 1 << 18
    for p: Float in [0, 0.1, 0.5, 0.97, 1] {
      var y = [Float](repeating: 7, count: n)
      y.withUnsafeMutableBufferPointer { RandomKey(seed: 12).bernoulli(p, into: $0) }
      #expect(y.allSatisfy { $0 == 0 || $0 == 1 })
      let mean = y.reduce(0.0) { $0 + Double($1) } / Double(n)
      #expect(abs(mean - Double(p)) <= 5 * Double(p * (1 - p) / Float(n)).squareRoot())
    }
  }

  // MARK: Permutations and single numbers

  @Test(arguments: [0, 1, 2, 3, 100, 60_000]) func permutationsHoldEveryNumberOnce(_ count: Int) {
    let order = RandomKey(seed: 13).permutation(count)
    #expect(order.sorted() == Array(0..<UInt32(count)))
    #expect(order == RandomKey(seed: 13).permutation(count))
    if count > 10 {
      #expect(order != RandomKey(seed: 13).at(step: 1).permutation(count))
      #expect(order != order.sorted())
    }
  }

  @Test func everyPermutationIsAsLikely() {
    let draws = 48_000
    var counts: [[UInt32]: Int] = [:]
    for step in 0..<UInt32(draws) { counts[RandomKey(seed: 14).at(step: step).permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    #expect(abs(chiSquare(Array(counts.values), expected: Double(draws) / 24)) < 5)
  }

  @Test func boundedNumbersAreUnbiased() {
    // 3 · 2^30 is where a product without rejection errs most: a third of the results would come twice as often.
    var stream = RandomStream(RandomKey(seed: 15))
    let draws = 30_000
    for bound: UInt32 in [3 << 30, 10] {
      var counts = [Int](repeating: 0, count: 10)
      for _ in 0..<draws {
        let value = stream.next(below: bound)
        #expect(value < bound)
        counts[Int(UInt64(value) * 10 / UInt64(bound))] += 1
      }
      #expect(abs(chiSquare(counts, expected: Double(draws) / 10)) < 5)
      // Which residues come twice as often does not show in bins of their size; in residues modulo 3 it does.
      if bound > 10 {
        var residues = [0, 0, 0]
        for _ in 0..<draws { residues[Int(stream.next(below: bound) % 3)] += 1 }
        #expect(abs(chiSquare(residues, expected: Double(draws) / 3)) < 5)
      }
    }
    #expect(stream.next(below: 1) == 0)
  }

  @Test func aStreamTakesTheWordsInOrder() {
    let key = RandomKey(seed: 16).at(sample: 2)
    var words = [UInt32](repeating: 0, count: 1000)
    words.withUnsafeMutableBufferPointer { key.words(into: $0.baseAddress!, count: 1000) }
    var stream = RandomStream(key)
    #expect((0..<1000).map { _ in stream.nextWord() } == words)
    #expect(stream.position == 1000)
    var later = RandomStream(key, first: 501)
    #expect((501..<1000).map { _ in later.nextWord() } == Array(words[501...]))
    var pairs = RandomStream(key)
    #expect(pairs.next() == UInt64(words[1]) << 32 | UInt64(words[0]))
    #expect(pairs.nextUniform() == Double((UInt64(words[3]) << 32 | UInt64(words[2])) >> 11) * 0x1p-53)
    // A copy goes its own way from the same place.
    var copy = pairs
    #expect(copy.nextWord() == words[4] && pairs.nextWord() == words[4])
    // The last element of a stream can be had.
    var last = RandomStream(key, first: RandomKey.streamLength - 1)
    _ = last.nextWord()
    #expect(last.position == RandomKey.streamLength)
  }
}
