extension GrayImage {
  /// The image in another size by cubic convolution (Keys 1981, a = −1/2), whose kernel is as wide as the scale where the
  /// image shrinks, so that nothing aliases, and which sees the image mirrored beyond its edges: MATLAB's `imresize`, which
  /// published numbers of super-resolution are measured with.
  public func bicubic(height newHeight: Int, width newWidth: Int) -> GrayImage {
    precondition(newHeight > 0 && newWidth > 0, "an image has pixels")
    let (across, down) = (Taps(from: width, to: newWidth), Taps(from: height, to: newHeight))
    var rows = [Float](repeating: 0, count: height * newWidth)
    values.withUnsafeBufferPointer { source in
      rows.withUnsafeMutableBufferPointer { target in
        for row in 0..<height {
          for column in 0..<newWidth {
            var sum: Float = 0
            for tap in column * across.count..<(column + 1) * across.count {
              sum += across.weights[tap] * source[row * width + across.places[tap]]
            }
            target[row * newWidth + column] = sum
          }
        }
      }
    }
    let result = [Float](unsafeUninitializedCapacity: newHeight * newWidth) { target, count in
      rows.withUnsafeBufferPointer { source in
        for row in 0..<newHeight {
          let line = target.baseAddress! + row * newWidth
          line.initialize(repeating: 0, count: newWidth)
          for tap in row * down.count..<(row + 1) * down.count {
            let (weight, start) = (down.weights[tap], down.places[tap] * newWidth)
            for column in 0..<newWidth { line[column] += weight * source[start + column] }
          }
        }
      }
      count = newHeight * newWidth
    }
    return GrayImage(height: newHeight, width: newWidth, values: result)
  }
}

/// Which numbers of a line make each number of a resized one, and with which weights: as many for each.
private struct Taps {
  let count: Int
  var places: [Int] = []
  var weights: [Float] = []

  init(from old: Int, to new: Int) {
    let scale = Double(new) / Double(old)
    let stretch = min(scale, 1)
    let radius = 2 / stretch
    count = Int((2 * radius).rounded(.up)) + 2
    for index in 0..<new {
      let center = (Double(index) + 0.5) / scale - 0.5
      let first = Int((center - radius).rounded(.down))
      let own = (first..<first + count).map { Taps.kernel(stretch * (center - Double($0))) }
      let sum = own.reduce(0, +)
      for (offset, weight) in own.enumerated() {
        places.append(Taps.mirrored(first + offset, count: old))
        weights.append(Float(weight / sum))
      }
    }
  }

  /// Keys's kernel with a = −1/2.
  private static func kernel(_ x: Double) -> Double {
    let x = abs(x)
    if x <= 1 { return (1.5 * x - 2.5) * x * x + 1 }
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
  }

  /// A place beyond the edges, mirrored with the edge's number repeated.
  private static func mirrored(_ place: Int, count: Int) -> Int {
    let period = 2 * count
    let folded = ((place % period) + period) % period
    return folded < count ? folded : period - 1 - folded
  }
}
