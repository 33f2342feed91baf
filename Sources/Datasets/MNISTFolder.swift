/// The four files of MNIST and of the data sets made like it: images and labels, to train and to test with.
enum MNISTFolder {
  /// Where Debian's package `dataset-fashion-mnist` puts its files.
  static let fashionMNISTPath = "/usr/share/datasets/fashion-mnist"

  static let fashionMNISTClasses = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]

  private static let stems = ["train-images", "train-labels", "t10k-images", "t10k-labels"]

  /// The names under which one of the files goes about.
  private static func spellings(_ stem: String) -> [String] {
    let axes = stem.hasSuffix("images") ? 3 : 1
    return ["", ".gz"].flatMap { ["\(stem)-idx\(axes)-ubyte\($0)", "\(stem).idx\(axes)-ubyte\($0)"] }
  }

  /// Whether a folder with these files is meant to be one of this kind: it has at least one of the four.
  static func isLikely(_ names: [String]) -> Bool {
    stems.contains { stem in spellings(stem).contains { names.contains($0) } }
  }

  /// - Parameter remedy: what to do when a file is missing.
  static func open(
    _ folder: String, _ request: DataRequest, name: String, classNames: [String] = [], remedy: String
  ) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: folder))
    let paths = try stems.map { (stem) throws(DataError) -> String in
      let paths = spellings(stem).map { "\(folder)/\($0)" }
      guard let path = paths.first(where: { DataFile.kind(of: $0) == .file }) else {
        throw DataError(
          .notFound, at: DataPlace(file: folder), "no \(spellings(stem)[0]), gzipped or not", advice: remedy)
      }
      return path
    }
    let images = try [paths[0], paths[2]].map { (path) throws(DataError) in
      try IDX.read(path).finiteExamples(allowingNaN: false)
    }
    let labelArrays = try [paths[1], paths[3]].map { (path) throws(DataError) in try IDX.read(path) }
    let labels = try ArrayDataset.labels(labelArrays, names: classNames)
    return try Dataset(
      name: name,
      train: ExampleSet(inputs: images[0], labels: labels[0], place: DataPlace(file: paths[1])),
      test: ExampleSet(inputs: images[1], labels: labels[1], place: DataPlace(file: paths[3])))
  }
}
