/// Which shards a member computes: contiguous blocks in the order of the members, in proportion to their lanes.
/// Results do not depend on it, only speed does.
public enum ShardAssignment {
  /// - Parameter lanes: of each member, at least 1.
  /// - Returns: a range for each, together `0 ..< shards`; some are empty when there are more members than shards.
  public static func blocks(shards: Int, lanes: [Int]) -> [Range<Int>] {
    let all = lanes.reduce(0, +)
    var start = 0
    var lanesBefore = 0
    return lanes.map { count in
      lanesBefore += count
      // Cumulative shares, rounded: no shard is lost or given twice, and no member is off by more than one.
      let end = (shards * lanesBefore + all / 2) / all
      defer { start = end }
      return start..<end
    }
  }
}
