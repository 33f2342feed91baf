/// What a picture shows, as plain values: models and evaluations make figures without knowing how they are drawn.
public struct Figure: Sendable, Hashable {
  /// The stem of the files it is written to: letters, digits, `-`, `_` and `.`, not starting with a dot.
  public let name: String
  /// One line over the picture. Image grids are drawn without it: their pixels are the images' own.
  public let title: String
  public let content: Content

  public enum Content: Sendable, Hashable {
    case images(ImageGrid)
    case plot(Plot)
  }

  public init(_ name: String, title: String = "", _ content: Content) {
    precondition(Figure.isFileStem(name), "a figure's name is a file stem")
    self.name = name
    self.title = title
    self.content = content
  }

  /// Whether `name` can be the stem of a file on every system.
  public static func isFileStem(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }
}
