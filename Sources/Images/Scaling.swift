extension Raster {
  /// The picture as grey or RGB, without transparency.
  /// - Parameters:
  ///   - channels: 1 or 3.
  ///   - background: what lies behind transparent parts.
  public func converted(toChannels channels: Int, over background: Background = .black) -> Raster {
    precondition(channels == 1 || channels == 3, "a picture without transparency has 1 or 3 channels")
    let flat = flattened(over: background)
    guard flat.channels != channels else { return flat }
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height * channels)
    if channels == 3 {
      for sample in flat.samples { samples += [sample, sample, sample] }
    } else {
      for pixel in stride(from: 0, to: flat.samples.count, by: 3) {
        // Rec. 601's luma, in thousandths.
        let luma =
          299 * Int(flat.samples[pixel]) + 587 * Int(flat.samples[pixel + 1]) + 114 * Int(flat.samples[pixel + 2])
        samples.append(UInt8((luma + 500) / 1000))
      }
    }
    return Raster(width: width, height: height, channels: channels, samples: samples)
  }

  /// The greatest square around the middle.
  public func croppedToSquare() -> Raster {
    guard width != height else { return self }
    let side = min(width, height)
    let (left, top) = ((width - side) / 2, (height - side) / 2)
    var square: [UInt8] = []
    square.reserveCapacity(side * side * channels)
    for row in top..<top + side {
      let start = (row * width + left) * channels
      square += samples[start..<start + side * channels]
    }
    return Raster(width: side, height: side, channels: channels, samples: square)
  }

  /// The picture in another size, by triangles as wide as the scale: each pixel is a weighted mean of those that it
  /// covers, and between pixels when it grows. Shrinking without that width would alias.
  public func resized(width newWidth: Int, height newHeight: Int) -> Raster {
    guard newWidth != width || newHeight != height else { return self }
    let (across, down) = (Raster.taps(from: width, to: newWidth), Raster.taps(from: height, to: newHeight))
    var rows = [Float](repeating: 0, count: height * newWidth * channels)
    for row in 0..<height {
      for (column, taps) in across.enumerated() {
        for channel in 0..<channels {
          var sum: Float = 0
          for (offset, weight) in taps.weights.enumerated() {
            sum += weight * Float(samples[(row * width + taps.first + offset) * channels + channel])
          }
          rows[(row * newWidth + column) * channels + channel] = sum
        }
      }
    }
    let stride = newWidth * channels
    var result = [UInt8](repeating: 0, count: newHeight * stride)
    for (row, taps) in down.enumerated() {
      for index in 0..<stride {
        var sum: Float = 0
        for (offset, weight) in taps.weights.enumerated() {
          sum += weight * rows[(taps.first + offset) * stride + index]
        }
        result[row * stride + index] = UInt8(min(max(sum, 0), 255).rounded())
      }
    }
    return Raster(width: newWidth, height: newHeight, channels: channels, samples: result)
  }

  private struct Taps {
    let first: Int
    let weights: [Float]
  }

  private static func taps(from old: Int, to new: Int) -> [Taps] {
    let scale = Double(old) / Double(new)
    let reach = max(scale, 1)
    return (0..<new).map { index in
      let centre = (Double(index) + 0.5) * scale
      let first = max(Int((centre - reach).rounded(.down)), 0)
      let last = min(Int((centre + reach).rounded(.up)), old) - 1
      let weights = (first...last).map { max(1 - abs(Double($0) + 0.5 - centre) / reach, 0) }
      let sum = weights.reduce(0, +)
      return Taps(first: first, weights: weights.map { Float($0 / sum) })
    }
  }
}
