import CKernels

/// f(x · scale + strength · noise + bias) with f(z) = z where z > 0, slope · z elsewhere: what follows a modulated convolution,
/// in one pass over the images.
private struct StyledRectification: Primitive {
  /// At least 0.
  let slope: Float
  /// [n, h, w]; nil: none.
  let noise: Tensor?

  func callAsFunction(_ x: Tensor, scale: Tensor, strength: Tensor, bias: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    eachImage(x) { row, pixels, channels in
      let start = row * pixels * channels
      elbo_rectify_styled(
        x.pointer + start, scale.pointer + row * channels, noise.map { $0.pointer + row * pixels },
        strength.pointer[0], bias.pointer, slope, y.pointer + start, pixels, channels)
    }
    return recording(self, Inputs(x, scale, strength, bias), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let (x, scale) = (inputs[0], inputs[1])
    guard !sink.isRecorded else { return recordedPullback(dy, x, scale, y, into: sink) }
    let dx = Tensor(uninitialized: x.shape)
    let (dScale, dBias) = (Tensor(uninitialized: scale.shape), Tensor(uninitialized: scale.shape))
    let dNoise = Tensor.zeros(scale.shape)
    eachImage(x) { row, pixels, channels in
      let (start, own) = (row * pixels * channels, row * channels)
      elbo_rectify_styled_grad(
        x.pointer + start, scale.pointer + own, noise.map { $0.pointer + row * pixels }, y.pointer + start, slope,
        dy.pointer + start, dx.pointer + start, dScale.pointer + own, dBias.pointer + own, dNoise.pointer + own, pixels,
        channels)
    }
    sink.add(dx, to: 0)
    sink.add(dScale, to: 1)
    if sink.wants(2) { sink.add(dNoise.sum().reshaped(to: [1]), to: 2) }
    if sink.wants(3) { sink.add(dBias.sumOfColumns(), to: 3) }
  }

  private func recordedPullback(
    _ dy: Tensor, _ x: Tensor, _ scale: Tensor, _ y: Tensor, into sink: borrowing CotangentSink
  ) {
    let dz = dy * (y.step() * (1 - slope) + slope)
    if sink.wants(0) { sink.add(dz.scalingChannels(by: scale), to: 0) }
    if sink.wants(1) { sink.add(x.channelProducts(with: dz), to: 1) }
    if sink.wants(2) {
      let sums = noise.map { (dz.sumOfRows() * $0).sum() } ?? Tensor.zeros(.scalar)
      sink.add(sums.reshaped(to: [1]), to: 2)
    }
    if sink.wants(3) { sink.add(dz.sumOfColumns(), to: 3) }
  }

  private func eachImage(_ x: Tensor, _ body: (_ row: Int, _ pixels: Int, _ channels: Int) -> Void) {
    for row in 0..<x.shape[0] { body(row, x.shape[1] * x.shape[2], x.columns) }
  }
}

extension Tensor {
  /// Images [n, h, w, c] scaled by numbers of their own channels, with noise and a bias added, and rectified:
  /// f(x · scale + strength · noise + bias).
  /// - Parameters:
  ///   - scale: [n, c].
  ///   - noise: [n, h, w]; nil: none. One that is recorded is differentiated, which takes several passes.
  ///   - strength: [1].
  ///   - bias: [c].
  ///   - slope: of the rectification below 0; at least 0.
  public func rectifiedStyle(
    scale: Tensor, noise: Tensor?, strength: Tensor, bias: Tensor, slope: Float
  ) -> Tensor {
    precondition(
      shape.rank == 4 && scale.shape == [shape[0], shape[3]] && strength.shape == [1] && bias.shape == [shape[3]]
        && (noise.map { $0.count * shape[3] == count } ?? true) && slope >= 0,
      "a style of shapes \(scale.shape), \(bias.shape) for images of shape \(shape)")
    guard let noise, noise.isRecorded else {
      return StyledRectification(slope: slope, noise: noise)(self, scale: scale, strength: strength, bias: bias)
    }
    let (pixels, channels) = (noise.count, shape[3])
    let spread = noise.reshaped(to: [pixels, 1]).product(with: strength.reshaped(to: [1, 1]))
      .reshaped(to: [pixels]).repeatedAlong(to: [pixels, channels])
    let scaled = scalingChannels(by: scale).reshaped(to: [pixels, channels])
    return (scaled + spread).addingRow(bias).leakyReLU(slope: slope).reshaped(to: shape)
  }
}
