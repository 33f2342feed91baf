/// A picture as plain samples: 8 bits each, interleaved, rows from the top.
public struct Raster: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  public let channels: Int
  /// height × width × channels samples.
  public let samples: [UInt8]

  public init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
    precondition(width > 0 && height > 0 && (1...4).contains(channels), "a picture has pixels of 1 to 4 channels")
    precondition(samples.count == width * height * channels, "height × width × channels samples")
    self.width = width
    self.height = height
    self.channels = channels
    self.samples = samples
  }

  public var hasAlpha: Bool { channels == 2 || channels == 4 }

  /// Whether a pixel is not wholly opaque.
  public var isTransparent: Bool {
    hasAlpha && stride(from: channels - 1, to: samples.count, by: channels).contains { samples[$0] < 255 }
  }

  /// The picture without its alpha channel, laid over an even background; itself when it has none.
  ///
  /// Each sample is `(alpha · sample + (255 − alpha) · background) / 255`, rounded. A gray picture over a color has three
  /// channels.
  public func flattened(over background: Background) -> Raster {
    guard hasAlpha else { return self }
    let colors = background.isGray ? channels - 1 : 3
    var flat: [UInt8] = []
    flat.reserveCapacity(width * height * colors)
    for pixel in stride(from: 0, to: samples.count, by: channels) {
      let alpha = Int(samples[pixel + channels - 1])
      for color in 0..<colors {
        let sample = samples[pixel + min(color, channels - 2)]
        let sum = alpha * Int(sample) + (255 - alpha) * Int(background[color])
        flat.append(UInt8((sum + 127) / 255))
      }
    }
    return Raster(width: width, height: height, channels: colors, samples: flat)
  }
}
