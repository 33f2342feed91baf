/// The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html): records
/// of a label, of CIFAR-100 a coarse and a fine one, and 32 × 32 pixels, first all red, then green, then blue.
struct CIFAR {
  private static let side = 32
  private static let pixels = side * side

  /// Which of the labels are the classes.
  private enum Kind {
    case ten, fine, coarse

    var labelBytes: Int { self == .ten ? 1 : 2 }
    var classes: Int {
      switch self {
      case .ten: 10
      case .fine: 100
      case .coarse: 20
      }
    }
    var namesFile: String {
      switch self {
      case .ten: "batches.meta.txt"
      case .fine: "fine_label_names.txt"
      case .coarse: "coarse_label_names.txt"
      }
    }
    var recordSize: Int { labelBytes + 3 * CIFAR.pixels }
  }

  private static func isTrainingBatch(_ name: String) -> Bool {
    name.hasPrefix("data_batch_") && name.hasSuffix(".bin")
  }

  /// Whether a folder with these files is meant to be one of this kind.
  static func isLikely(_ names: [String]) -> Bool {
    names.contains(where: isTrainingBatch) || names.contains("test_batch.bin")
      || names.contains("train.bin") && names.contains(Kind.fine.namesFile)
  }

  /// Whether a file's name and size are those of a batch.
  static func isBatch(_ path: String, size: Int) -> Bool {
    path.lowercased().hasSuffix(".bin") && size > 0
      && (size % Kind.ten.recordSize == 0 || size % Kind.fine.recordSize == 0)
  }

  static func open(_ folder: String, _ names: [String], _ request: DataRequest, name: String) throws(DataError)
    -> Dataset
  {
    let isTen = !names.contains("train.bin")
    let kind = try kind(isTen: isTen, request, DataPlace(file: folder))
    let batches = isTen ? names.filter(isTrainingBatch) : ["train.bin"]
    let test = isTen ? "test_batch.bin" : "test.bin"
    guard !batches.isEmpty, names.contains(test) else {
      throw DataError(
        .notFound, at: DataPlace(file: folder), "no \(batches.isEmpty ? "data_batch_1.bin" : test)",
        advice: "put all files of the binary version into the folder")
    }
    let classNames = try self.classNames(folder, names, kind)
    let train = try examples(batches.map { "\(folder)/\($0)" }, kind, classNames)
    return try Dataset(
      name: name, train: train, test: examples(["\(folder)/\(test)"], kind, classNames), targetName: "class")
  }

  /// One batch alone; a share of it becomes the test set.
  static func open(_ file: ByteRegion, _ path: String, _ request: DataRequest, name: String) throws(DataError)
    -> Dataset
  {
    let isTen = file.count % Kind.ten.recordSize == 0
    let kind = try kind(isTen: isTen, request, DataPlace(file: path))
    let all = try examples([(path, file)], kind, [])
    let (train, test) = try all.split(request, place: DataPlace(file: path))
    return try Dataset(name: name, train: train, test: test, targetName: "class")
  }

  /// - Throws: where the request speaks of columns; of CIFAR-100 the target may be `fine` or `coarse`.
  private static func kind(isTen: Bool, _ request: DataRequest, _ place: DataPlace) throws(DataError) -> Kind {
    guard !isTen, let target = request.target else {
      try request.refuseColumns(at: place)
      return isTen ? .ten : .fine
    }
    try request.refuseColumns(at: place, allowingArrayNames: true)
    guard ["fine", "coarse"].contains(target) else {
      throw DataError(
        .badRequest, at: place, "\(DataKey.target): no labels '\(target.shortened)'", advice: "use fine or coarse")
    }
    return target == "fine" ? .fine : .coarse
  }

  private static func classNames(_ folder: String, _ names: [String], _ kind: Kind) throws(DataError) -> [String] {
    guard names.contains(kind.namesFile) else { return [] }
    let place = DataPlace(file: "\(folder)/\(kind.namesFile)")
    let lines = try TextDataset.string(DataFile.read(place.file), place).split { $0.isNewline }.map {
      String($0).trimmingBlanks
    }.filter { !$0.isEmpty }
    guard lines.count == kind.classes, Set(lines).count == lines.count else {
      throw DataError(
        .mismatched, at: place, "\(counted(lines.count, "name")) of \(kind.classes) classes",
        advice: "write a name a line, or remove the file")
    }
    return lines
  }

  private static func examples(_ paths: [String], _ kind: Kind, _ names: [String]) throws(DataError) -> ExampleSet {
    try examples(paths.map { (path) throws(DataError) in (path, try DataFile.read(path)) }, kind, names)
  }

  private static func examples(
    _ batches: [(path: String, bytes: ByteRegion)], _ kind: Kind, _ names: [String]
  ) throws(DataError) -> ExampleSet {
    var count = 0
    for (path, bytes) in batches {
      guard bytes.count > 0, bytes.count % kind.recordSize == 0 else {
        throw DataError(
          .damaged, at: DataPlace(file: path),
          "has \(bytes.count) bytes, which are no records of \(kind.recordSize) bytes",
          advice: "fetch the binary version again")
      }
      count += bytes.count / kind.recordSize
    }
    var labels: [UInt32] = []
    labels.reserveCapacity(count)
    let size = 3 * pixels
    let storage = try ByteStorage.allocate(byteCount: count * size, for: DataPlace(file: batches[0].path)) {
      (output) throws(DataError) in
      for (path, bytes) in batches {
        try bytes.withUnsafeBytes { (input) throws(DataError) in
          for record in 0..<bytes.count / kind.recordSize {
            let start = record * kind.recordSize
            let label = input[start + (kind == .fine ? 1 : 0)]
            guard label < kind.classes else {
              throw DataError(
                .badLabel, at: DataPlace(file: path, byteOffset: start), "class \(label) of \(kind.classes)",
                advice: "fetch the binary version again")
            }
            let target = labels.count * size
            for pixel in 0..<pixels {
              for channel in 0..<3 {
                output[target + 3 * pixel + channel] = input[start + kind.labelBytes + channel * pixels + pixel]
              }
            }
            labels.append(UInt32(label))
          }
        }
      }
    }
    return try ExampleSet(
      inputs: ExampleArray(kind: .uint8, count: count, shape: [side, side, 3], bytes: ByteRegion(storage)),
      labels: ClassLabels(indices: labels, count: kind.classes, names: names))
  }
}

extension String {
  fileprivate var trimmingBlanks: String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
