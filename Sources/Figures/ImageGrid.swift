/// Images of one size laid out in rows, the first at the top left.
public struct ImageGrid: Sendable, Hashable {
  public enum Samples: Sendable, Hashable {
    /// 0 is black and 1 is white; what lies outside is cut to that range, and NaN is black.
    case float([Float])
    /// 0 is black and 255 is white.
    case uint8([UInt8])

    public var count: Int {
      switch self {
      case .float(let samples): samples.count
      case .uint8(let samples): samples.count
      }
    }
  }

  /// Where the colour channels of a pixel lie.
  public enum ChannelOrder: Sendable, Hashable {
    /// count × height × width × channels.
    case last
    /// count × channels × height × width, as convolutions have them.
    case first
  }

  /// Row by row, in the order that ``channelOrder`` says.
  public let samples: Samples
  public let count: Int
  /// Pixels of one image.
  public let height: Int
  public let width: Int
  /// 1 grey, 3 RGB, 4 RGB and alpha.
  public let channels: Int
  public let channelOrder: ChannelOrder
  /// Images in a row.
  public let columns: Int
  /// One for each row, or none.
  public let rowLabels: [String]
  /// One for each column, or none.
  public let columnLabels: [String]
  /// Pixels between images and around the grid, in image pixels. 0 makes the images touch.
  public let padding: Int
  /// Every image pixel becomes zoom × zoom pixels. Nil: as large as keeps the grid at most 800 pixels wide, at most 4.
  public let zoom: Int?

  public var rows: Int { (count + columns - 1) / columns }

  public init(
    _ samples: Samples, height: Int, width: Int, channels: Int = 1, channelOrder: ChannelOrder = .last, columns: Int,
    rowLabels: [String] = [], columnLabels: [String] = [], padding: Int = 2, zoom: Int? = nil
  ) {
    precondition(height > 0 && width > 0 && columns > 0, "images have a size, rows have columns")
    precondition([1, 3, 4].contains(channels), "images are grey, RGB or RGBA")
    precondition(padding >= 0 && (zoom ?? 1) > 0, "padding is not negative, zoom is positive")
    let size = height * width * channels
    precondition(samples.count > 0 && samples.count % size == 0, "at least one whole image")
    self.samples = samples
    self.count = samples.count / size
    self.height = height
    self.width = width
    self.channels = channels
    self.channelOrder = channelOrder
    self.columns = columns
    self.rowLabels = rowLabels
    self.columnLabels = columnLabels
    self.padding = padding
    self.zoom = zoom
    precondition(rowLabels.isEmpty || rowLabels.count == rows, "one label a row")
    precondition(columnLabels.isEmpty || columnLabels.count == columns, "one label a column")
  }
}
