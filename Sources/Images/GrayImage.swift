/// One channel of a picture as numbers, row by row from the top; 0 is black and 255 white.
public struct GrayImage: Sendable, Hashable {
  public let height: Int
  public let width: Int
  /// height × width numbers.
  public var values: [Float]

  public init(height: Int, width: Int, values: [Float]) {
    precondition(height > 0 && width > 0 && values.count == height * width, "height × width numbers")
    (self.height, self.width, self.values) = (height, width, values)
  }

  /// A rectangle of the image.
  public func cropped(top: Int, left: Int, height: Int, width: Int) -> GrayImage {
    precondition(top >= 0 && left >= 0 && top + height <= self.height && left + width <= self.width)
    var part: [Float] = []
    part.reserveCapacity(height * width)
    for row in top..<top + height {
      let start = row * self.width + left
      part += values[start..<start + width]
    }
    return GrayImage(height: height, width: width, values: part)
  }

  /// The upper left part whose sides are multiples of a factor; nil: a side is shorter than the factor.
  public func cropped(toMultiplesOf factor: Int) -> GrayImage? {
    let (rows, columns) = (height / factor * factor, width / factor * factor)
    return rows > 0 && columns > 0 ? cropped(top: 0, left: 0, height: rows, width: columns) : nil
  }

  /// The same with whole numbers from 0 to 255, as an 8-bit picture has them.
  public var rounded: GrayImage {
    GrayImage(height: height, width: width, values: values.map { min(max($0.rounded(), 0), 255) })
  }

  /// The numbers as samples of an 8-bit picture.
  public var bytes: [UInt8] { rounded.values.map { UInt8($0) } }
}

extension Raster {
  /// Luma of a color picture by ITU-R BT.601, from 16 to 235, which the literature of super-resolution measures on; of a gray
  /// picture its only channel.
  public var luma: GrayImage {
    precondition(channels == 1 || channels == 3, "a picture without transparency has 1 or 3 channels")
    guard channels == 3 else { return GrayImage(height: height, width: width, values: samples.map { Float($0) }) }
    return LumaChroma(self).luma
  }
}

/// A color picture as luma and two differences of color (ITU-R BT.601): from 16 to 235, and from 16 to 240 around 128.
public struct LumaChroma: Sendable {
  public var luma: GrayImage
  public var blue: GrayImage
  public var red: GrayImage

  public init(luma: GrayImage, blue: GrayImage, red: GrayImage) { (self.luma, self.blue, self.red) = (luma, blue, red) }

  public init(_ picture: Raster) {
    precondition(picture.channels == 3, "a color picture")
    var planes = [[Float]](repeating: [], count: 3)
    for channel in 0..<3 { planes[channel].reserveCapacity(picture.width * picture.height) }
    for pixel in stride(from: 0, to: picture.samples.count, by: 3) {
      let (r, g, b) = (
        Float(picture.samples[pixel]) / 255, Float(picture.samples[pixel + 1]) / 255,
        Float(picture.samples[pixel + 2]) / 255
      )
      planes[0].append(16 + 65.481 * r + 128.553 * g + 24.966 * b)
      planes[1].append(128 - 37.797 * r - 74.203 * g + 112 * b)
      planes[2].append(128 + 112 * r - 93.786 * g - 18.214 * b)
    }
    let (height, width) = (picture.height, picture.width)
    luma = GrayImage(height: height, width: width, values: planes[0])
    blue = GrayImage(height: height, width: width, values: planes[1])
    red = GrayImage(height: height, width: width, values: planes[2])
  }

  /// The picture in red, green and blue.
  public var raster: Raster {
    var samples: [UInt8] = []
    samples.reserveCapacity(luma.values.count * 3)
    for pixel in luma.values.indices {
      let y = (luma.values[pixel] - 16) / 219
      let (b, r) = ((blue.values[pixel] - 128) / 224, (red.values[pixel] - 128) / 224)
      for color in [y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b] {
        samples.append(UInt8(min(max((255 * color).rounded(), 0), 255)))
      }
    }
    return Raster(width: luma.width, height: luma.height, channels: 3, samples: samples)
  }
}
