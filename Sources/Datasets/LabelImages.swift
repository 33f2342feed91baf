/// Which class each pixel of each image belongs to.
public struct LabelImages: Sendable {
  /// What a class is: how many there are, what they are called, and how label pictures spell them.
  public struct Classes: Codable, Sendable, Equatable {
    /// At most 255.
    public var count: Int
    /// In the order of the classes; empty where the data does not name them.
    public var names: [String]
    /// What label pictures hold for each class.
    public var values: [UInt8]
    /// What label pictures hold for pixels without a class, where there are such.
    public var void: UInt8?

    /// - Parameter values: by default the classes' numbers.
    public init(count: Int, names: [String] = [], values: [UInt8]? = nil, void: UInt8? = nil) {
      self.count = count
      self.names = names
      self.values = values ?? (0..<count).map { UInt8($0) }
      self.void = void
    }

    /// What a class is called.
    public func name(_ index: Int) -> String { names.isEmpty ? "class \(index)" : names[index] }

    /// Whether some data's classes can be these.
    var isSound: Bool {
      (1...255).contains(count) && (names.isEmpty || names.count == count) && values.count == count
        && Set(values).count == count && !(void.map(values.contains) ?? false)
    }
  }

  /// A class, or ``void``, for each pixel: uint8, of the images' height and width.
  public let classes: ExampleArray
  public let kinds: Classes
  /// What stands for a pixel without a class.
  public static let void: UInt8 = 255

  public var count: Int { classes.count }

  /// - Parameter classes: [height, width] an example, numbers below `kinds.count` or ``void``.
  public init(_ classes: ExampleArray, _ kinds: Classes) {
    precondition(classes.kind == .uint8 && classes.shape.count == 2 && kinds.isSound)
    (self.classes, self.kinds) = (classes, kinds)
  }

  /// The classes of an image, row by row.
  public func withImage<R, E: Error>(
    _ index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let count = classes.elementsPerExample
    return try classes.withUnsafeBufferPointer(as: UInt8.self) { (all) throws(E) -> R in
      try body(UnsafeBufferPointer(rebasing: all[index * count..<(index + 1) * count]))
    }
  }

  /// How many pixels of an image have a class.
  public func labelledPixels(_ index: Int) -> Int {
    withImage(index) { $0.reduce(0) { $0 + ($1 == Self.void ? 0 : 1) } }
  }
}

extension LabelImages: CustomStringConvertible {
  /// For example `11 classes of pixels and void`.
  public var description: String {
    "\(counted(kinds.count, "class", "classes")) of pixels" + (kinds.void == nil ? "" : " and void")
  }
}

/// What label pictures hold for pixels without a class.
public enum VoidLabel: Sendable, Hashable {
  /// A class of the name void or unlabelled; 255 beside other numbers than 0; 11 in CamVid as SegNet has it.
  case automatic
  /// Every pixel has a class.
  case none
  case value(UInt8)

  /// `automatic`, `none`, or a number from 0 to 255.
  public init?(_ text: String) {
    switch text {
    case "automatic": self = .automatic
    case "none": self = .none
    default:
      guard let value = UInt8(text) else { return nil }
      self = .value(value)
    }
  }
}
