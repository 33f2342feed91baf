/// Images of one size as numbers, channels last: an image after the other.
public struct ImageStack: Sendable {
  public let height: Int
  public let width: Int
  public let channels: Int
  public fileprivate(set) var values: [Float]

  public init(_ values: [Float], height: Int, width: Int, channels: Int) {
    precondition(height > 0 && width > 0 && channels > 0 && values.count % (height * width * channels) == 0)
    (self.values, self.height, self.width, self.channels) = (values, height, width, channels)
  }

  public var elementsPerImage: Int { height * width * channels }
  public var count: Int { values.count / elementsPerImage }

  /// The images at some places.
  public func images(_ places: some Sequence<Int>) -> ImageStack {
    let length = elementsPerImage
    return ImageStack(
      places.flatMap { values[$0 * length..<($0 + 1) * length] }, height: height, width: width, channels: channels)
  }
}

/// The detail of images at each size: the difference of an image from its prediction by the half-sized one, and the
/// smallest image itself (Burt and Adelson 1983). The filter is binomial, [1 4 6 4 1] / 16 along each axis, and images
/// go on mirrored about the middle of their outermost pixels.
extension ImageStack {
  /// Sizes of the levels, largest first: sides are halved while they are even and at least 16 pixels are left.
  static func levels(height: Int, width: Int) -> [(height: Int, width: Int)] {
    var levels = [(height: height, width: width)]
    while let last = levels.last, last.height % 2 == 0, last.width % 2 == 0, min(last.height, last.width) >= 32 {
      levels.append((last.height / 2, last.width / 2))
    }
    return levels
  }

  /// The levels, largest first.
  public func laplacianPyramid() -> [ImageStack] {
    var (levels, image) = ([ImageStack](), self)
    for size in ImageStack.levels(height: height, width: width).dropFirst() {
      let half = image.resized(height: size.height, width: size.width)
      var detail = half.resized(height: image.height, width: image.width)
      for index in detail.values.indices { detail.values[index] = image.values[index] - detail.values[index] }
      levels.append(detail)
      image = half
    }
    return levels + [image]
  }

  /// Halved or doubled along both axes.
  private func resized(height: Int, width: Int) -> ImageStack {
    let lines = filtered(extent: self.height, to: height, inner: self.width * channels)
    let rows = ImageStack(lines, height: height, width: self.width, channels: channels)
    let columns = rows.filtered(extent: self.width, to: width, inner: channels)
    return ImageStack(columns, height: height, width: width, channels: channels)
  }

  /// Halves or doubles one axis, along which numbers lie `inner` apart.
  private func filtered(extent: Int, to target: Int, inner: Int) -> [Float] {
    let taps = ImageStack.taps(from: extent, to: target)
    let outer = values.count / (extent * inner)
    var result = [Float](repeating: 0, count: outer * target * inner)
    values.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { result in
        for block in 0..<outer {
          for (place, taps) in taps.enumerated() {
            let line = (block * target + place) * inner
            for (index, weight) in taps {
              let other = (block * extent + index) * inner
              for element in 0..<inner { result[line + element] += weight * source[other + element] }
            }
          }
        }
      }
    }
    return result
  }

  /// For each place along a target extent: which of the source's numbers it is made of, and their weights.
  private static func taps(from extent: Int, to target: Int) -> [[(index: Int, weight: Float)]] {
    let binomial: [Float] = [1, 4, 6, 4, 1]
    func mirrored(_ index: Int, _ extent: Int) -> Int {
      index < 0 ? -index : index < extent ? index : 2 * (extent - 1) - index
    }
    return (0..<target).map { place in
      (-2...2).compactMap { offset in
        let weight = binomial[offset + 2]
        if target < extent { return (mirrored(2 * place + offset, extent), weight / 16) }
        // Every other number of the doubled row is 0, which the weights make up for.
        let index = mirrored(place + offset, target)
        return index % 2 == 0 ? (index / 2, weight / 8) : nil
      }
    }
  }
}
