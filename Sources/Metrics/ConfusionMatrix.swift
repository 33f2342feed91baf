/// How often each class was taken for each: whole numbers, so that matrices of parts add up exactly.
public struct ConfusionMatrix: Sendable, Equatable {
  public let classes: Int
  /// Row by row: row t, column g counts examples of class t that were taken for g.
  public private(set) var counts: [Int]

  public init(classes: Int) {
    precondition(classes > 0)
    self.classes = classes
    counts = Array(repeating: 0, count: classes * classes)
  }

  public mutating func add(truth: Int, guess: Int) { counts[truth * classes + guess] += 1 }

  public static func += (left: inout ConfusionMatrix, right: ConfusionMatrix) {
    precondition(left.classes == right.classes)
    for index in left.counts.indices { left.counts[index] += right.counts[index] }
  }

  public subscript(truth: Int, guess: Int) -> Int { counts[truth * classes + guess] }

  /// Examples of a class, and examples that were taken for it.
  public func truths(_ index: Int) -> Int { (0..<classes).reduce(0) { $0 + self[index, $1] } }
  public func guesses(_ index: Int) -> Int { (0..<classes).reduce(0) { $0 + self[$1, index] } }

  public var total: Int { counts.reduce(0, +) }

  /// The classes that examples have: means over classes are over these.
  public var present: [Int] { (0..<classes).filter { truths($0) > 0 } }

  /// The share of examples that were taken for what they are.
  public var accuracy: Double { Double((0..<classes).reduce(0) { $0 + self[$1, $1] }) / Double(max(total, 1)) }

  /// The mean of that share over classes.
  public var meanAccuracy: Double { mean { Double(self[$0, $0]) / Double(truths($0)) } }

  /// Examples of a class that were taken for it, over those that are of it or were taken for it (Jaccard).
  public func intersectionOverUnion(_ index: Int) -> Double {
    let both = self[index, index]
    return Double(both) / Double(max(truths(index) + guesses(index) - both, 1))
  }

  /// The mean of the intersection over union over classes.
  public var meanIntersectionOverUnion: Double { mean(intersectionOverUnion) }

  private func mean(_ value: (Int) -> Double) -> Double {
    let present = present
    return present.reduce(0) { $0 + value($1) } / Double(max(present.count, 1))
  }
}
