import CKernels

/// Images filtered by the binomial [1 3 3 1] along both axes while they are made larger or smaller: zeros between
/// pixels, the filter, every `down`-th of its results. Its transpose is of the same kind, with the factors swapped.
private struct Resample: Primitive {
  let up: UInt8
  let down: UInt8
  /// Zeros before the first pixel, among those that were put between pixels.
  let before: Int8
  /// What both axes' taps are multiplied with: a power of 2.
  let gain: Float
  /// Extents of the result.
  let height: Int32
  let width: Int32

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, channels) = (x.shape[0], x.shape[3])
    let tall = Tensor(uninitialized: [n, Int(height), x.shape[2], channels])
    filter(x, outer: n, length: x.shape[1], inner: x.shape[2] * channels, into: tall, length: Int(height))
    let y = Tensor(uninitialized: [n, Int(height), Int(width), channels])
    filter(tall, outer: n * Int(height), length: x.shape[2], inner: channels, into: y, length: Int(width))
    return recording(self, Inputs(x), y)
  }

  private func filter(_ x: Tensor, outer: Int, length: Int, inner: Int, into y: Tensor, length outLength: Int) {
    var axis = elbo_resampling()
    (axis.outer, axis.length, axis.out_length, axis.inner) = (outer, length, outLength, inner)
    (axis.up, axis.down, axis.before) = (Int(up), Int(down), Int(before))
    axis.taps = (gain * 0.125, gain * 0.375, gain * 0.375, gain * 0.125)
    elbo_resample(x.pointer, &axis, y.pointer)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let shape = inputs[0].shape
    let transpose = Resample(
      up: down, down: up, before: 3 - before, gain: gain, height: Int32(shape[1]), width: Int32(shape[2]))
    sink.add(transpose(dy), to: 0)
  }
}

extension Tensor {
  /// Images [n, h, w, c] of twice the sides: zeros between pixels, then the filter [1 3 3 1] along both axes, whose sum
  /// keeps a constant image (StyleGAN's upsampling; also nearest upsampling and then a blur by [1 2 1]).
  public func filteredUp() -> Tensor {
    resampled(up: 2, down: 1, before: 2, gain: 2, height: 2 * shape[1], width: 2 * shape[2])
  }

  /// Images [n, h, w, c] of half the sides, which are even: the filter [1 3 3 1] along both axes at every second pixel.
  public func filteredDown() -> Tensor {
    precondition(shape.rank == 4 && shape[1] % 2 == 0 && shape[2] % 2 == 0, "half of images of shape \(shape)")
    return resampled(up: 1, down: 2, before: 1, gain: 1, height: shape[1] / 2, width: shape[2] / 2)
  }

  /// Images [n, h, w, c] filtered by [1 3 3 1] along both axes.
  /// - Parameters:
  ///   - before: zeros above and left of the image.
  ///   - after: zeros below and right of it; a result has `before + after − 3` rows more than the image.
  ///   - gain: what each axis' filter, whose taps sum to 1, is multiplied with.
  public func filtered(before: Int, after: Int, gain: Float = 1) -> Tensor {
    precondition(0...3 ~= before && 0...3 ~= after, "a filter of 4 taps with \(before) and \(after) zeros at the ends")
    let more = before + after - 3
    return resampled(up: 1, down: 1, before: before, gain: gain, height: shape[1] + more, width: shape[2] + more)
  }

  private func resampled(up: Int, down: Int, before: Int, gain: Float, height: Int, width: Int) -> Tensor {
    precondition(shape.rank == 4 && height > 0 && width > 0, "resampling of images of shape \(shape)")
    return Resample(
      up: UInt8(up), down: UInt8(down), before: Int8(before), gain: gain, height: Int32(height), width: Int32(width))(
        self)
  }
}
