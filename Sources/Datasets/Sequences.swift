/// Where sequences begin among elements that lie back to back.
///
/// Sequence s has the elements `starts[s]..<starts[s + 1]`, at least one. An example of a set with sequences is a whole
/// sequence.
public struct Sequences: Sendable, Hashable {
  /// How many sequences; at least one.
  public let count: Int
  /// How many elements they have together.
  public let elementCount: Int
  /// The first element of each sequence, ascending from 0, and behind them the number of elements. Empty where only the
  /// schema of the data is known.
  public let starts: [Int]

  /// Throws `.empty` for no sequences and for a sequence without elements.
  public init(lengths: [Int], place: DataPlace? = nil) throws(DataError) {
    guard !lengths.isEmpty else {
      throw DataError(.empty, at: place, "holds no sequences", advice: "give at least one sequence")
    }
    var starts = [0]
    starts.reserveCapacity(lengths.count + 1)
    for (index, length) in lengths.enumerated() {
      guard length > 0 else {
        throw DataError(
          length == 0 ? .empty : .mismatched, at: place, "sequence \(index) has \(counted(length, "element"))",
          advice: "give each sequence at least one element, or leave it out")
      }
      let (end, overflow) = starts[index].addingReportingOverflow(length)
      guard !overflow else {
        throw DataError(.tooLarge, at: place, "more elements than can be counted", advice: "check the lengths")
      }
      starts.append(end)
    }
    self.init(starts: starts)
  }

  /// One sequence of all elements.
  public init(whole elementCount: Int) {
    precondition(elementCount > 0, "a sequence has an element")
    self.init(starts: [0, elementCount])
  }

  /// Sequences that are not there: only how many there are is known.
  init(absent count: Int, elementCount: Int) {
    precondition(count > 0 && elementCount >= count)
    (self.count, self.elementCount, starts) = (count, elementCount, [])
  }

  private init(starts: [Int]) {
    (count, elementCount, self.starts) = (starts.count - 1, starts.last!, starts)
  }

  /// The elements of a sequence.
  public subscript(sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }

  /// How many elements a sequence has.
  public func length(of sequence: Int) -> Int { starts[sequence + 1] - starts[sequence] }

  /// The elements of some sequences.
  public func elements(of sequences: Range<Int>) -> Range<Int> {
    starts[sequences.lowerBound]..<starts[sequences.upperBound]
  }

  /// A stretch of the sequences, with elements that are counted from its own first one.
  public func stretch(_ range: Range<Int>) -> Sequences {
    precondition(!range.isEmpty, "at least one sequence")
    let first = starts[range.lowerBound]
    return Sequences(starts: starts[range.lowerBound...range.upperBound].map { $0 - first })
  }

  /// The range cut into stretches of whole sequences with about as many elements as a piece may have, and at least one
  /// sequence.
  public func pieces(of range: Range<Int>, elements: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start + 1
      while end < range.upperBound, starts[end + 1] - starts[start] <= elements { end += 1 }
      pieces.append(start..<end)
      start = end
    }
    return pieces
  }

  /// The sequences at `indices`, in that order, and the elements that they have in this one.
  func gathering(_ indices: [UInt32]) -> (sequences: Sequences, elements: [UInt32]) {
    var (starts, elements) = ([0], [UInt32]())
    for index in indices {
      elements += self[Int(index)].map { UInt32($0) }
      starts.append(elements.count)
    }
    return (Sequences(starts: starts), elements)
  }
}
