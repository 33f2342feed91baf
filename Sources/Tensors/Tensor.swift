/// float32 numbers in row-major order, contiguous, with a shape.
///
/// A tensor is a handle: copies share the numbers, and no operation changes the numbers of a tensor that another
/// operation has made. It belongs to the thread (the lane) that made it, which is why it is not `Sendable`; lanes share
/// flat buffers (`FlatBuffer`), and each lane makes views of its own.
///
/// A tensor that came from variables of a `Tape` knows its place on that tape, so that it can be differentiated.
public struct Tensor {
  public let shape: Shape
  public let pointer: UnsafeMutablePointer<Float>
  private let owner: AnyObject
  package private(set) var record: Record?

  /// A place on a tape, valid until the tape is reset.
  package struct Record {
    package let tape: Tape
    package let index: Int
    package let age: UInt32
  }

  /// Memory of the pool, returned to it when the last tensor that uses it ends.
  private final class Block {
    let pointer: UnsafeMutablePointer<Float>
    private let sizeClass: Int

    init(count: Int) {
      sizeClass = MemoryPool.sizeClass(forCount: count)
      pointer = MemoryPool.take(class: sizeClass)
    }

    deinit { MemoryPool.give(pointer, class: sizeClass) }
  }

  private init(shape: Shape, pointer: UnsafeMutablePointer<Float>, owner: AnyObject, record: Record?) {
    self.shape = shape
    self.pointer = pointer
    self.owner = owner
    self.record = record
  }

  /// A tensor whose numbers are not yet set: for operations that write all of them at once.
  public init(uninitialized shape: Shape) {
    let block = Block(count: shape.count)
    self.init(shape: shape, pointer: block.pointer, owner: block, record: nil)
  }

  public init(repeating value: Float, _ shape: Shape) {
    self.init(uninitialized: shape)
    pointer.update(repeating: value, count: shape.count)
  }

  public init(_ values: some Collection<Float>, _ shape: Shape) {
    precondition(values.count == shape.count, "\(values.count) numbers for a tensor of shape \(shape)")
    self.init(uninitialized: shape)
    _ = UnsafeMutableBufferPointer(start: pointer, count: shape.count).initialize(fromContentsOf: values)
  }

  /// A tensor of one number.
  public init(_ value: Float) { self.init(repeating: value, .scalar) }

  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape) }

  /// A view of memory that `owner` keeps: nothing is copied, and `owner` lives at least as long as the view.
  public init(viewing pointer: UnsafeMutablePointer<Float>, _ shape: Shape, keeping owner: AnyObject) {
    self.init(shape: shape, pointer: pointer, owner: owner, record: nil)
  }

  public var count: Int { shape.count }
  public var rows: Int { shape.rows }
  public var columns: Int { shape.columns }

  public var buffer: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: pointer, count: count) }

  /// The numbers, copied.
  public var values: [Float] { Array(buffer) }

  /// The number of a tensor that has one.
  public var value: Float {
    precondition(count == 1, "a tensor of shape \(shape) is not one number")
    return pointer[0]
  }

  /// The same numbers, unknown to any tape: derivatives end here.
  public var detached: Tensor { Tensor(shape: shape, pointer: pointer, owner: owner, record: nil) }

  /// Whether derivatives flow through this tensor.
  public var isRecorded: Bool { record != nil }

  /// The same numbers seen in another shape, off the tape.
  func viewed(as shape: Shape) -> Tensor {
    precondition(shape.count == count, "\(self.shape) cannot be seen as \(shape)")
    return Tensor(shape: shape, pointer: pointer, owner: owner, record: nil)
  }

  /// `length` numbers from `offset` on, seen in a shape, off the tape.
  func viewed(from offset: Int, as shape: Shape) -> Tensor {
    precondition(offset >= 0 && offset + shape.count <= count)
    return Tensor(shape: shape, pointer: pointer + offset, owner: owner, record: nil)
  }

  func recorded(on tape: Tape, at index: Int) -> Tensor {
    Tensor(shape: shape, pointer: pointer, owner: owner, record: Record(tape: tape, index: index, age: tape.age))
  }
}
