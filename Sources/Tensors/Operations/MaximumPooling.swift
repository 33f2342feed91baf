import CKernels

/// Where the greatest number of each window of images lies.
///
/// Windows need not fit: with `roundsUp` the last ones stand out over the edge (as in Caffe), so that every pixel lies in
/// a window and unpooling loses none. An image then has at least one window.
public final class PoolingPlaces {
  /// Of the images and of the windows, [n, h, w, c].
  public let source: Shape
  public let result: Shape
  /// The number of a pixel in its window, as an Int32 in the place of a float.
  private let numbers: Tensor
  private let windows: elbo_windows

  fileprivate init(_ images: Shape, size: Int, stride: Int, padding: Int, roundsUp: Bool) {
    func count(_ axis: Int) -> Int {
      PoolingPlaces.windows(along: images[axis], size: size, stride: stride, padding: padding, roundsUp: roundsUp)
    }
    source = images
    result = [images[0], count(1), count(2), images[3]]
    numbers = Tensor(uninitialized: result)
    windows = elbo_windows(
      images: images[0], height: images[1], width: images[2], channels: images[3], rows: result[1],
      columns: result[2], size: size, stride: stride, padding: padding,
      tiles: stride == size && padding == 0 && result[1] * size >= images[1] && result[2] * size >= images[2] ? 1 : 0)
  }

  /// How many windows lie along an extent; 0 where none fits.
  public static func windows(along extent: Int, size: Int, stride: Int, padding: Int, roundsUp: Bool) -> Int {
    let room = extent + 2 * padding - size
    guard roundsUp else { return room < 0 ? 0 : room / stride + 1 }
    let count = (max(room, 0) + stride - 1) / stride + 1
    // The last begins in the image, or in the padding before it.
    return count > 1 && (count - 1) * stride >= extent + padding ? count - 1 : count
  }

  private var places: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(numbers.pointer).assumingMemoryBound(to: Int32.self)
  }

  fileprivate func find(in x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: result)
    withUnsafePointer(to: windows) { elbo_max_windows(x.pointer, $0, y.pointer, places) }
    return y
  }

  fileprivate func gather(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: result)
    withUnsafePointer(to: windows) { elbo_gather_windows(x.pointer, places, $0, y.pointer) }
    return y
  }

  fileprivate func scatter(_ y: Tensor) -> Tensor {
    let x = windows.tiles != 0 ? Tensor(uninitialized: source) : .zeros(source)
    withUnsafePointer(to: windows) { elbo_scatter_windows(y.pointer, places, $0, x.pointer) }
    return x
  }
}

/// The numbers at places, and its transpose: numbers added at those places.
private struct Pick: Primitive {
  enum Function: UInt8 { case gather, scatter }

  let places: PoolingPlaces
  let function: Function

  func callAsFunction(_ x: Tensor) -> Tensor {
    recording(self, Inputs(x), function == .gather ? places.gather(x) : places.scatter(x))
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Pick(places: places, function: function == .gather ? .scatter : .gather)(dy), to: 0)
  }
}

extension Tensor {
  /// The greatest number of each window and channel: [n, h, w, c] → [n, ⌊(h + 2 padding − size) / stride⌋ + 1, …, c].
  /// Padding is less than everything. At a tie the derivative goes to the first.
  public func maximumPooled(_ size: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    maximumPooledWithPlaces(size, stride: stride, padding: padding).output
  }

  /// The same, with where the numbers came from.
  /// - Parameter roundsUp: whether windows may stand out over the edge; see ``PoolingPlaces``.
  public func maximumPooledWithPlaces(
    _ size: Int, stride: Int? = nil, padding: Int = 0, roundsUp: Bool = false
  ) -> (output: Tensor, places: PoolingPlaces) {
    let stride = stride ?? size
    checkWindow(size, stride, padding, roundsUp: roundsUp)
    let places = PoolingPlaces(shape, size: size, stride: stride, padding: padding, roundsUp: roundsUp)
    return (recording(Pick(places: places, function: .gather), Inputs(self), places.find(in: self)), places)
  }

  /// Puts the numbers of windows back to where the greatest ones lay, and zeros elsewhere: the shape of
  /// ``PoolingPlaces/result`` → that of ``PoolingPlaces/source`` (Badrinarayanan, Kendall and Cipolla 2017). Where
  /// windows overlap, what comes to one pixel is added.
  public func unpooled(_ places: PoolingPlaces) -> Tensor {
    precondition(shape == places.result, "\(shape) is unpooled to where \(places.result) came from")
    return Pick(places: places, function: .scatter)(self)
  }
}
