import Messages
import Testing

/// Sets of ranges against sets of numbers.
@Suite struct IntervalsTests {
  private static let span = 24

  /// Any number of ranges, which may be empty, touch or overlap.
  private func parts(_ random: inout Generator) -> [Range<Int>] {
    (0..<random.next() % 5).map { _ in
      let start = Int(random.next() % UInt64(Self.span))
      return start..<min(Self.span, start + Int(random.next() % 7))
    }
  }

  private struct Generator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
  }

  private func numbers(_ intervals: Intervals) -> Set<Int> { Set(intervals.ranges.joined()) }

  @Test(arguments: 0..<50) func areSetsOfNumbers(seed: Int) {
    var random = Generator(state: UInt64(seed))
    for _ in 0..<200 {
      let (first, second) = (parts(&random), parts(&random))
      let (one, other) = (Intervals(first), Intervals(second))
      let (ones, others) = (Set(first.joined()), Set(second.joined()))
      #expect(numbers(one) == ones)
      #expect(one.count == ones.count && one.isEmpty == ones.isEmpty)
      #expect(zip(one.ranges, one.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
      #expect(one.ranges.allSatisfy { !$0.isEmpty })
      #expect((one == other) == (ones == others))
      var union = one
      union.formUnion(other)
      #expect(union == Intervals(ones.union(others).map { $0..<$0 + 1 }))
      #expect(numbers(one.intersection(other)) == ones.intersection(others))
      #expect(one.intersection(other) == other.intersection(one))
      #expect(one.subtracting(other) == Intervals(ones.subtracting(others).map { $0..<$0 + 1 }))
      #expect(one.isSuperset(of: other) == ones.isSuperset(of: others))
      #expect(one.isDisjoint(other) == ones.isDisjoint(with: others))
      for part in second { #expect(one.contains(part) == ones.isSuperset(of: part)) }
      for number in 0..<Self.span { #expect(one.contains(number) == ones.contains(number)) }
    }
  }
}
