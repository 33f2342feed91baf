import CJPEG

/// Reads JPEG in memory, grey or in colour.
public enum JPEG {
  /// Whether bytes begin as a JPEG does.
  public static func isJPEG(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0xFF, 0xD8, 0xFF]) }

  /// The picture in `bytes`, upright as the camera says. Data that is cut off or damaged is an error, not a picture made up in part.
  ///
  /// - Parameter pixelLimit: the most pixels that are accepted; nothing is allocated for a picture beyond it.
  public static func decode(_ bytes: [UInt8], pixelLimit: Int = 1 << 26) throws(ImageError) -> Raster {
    var header = cjpeg_header()
    var message = cjpeg_message()
    let found = cjpeg_read_header(bytes, bytes.count, UInt64(max(pixelLimit, 0)), &header, &message)
    guard found == CJPEG_OK else { throw ImageError(found, message) }
    let count = Int(header.width) * Int(header.height) * Int(header.channels)
    var status = CJPEG_OK
    let samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      status = cjpeg_read(bytes, bytes.count, &header, buffer.baseAddress, &message)
      initialized = status == CJPEG_OK ? count : 0
    }
    guard status == CJPEG_OK else { throw ImageError(status, message) }
    return Raster(
      width: Int(header.width), height: Int(header.height), channels: Int(header.channels), samples: samples
    ).upright(from: orientation(of: bytes))
  }
}

extension ImageError {
  fileprivate init(_ status: cjpeg_status, _ message: cjpeg_message) {
    let code: Code =
      switch status {
      case CJPEG_TRUNCATED: .truncated
      case CJPEG_TOO_LARGE: .tooLarge
      case CJPEG_UNSUPPORTED: .unsupported
      default: .invalid
      }
    self.init(
      code: code, reason: withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
}
