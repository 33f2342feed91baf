import CPNG

/// Reads and writes PNG in memory.
///
/// Samples are taken as they are, without gamma or colour management: they are data before they are a picture.
public enum PNG {
  /// The picture in `bytes`: 1 to 16 bits a sample, grey, RGB or palette, with or without alpha, interlaced or not;
  /// always as 8 bits a sample. Palettes become RGB, transparent colours an alpha channel, 16 bits are rounded to 8.
  ///
  /// - Parameter pixelLimit: the most pixels that are accepted. A few kilobytes can promise gigabytes; nothing is
  ///   allocated for a picture beyond the limit, or for one that promises more than its data can hold.
  public static func decode(_ bytes: [UInt8], pixelLimit: Int = 1 << 26) throws(ImageError) -> Raster {
    try decode(bytes, pixelLimit, asStored: false)
  }

  /// Of bytes that are a PNG file: its pixels.
  package static func size(of bytes: [UInt8]) -> (width: Int, height: Int)? {
    // Both lie behind the signature and the first chunk's length and name.
    guard depth(of: bytes) != nil else { return nil }
    func number(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    return (number(16), number(20))
  }

  /// The bits of a sample, of bytes that are a PNG file: 1 to 16.
  public static func depth(of bytes: [UInt8]) -> Int? {
    // Signature, then a chunk's length and name, width, height, and the depth.
    bytes.count > 24 && bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) ? Int(bytes[24]) : nil
  }

  /// The numbers that a grey picture or one with a palette stores for its pixels, in one channel: labels. A palette's
  /// colours do not matter.
  ///
  /// - Throws: `.unsupported` for pictures in colours, with transparency, or of more than 8 bits.
  public static func decodeLabels(_ bytes: [UInt8], pixelLimit: Int = 1 << 26) throws(ImageError) -> Raster {
    try decode(bytes, pixelLimit, asStored: true)
  }

  private static func decode(
    _ bytes: [UInt8], _ pixelLimit: Int, asStored: Bool
  ) throws(ImageError) -> Raster {
    var header = cpng_header()
    header.as_stored = asStored ? 1 : 0
    var message = cpng_message()
    let found = cpng_read_header(bytes, bytes.count, UInt64(max(pixelLimit, 0)), &header, &message)
    guard found == CPNG_OK else { throw ImageError(found, message) }
    guard !asStored || header.channels == 1 && header.depth <= 8 else {
      throw ImageError(
        code: .unsupported,
        reason: header.channels == 1
          ? "has labels of \(header.depth) bits" : "has \(header.channels) numbers a pixel, a label picture has one")
    }

    let count = Int(header.width) * Int(header.height) * Int(header.channels)
    var status = CPNG_OK
    let samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      status = cpng_read(bytes, bytes.count, &header, buffer.baseAddress, &message)
      initialized = status == CPNG_OK ? count : 0
    }
    guard status == CPNG_OK else { throw ImageError(status, message) }
    return Raster(
      width: Int(header.width), height: Int(header.height), channels: Int(header.channels), samples: samples)
  }

  /// The picture as a PNG file's bytes. The same picture gives the same bytes.
  public static func encode(_ raster: Raster) throws(ImageError) -> [UInt8] {
    guard let width = UInt32(exactly: raster.width), let height = UInt32(exactly: raster.height) else {
      throw ImageError(code: .tooLarge, reason: "PNG holds at most 2³¹ − 1 pixels a side")
    }
    var header = cpng_header()
    (header.width, header.height, header.channels) = (width, height, UInt32(raster.channels))
    var message = cpng_message()
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = cpng_write(&header, raster.samples, &bytes, &count, &message)
    guard status == CPNG_OK else { throw ImageError(status, message) }
    defer { cpng_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
