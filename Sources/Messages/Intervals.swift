/// A set of whole numbers, shards or elements of a vector, as the ranges that it consists of.
///
/// The standard library's `RangeSet` is not specialised for its users: a tenth of the time of an exchange of 0.1 MB went
/// into its generic code.
public struct Intervals: Hashable, Sendable {
  /// Ascending, none empty, no two touching.
  public private(set) var ranges: [Range<Int>] = []

  public init() {}

  public init(_ range: Range<Int>) {
    if !range.isEmpty { ranges = [range] }
  }

  /// The union of ranges in any order.
  public init(_ parts: some Sequence<Range<Int>>) {
    for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(part) }
  }

  public var isEmpty: Bool { ranges.isEmpty }

  /// How many numbers are in it.
  public var count: Int { ranges.reduce(0) { $0 + $1.count } }

  public func contains(_ number: Int) -> Bool { contains(number..<number + 1) }

  public func contains(_ range: Range<Int>) -> Bool {
    range.isEmpty || ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  public func isSuperset(of other: Intervals) -> Bool { other.ranges.allSatisfy(contains) }

  public func isDisjoint(_ other: Intervals) -> Bool { intersection(other).isEmpty }

  public mutating func formUnion(_ other: Intervals) {
    if ranges.isEmpty {
      ranges = other.ranges
    } else if !other.ranges.isEmpty {
      self = Intervals(ranges + other.ranges)
    }
  }

  public mutating func insert(_ range: Range<Int>) { formUnion(Intervals(range)) }

  public mutating func subtract(_ other: Intervals) { self = subtracting(other) }

  public func intersection(_ other: Intervals) -> Intervals {
    var common = Intervals()
    var (mine, theirs) = (ranges[...], other.ranges[...])
    while let one = mine.first, let two = theirs.first {
      common.append(max(one.lowerBound, two.lowerBound), min(one.upperBound, two.upperBound))
      if one.upperBound < two.upperBound { mine.removeFirst() } else { theirs.removeFirst() }
    }
    return common
  }

  public func subtracting(_ other: Intervals) -> Intervals {
    var rest = Intervals()
    var theirs = other.ranges[...]
    for range in ranges {
      var start = range.lowerBound
      while let next = theirs.first, next.lowerBound < range.upperBound {
        rest.append(start, next.lowerBound)
        start = max(start, next.upperBound)
        // One that reaches beyond this range is taken from the next one too.
        if next.upperBound > range.upperBound { break }
        theirs.removeFirst()
      }
      rest.append(start, range.upperBound)
    }
    return rest
  }

  /// A range that begins behind the first number of the last one, or an empty one.
  private mutating func append(_ lower: Int, _ upper: Int) {
    if lower < upper { append(lower..<upper) }
  }

  private mutating func append(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    if let last = ranges.last, last.upperBound >= range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
    } else {
      ranges.append(range)
    }
  }
}
