import Messages

/// Who adds which elements of a flat vector: every member of a view owns one contiguous range, in the order of the
/// members. Ranges begin at multiples of 16 elements (a cache line of float32), so a vector of few elements leaves
/// some members without.
public struct RangeOwnership: Hashable, Sendable {
  public let members: [NodeNumber]
  /// Elements of the vector.
  public let count: Int

  static let granule = 16

  /// Whether elements of a vector of `count` begin and end where ranges may.
  package static func isAligned(_ elements: Range<Int>, of count: Int) -> Bool {
    elements.lowerBound % granule == 0 && (elements.upperBound % granule == 0 || elements.upperBound == count)
  }

  public init(members: [NodeNumber], count: Int) {
    precondition(!members.isEmpty && count >= 0, "somebody owns the elements")
    self.members = members
    self.count = count
  }

  private func bound(_ index: Int) -> Int {
    // In full width: 2^40 elements times 2^14 members do not fit 53 bits, but do fit 63.
    index == members.count ? count : count * index / members.count / Self.granule * Self.granule
  }

  public func range(of member: NodeNumber) -> Range<Int> {
    guard let index = members.firstIndex(of: member) else { return 0..<0 }
    return bound(index)..<bound(index + 1)
  }

  /// The elements of `set` by owner, in order, less the owners with none.
  public func parts(of set: Intervals) -> [(owner: NodeNumber, elements: Intervals)] {
    members.indices.compactMap { index in
      let part = set.intersection(Intervals(bound(index)..<bound(index + 1)))
      return part.isEmpty ? nil : (members[index], part)
    }
  }
}

extension Intervals {
  /// Its ranges, cut into even pieces that are not longer than `limit`.
  package func pieces(limit: Int) -> [Range<Int>] {
    ranges.flatMap { range in
      let parts = (range.count + limit - 1) / limit
      let length = Swift.min(limit, ((range.count + parts - 1) / parts + 15) / 16 * 16)
      return stride(from: range.lowerBound, to: range.upperBound, by: length).map { start in
        start..<Swift.min(start + length, range.upperBound)
      }
    }
  }
}
