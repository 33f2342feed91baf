import CKernels

/// Numbers of each example's channels, [n, c], and images [n, h, w, c]: maps that are linear in each argument; the
/// derivatives of each map are others of them.
///
/// | function | arguments | result |
/// |---|---|---|
/// | scale | images x, numbers s | x · s |
/// | dot | images, images | Σ over pixels of their product, [n, c] |
private struct ChannelMap: Primitive {
  enum Function: UInt8 { case scale, dot }

  let function: Function

  func callAsFunction(_ x: Tensor, _ other: Tensor) -> Tensor {
    let (n, channels) = (x.shape[0], x.columns)
    let pixels = n == 0 ? 0 : x.rows / n
    let y: Tensor
    switch function {
    case .scale:
      precondition(other.shape == [n, channels], "\(other.shape) for the channels of \(x.shape)")
      y = Tensor(uninitialized: x.shape)
      eachExample(n, pixels * channels) { start, row in
        elbo_mul_row(x.pointer + start, other.pointer + row * channels, y.pointer + start, pixels, channels)
      }
    case .dot:
      precondition(other.shape == x.shape, "images of shapes \(x.shape) and \(other.shape)")
      y = Tensor(uninitialized: [n, channels])
      eachExample(n, pixels * channels) { start, row in
        elbo_dot_cols(x.pointer + start, other.pointer + start, y.pointer + row * channels, pixels, channels)
      }
    }
    return recording(self, Inputs(x, other), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (x, other) = (inputs[0], inputs[1])
    switch function {
    case .scale:
      if sink.wants(0) { sink.add(ChannelMap(function: .scale)(dy, other), to: 0) }
      if sink.wants(1) { sink.add(ChannelMap(function: .dot)(x, dy), to: 1) }
    case .dot:
      if sink.wants(0) { sink.add(ChannelMap(function: .scale)(other, dy), to: 0) }
      if sink.wants(1) { sink.add(ChannelMap(function: .scale)(x, dy), to: 1) }
    }
  }
}

/// Sums of each example's channels over its pixels, and the transpose.
private struct ChannelSum: Primitive {
  enum Function: UInt8 { case sum, spread }

  let function: Function
  let height: Int32
  let width: Int32

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, channels, pixels) = (x.shape[0], x.columns, Int(height) * Int(width))
    let y: Tensor
    switch function {
    case .sum:
      y = Tensor(uninitialized: [n, channels])
      eachExample(n, pixels * channels) { start, row in
        elbo_sum_cols(x.pointer + start, y.pointer + row * channels, pixels, channels)
      }
    case .spread:
      y = Tensor(uninitialized: [n, Int(height), Int(width), channels])
      eachExample(n, pixels * channels) { start, row in
        for pixel in 0..<pixels {
          (y.pointer + start + pixel * channels).update(from: x.pointer + row * channels, count: channels)
        }
      }
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(ChannelSum(function: function == .sum ? .spread : .sum, height: height, width: width)(dy), to: 0)
  }
}

private func eachExample(_ count: Int, _ stride: Int, _ body: (_ start: Int, _ row: Int) -> Void) {
  for row in 0..<count { body(row * stride, row) }
}

extension Tensor {
  /// Images [n, h, w, c] whose channels are multiplied by numbers of their own, [n, c].
  public func scalingChannels(by numbers: Tensor) -> Tensor {
    precondition(shape.rank == 4, "channels of a tensor of shape \(shape)")
    return ChannelMap(function: .scale)(self, numbers)
  }

  /// Σ over pixels of the products of two images' numbers, for each channel: [n, h, w, c] → [n, c].
  func channelProducts(with other: Tensor) -> Tensor { ChannelMap(function: .dot)(self, other) }

  /// Images [n, h, w, c] with numbers of their own, [n, c], added to each channel.
  public func addingChannels(_ numbers: Tensor) -> Tensor {
    self + numbers.repeatedOverPixels(height: shape[1], width: shape[2])
  }

  /// Σ over pixels of each example's channels: [n, h, w, c] → [n, c].
  public func sumOverPixels() -> Tensor {
    precondition(shape.rank == 4, "pixels of a tensor of shape \(shape)")
    return ChannelSum(function: .sum, height: Int32(shape[1]), width: Int32(shape[2]))(self)
  }

  /// Numbers [n, c] at every pixel: [n, h, w, c].
  public func repeatedOverPixels(height: Int, width: Int) -> Tensor {
    precondition(shape.rank == 2, "numbers of channels of shape \(shape)")
    return ChannelSum(function: .spread, height: Int32(height), width: Int32(width))(self)
  }
}
