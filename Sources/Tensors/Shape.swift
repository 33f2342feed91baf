/// The extents of a tensor, outermost first; at most six. Held inline, so that making a tensor allocates no array.
public struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
  public static let maximumRank = 6

  private var extents: SIMD8<Int32> = .zero
  public private(set) var rank: Int = 0

  public init(_ dimensions: some Sequence<Int>) {
    for extent in dimensions {
      precondition(rank < Shape.maximumRank, "a tensor has at most \(Shape.maximumRank) dimensions")
      precondition(extent >= 0 && extent <= Int32.max, "an extent lies between 0 and \(Int32.max), not \(extent)")
      extents[rank] = Int32(extent)
      rank += 1
    }
  }

  public init(_ dimensions: Int...) { self.init(dimensions) }
  public init(arrayLiteral dimensions: Int...) { self.init(dimensions) }

  /// The shape of a single number.
  public static let scalar = Shape([])

  public subscript(_ axis: Int) -> Int {
    precondition(axis >= 0 && axis < rank, "axis \(axis) of a tensor of rank \(rank)")
    return Int(extents[axis])
  }

  public var dimensions: [Int] { (0..<rank).map { Int(extents[$0]) } }

  /// How many numbers a tensor of this shape holds.
  public var count: Int {
    var product = 1
    for axis in 0..<rank { product *= Int(extents[axis]) }
    return product
  }

  /// The last extent: what a row-wise operation calls a row's length. 1 for a scalar.
  public var columns: Int { rank == 0 ? 1 : Int(extents[rank - 1]) }

  /// The product of all extents but the last: how many rows a row-wise operation sees.
  public var rows: Int {
    var product = 1
    for axis in 0..<max(rank - 1, 0) { product *= Int(extents[axis]) }
    return product
  }

  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
