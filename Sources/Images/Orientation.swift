extension JPEG {
  /// How a camera was held, as it wrote into the file (Exif 2.32, section 4.6.5, tag 274): 1 to 8; 1, upright, where the
  /// file does not say it.
  static func orientation(of bytes: [UInt8]) -> Int {
    func number(_ offset: Int, _ count: Int, isBig: Bool = true) -> Int? {
      guard offset >= 0, offset + count <= bytes.count else { return nil }
      let digits = bytes[offset..<offset + count]
      return isBig ? digits.reduce(0) { $0 << 8 | Int($1) } : digits.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    // Segments: 0xFF, what it is, the length of what follows with the two bytes of the length.
    var position = 2
    while let marker = number(position, 2), marker >> 8 == 0xFF, marker != 0xFFDA, let length = number(position + 2, 2),
      length >= 2
    {
      let start = position + 10
      position += 2 + length
      guard marker == 0xFFE1, start + 8 <= min(position, bytes.count),
        bytes[start - 6..<start] == [69, 120, 105, 102, 0, 0]
      else { continue }
      // A TIFF file of one directory that counts: byte order, 42, where the directory is; entries of 12 bytes.
      let isBig = bytes[start] == UInt8(ascii: "M")
      guard let directory = number(start + 4, 4, isBig: isBig), let count = number(start + directory, 2, isBig: isBig)
      else { return 1 }
      for entry in 0..<count {
        let offset = start + directory + 2 + 12 * entry
        guard let tag = number(offset, 2, isBig: isBig), let value = number(offset + 8, 2, isBig: isBig) else {
          return 1
        }
        if tag == 274 { return (1...8).contains(value) ? value : 1 }
      }
      return 1
    }
    return 1
  }
}

extension Raster {
  /// The picture upright, of one that is stored as an orientation from 1 to 8 says.
  func upright(from orientation: Int) -> Raster {
    guard (2...8).contains(orientation) else { return self }
    let isTurned = orientation >= 5
    let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
    var turned: [UInt8] = []
    turned.reserveCapacity(samples.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (column, row) =
          switch orientation {
          case 2: (width - 1 - x, y)
          case 3: (width - 1 - x, height - 1 - y)
          case 4: (x, height - 1 - y)
          case 5: (y, x)
          case 6: (y, height - 1 - x)
          case 7: (width - 1 - y, height - 1 - x)
          default: (width - 1 - y, x)
          }
        let start = (row * width + column) * channels
        turned += samples[start..<start + channels]
      }
    }
    return Raster(width: newWidth, height: newHeight, channels: channels, samples: turned)
  }
}
