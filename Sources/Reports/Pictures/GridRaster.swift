import Figures
import Images

extension ImageGrid {
  /// How many pixels of the picture, a side, one image pixel becomes.
  package var effectiveZoom: Int { zoom ?? min(max(800 / gridWidth, 1), 4) }

  /// Of the grid in image pixels, padding included.
  private var gridWidth: Int { columns * width + (columns + 1) * padding }
  private var gridHeight: Int { rows * height + (rows + 1) * padding }

  /// The top left corner of the image in a row and a column, in pixels of the picture.
  func corner(row: Int, column: Int) -> (x: Int, y: Int) {
    let zoom = effectiveZoom
    return ((padding + column * (width + padding)) * zoom, (padding + row * (height + padding)) * zoom)
  }

  /// Each image as a picture of its own.
  package func frames() -> [Raster] {
    let size = height * width * channels
    return (0..<count).map { image in
      let range = image * size..<(image + 1) * size
      let own: Samples =
        switch samples {
        case .uint8(let samples): .uint8(Array(samples[range]))
        case .float(let samples): .float(Array(samples[range]))
        }
      return ImageGrid(
        own, height: height, width: width, channels: channels, channelOrder: channelOrder, columns: 1, padding: 0,
        zoom: zoom
      ).raster()
    }
  }

  /// The picture: images on white, without labels, each image pixel as zoom × zoom equal pixels.
  package func raster() -> Raster {
    let zoom = effectiveZoom
    let size = (width: gridWidth * zoom, height: gridHeight * zoom)
    var pixels = [UInt8](repeating: 255, count: size.width * size.height * channels)
    for image in 0..<count {
      let corner = corner(row: image / columns, column: image % columns)
      for y in 0..<height * zoom {
        var place = ((corner.y + y) * size.width + corner.x) * channels
        for x in 0..<width * zoom {
          for channel in 0..<channels {
            pixels[place] = sample(image: image, row: y / zoom, column: x / zoom, channel: channel)
            place += 1
          }
        }
      }
    }
    return Raster(width: size.width, height: size.height, channels: channels, samples: pixels)
  }

  private func sample(image: Int, row: Int, column: Int, channel: Int) -> UInt8 {
    let place =
      switch channelOrder {
      case .last: ((image * height + row) * width + column) * channels + channel
      case .first: ((image * channels + channel) * height + row) * width + column
      }
    switch samples {
    case .uint8(let samples): return samples[place]
    case .float(let samples):
      // The comparison is false for NaN, which becomes black.
      let value = samples[place]
      return value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
    }
  }
}
