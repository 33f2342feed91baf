/// Each image made `factor` times as large by bilinear interpolation, and its transpose: each number added to the four
/// that it was made of. Centres of pixels keep their places (PyTorch's align_corners=False): row i of the result lies
/// at (i + ½) / factor − ½ of the image, its edge where that is outside.
private struct Bilinear: Primitive {
  enum Function: UInt8 { case interpolate, spread }

  let function: Function
  let factor: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, channels) = (x.shape[0], x.shape[3])
    let y: Tensor
    switch function {
    case .interpolate:
      y = Tensor(uninitialized: [n, factor * x.shape[1], factor * x.shape[2], channels])
      forEachPixel(n, small: Pair(x.shape[1], x.shape[2]), channels) { large, corners, weights in
        for channel in 0..<channels {
          var sum: Float = 0
          for corner in 0..<4 { sum += weights[corner] * x.pointer[corners[corner] + channel] }
          y.pointer[large + channel] = sum
        }
      }
    case .spread:
      y = .zeros([n, x.shape[1] / factor, x.shape[2] / factor, channels])
      forEachPixel(n, small: Pair(y.shape[1], y.shape[2]), channels) { large, corners, weights in
        for corner in 0..<4 {
          let place = y.pointer + corners[corner]
          for channel in 0..<channels { place[channel] += weights[corner] * x.pointer[large + channel] }
        }
      }
    }
    return recording(self, Inputs(x), y)
  }

  /// Calls `body` with the offset of each pixel of the large images, those of the four of the small image around it,
  /// and their weights.
  private func forEachPixel(
    _ n: Int, small: Pair, _ channels: Int,
    _ body: (_ large: Int, _ corners: SIMD4<Int>, _ weights: SIMD4<Float>) -> Void
  ) {
    let (rows, columns) = (neighbours(small.height), neighbours(small.width))
    var large = 0
    for image in 0..<n {
      let start = image * small.height * small.width
      for row in rows {
        let (top, bottom) = (start + row.first * small.width, start + row.second * small.width)
        for column in columns {
          let corners = SIMD4(top + column.first, top + column.second, bottom + column.first, bottom + column.second)
          let (low, high) = (1 - row.share, row.share)
          let (left, right) = (1 - column.share, column.share)
          body(large, corners &* channels, SIMD4(low * left, low * right, high * left, high * right))
          large += channels
        }
      }
    }
  }

  /// For each place along a large extent: the two of the small one that it lies between, and the share of the second.
  private func neighbours(_ extent: Int) -> [(first: Int, second: Int, share: Float)] {
    (0..<factor * extent).map { index in
      let place = max((Float(index) + 0.5) / Float(factor) - 0.5, 0)
      let first = min(Int(place), extent - 1)
      return (first, min(first + 1, extent - 1), place - Float(first))
    }
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Bilinear(function: function == .interpolate ? .spread : .interpolate, factor: factor)(dy), to: 0)
  }
}

extension Tensor {
  /// [n, h, w, c] → [n, factor h, factor w, c] by bilinear interpolation; pixels' centres keep their places.
  public func bilinearlyUpsampled(_ factor: Int) -> Tensor {
    precondition(shape.rank == 4 && 1...9999 ~= factor, "an image of shape \(shape), \(factor) times as large")
    return Bilinear(function: .interpolate, factor: factor)(self)
  }
}
