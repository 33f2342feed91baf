/// What lies behind the transparent parts of a picture: an even color.
public struct Background: Sendable, Hashable {
  /// Red, green and blue.
  private let channels: [UInt8]

  public static let black = Background(gray: 0)

  public init(gray: UInt8) { channels = [gray, gray, gray] }

  /// A gray level from 0 to 255, or a color as `#RRGGBB`.
  public init?(_ text: String) {
    if let gray = UInt8(text) {
      channels = [gray, gray, gray]
      return
    }
    guard text.hasPrefix("#"), text.utf8.count == 7, text.dropFirst().allSatisfy(\.isHexDigit),
      let number = UInt32(text.dropFirst(), radix: 16)
    else { return nil }
    channels = [UInt8(number >> 16), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
  }

  var isGray: Bool { channels.allSatisfy { $0 == channels[0] } }

  /// The number of a channel, of one or three.
  subscript(_ channel: Int) -> UInt8 { channels[channel] }
}
