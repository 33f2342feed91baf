/// Grey pictures of discs and squares on noise, with label pictures: what a segmentation is tried on without any files.
///
/// The ground is of 90, a disc of 130 and a square of 170, with Gaussian noise of standard deviation 30; discs and squares
/// may stand out over the edge, and the later one lies above. Pixels on the rim of a shape have no class. The same request
/// gives the same pictures.
enum Shapes {
  static let name = "shapes"
  private static let (height, width) = (24, 32)
  private static let classes = LabelImages.Classes(count: 3, names: ["ground", "disc", "square"], void: 255)

  static func open(_ request: DataRequest) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: name))
    var stream = SplitPermutation.Stream(seed: request.seed)
    func draw(_ count: Int) throws(DataError) -> ExampleSet {
      var (pixels, labels): ([UInt8], [UInt8]) = ([], [])
      for _ in 0..<count {
        let picture = picture(&stream)
        labels += picture
        for label in picture {
          let kind = label == LabelImages.void ? Int(stream.below(3)) : Int(label)
          let grey = Double(90 + 40 * kind) + 30 * stream.normal()
          pixels.append(UInt8(min(max(grey, 0), 255).rounded()))
        }
      }
      return try ExampleSet(
        inputs: ExampleArray(pixels, shape: [height, width]),
        labelImages: LabelImages(ExampleArray(labels, shape: [height, width]), classes))
    }
    let train = try draw(400)
    return try Dataset(name: name, train: train, test: draw(100))
  }

  /// One to four shapes.
  private static func picture(_ stream: inout SplitPermutation.Stream) -> [UInt8] {
    var labels = [UInt8](repeating: 0, count: height * width)
    for _ in 0..<1 + stream.below(4) {
      let isDisc = stream.below(2) == 0
      let radius = 3 + Int(stream.below(4))
      let (row, column) = (Int(stream.below(UInt64(height))), Int(stream.below(UInt64(width))))
      for y in max(row - radius, 0)...min(row + radius, height - 1) {
        for x in max(column - radius, 0)...min(column + radius, width - 1) {
          let (down, right) = (y - row, x - column)
          // Squared for discs, so that both are whole numbers.
          let far = isDisc ? down * down + right * right : max(abs(down), abs(right))
          let (inside, rim) = isDisc ? ((radius - 1) * (radius - 1), radius * radius) : (radius - 1, radius)
          if far <= inside {
            labels[y * width + x] = isDisc ? 1 : 2
          } else if far <= rim {
            labels[y * width + x] = LabelImages.void
          }
        }
      }
    }
    return labels
  }
}
