import CKernels

/// Sums of square windows of an image, and its transpose: each number spread over its window.
///
/// Average pooling is the one, nearest upsampling the other with windows that touch.
private struct Window: Primitive {
  enum Function: UInt8 { case sum, spread }

  let function: Function
  let size: Int16
  let stride: Int16
  let padding: Int16
  /// Extents of the image that is spread over.
  let height: Int32
  let width: Int32

  /// The number of windows along an extent.
  static func count(_ extent: Int, size: Int, stride: Int, padding: Int) -> Int {
    (extent + 2 * padding - size) / stride + 1
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.shape.rank == 4, "windows of a tensor of shape \(x.shape)")
    let channels = x.shape[3]
    let y: Tensor
    switch function {
    case .sum:
      y = .zeros([
        x.shape[0], Window.count(x.shape[1], size: Int(size), stride: Int(stride), padding: Int(padding)),
        Window.count(x.shape[2], size: Int(size), stride: Int(stride), padding: Int(padding)), channels,
      ])
      forEachTap(image: x.shape, windows: y.shape) { pixel, window in
        elbo_add(y.pointer + window, x.pointer + pixel, y.pointer + window, channels)
      }
    case .spread:
      y = .zeros([x.shape[0], Int(height), Int(width), channels])
      forEachTap(image: y.shape, windows: x.shape) { pixel, window in
        elbo_add(y.pointer + pixel, x.pointer + window, y.pointer + pixel, channels)
      }
    }
    return recording(self, Inputs(x), y)
  }

  /// Offsets of the pixels that lie in windows, with those of the windows.
  private func forEachTap(image: Shape, windows: Shape, _ body: (_ pixel: Int, _ window: Int) -> Void) {
    forEachWindow(image: image, windows: windows, size: Int(size), stride: Int(stride), padding: Int(padding), body)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let shape = inputs[0].shape
    sink.add(
      Window(
        function: function == .sum ? .spread : .sum, size: size, stride: stride, padding: padding,
        height: Int32(shape[1]), width: Int32(shape[2]))(dy), to: 0)
  }
}

/// Calls `body` with the offsets of each pixel and of each window that it lies in, window by window.
private func forEachWindow(
  image: Shape, windows: Shape, size: Int, stride: Int, padding: Int, _ body: (_ pixel: Int, _ window: Int) -> Void
) {
  let (height, width, channels) = (image[1], image[2], image[3])
  var window = 0
  for n in 0..<windows[0] {
    for i in 0..<windows[1] {
      let rows = max(i * stride - padding, 0)..<max(min(i * stride - padding + size, height), 0)
      for j in 0..<windows[2] {
        let columns = max(j * stride - padding, 0)..<max(min(j * stride - padding + size, width), 0)
        for row in rows {
          for column in columns { body(((n * height + row) * width + column) * channels, window) }
        }
        window += channels
      }
    }
  }
}

extension Tensor {
  func checkWindow(_ size: Int, _ stride: Int, _ padding: Int, roundsUp: Bool = false) {
    precondition(
      shape.rank == 4 && 1...9999 ~= size && 1...9999 ~= stride && padding >= 0 && 2 * padding <= size
        && (roundsUp || shape[1] + 2 * padding >= size && shape[2] + 2 * padding >= size),
      "windows of \(size), stride \(stride), padding \(padding), of images of shape \(shape)")
  }

  /// The mean of each window and channel; padding counts as zeros, as in PyTorch.
  public func averagePooled(_ size: Int, stride: Int? = nil, padding: Int = 0) -> Tensor {
    let stride = stride ?? size
    checkWindow(size, stride, padding)
    let sum = Window(
      function: .sum, size: Int16(size), stride: Int16(stride), padding: Int16(padding), height: 0, width: 0)
    return sum(self) * (1 / Float(size * size))
  }

  /// Each pixel becomes factor × factor equal ones: [n, h, w, c] → [n, factor h, factor w, c].
  public func upsampled(_ factor: Int) -> Tensor {
    precondition(shape.rank == 4 && 1...9999 ~= factor, "an image of shape \(shape), \(factor) times as large")
    let spread = Window(
      function: .spread, size: Int16(factor), stride: Int16(factor), padding: 0, height: Int32(factor * shape[1]),
      width: Int32(factor * shape[2]))
    return spread(self)
  }
}
