import Images

/// A folder of pictures with label pictures: `train/`, `trainannot/`, and the like for `val` and `test`, as SegNet's
/// CamVid has them; or `image/` and `label/`.
///
/// Partners have the same name but for the extension, unless a list such as `train.txt` names a picture and its label
/// picture in each line. All pictures have one size, and keep it. A label picture is a grey PNG of at most 8 bits or one
/// with a palette; its numbers are classes, named in `classes.txt` or `codes.txt`, a line each.
///
/// Without a `test` part, `val` is the test part; otherwise it is the validation part.
struct LabelImageFolder {
  private let path: String
  private let request: DataRequest
  /// The folders of pictures and of their label pictures, by part.
  private let parts: [(name: String, images: String, labels: String)]
  private let names: [String]

  /// Nil: the folder is none of these.
  init?(_ path: String, _ names: [String], _ request: DataRequest) {
    func isFolder(_ name: String) -> Bool { names.contains(name) && DataFile.kind(of: "\(path)/\(name)") == .folder }
    let named = ["train", "val", "test"].filter { isFolder($0) && isFolder($0 + "annot") }
    let pairs = [("image", "label"), ("images", "labels")].filter { isFolder($0.0) && isFolder($0.1) }
    if named.contains("train") {
      parts = named.map { ($0, $0, $0 + "annot") }
    } else if let (images, labels) = pairs.first {
      parts = [("train", images, labels)]
    } else {
      return nil
    }
    (self.path, self.names, self.request) = (path, names, request)
  }

  func open(name: String) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: path))
    guard request.imageSize == 0 else {
      throw DataError(
        .badRequest, at: DataPlace(file: path), "\(DataKey.imageSize) is set, and label pictures keep their size",
        advice: "take it out; data.crop trains on windows of the pictures")
    }
    var reader = LabelledPictures(request)
    var sets: [String: Range<Int>] = [:]
    for part in parts {
      let start = reader.count
      for (image, label) in try pairs(part.name, part.images, part.labels) { try reader.read(image, label) }
      guard reader.count > start else {
        throw DataError(
          .empty, at: DataPlace(file: "\(path)/\(part.images)"), "holds no pictures that can be read",
          advice: reader.skipped.first.map { "the first: \($0)" } ?? "put PNG or JPEG pictures into it")
      }
      sets[part.name] = start..<reader.count
    }
    let spelling = try LabelSpelling(
      reader.labels, request, path: path, names: classNames(), isSegNet: parts.contains { $0.labels == "trainannot" })
    let all = try reader.examples(spelling)
    let notes = reader.notes + spelling.notes + reader.voidNotes(all)
    guard parts.count > 1 else {
      let (train, test) = try all.split(request, place: DataPlace(file: path))
      return try Dataset(name: name, train: train, test: test, notes: notes)
    }
    func part(_ name: String) throws(DataError) -> ExampleSet? {
      guard let range = sets[name] else { return nil }
      return try all[range]
    }
    let (validation, test) = (try part("val"), try part("test"))
    return try Dataset(
      name: name, train: part("train")!, test: test ?? validation, notes: notes,
      validation: test == nil ? nil : validation)
  }

  /// The names in `classes.txt` or `codes.txt`; none where neither is there.
  private func classNames() throws(DataError) -> [String] {
    guard let file = ["classes.txt", "codes.txt"].first(where: names.contains) else { return [] }
    let found = try lines(file)
    guard (1...256).contains(found.count), Set(found).count == found.count else {
      throw DataError(
        .badLabel, at: DataPlace(file: "\(path)/\(file)"), "names \(counted(found.count, "class", "classes"))",
        advice: "write a line for each class, at most 256, each another name")
    }
    return found
  }

  /// The lines of a text file that are not empty.
  private func lines(_ file: String) throws(DataError) -> [String] {
    let region = try DataFile.read("\(path)/\(file)")
    guard region.count <= 64 << 20 else {
      throw DataError(
        .tooLarge, at: DataPlace(file: "\(path)/\(file)"), "has \(region.count) bytes", advice: "shorten it")
    }
    let text = String(decoding: region.copy(from: 0, count: region.count), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).map { line in
      String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }.filter { !$0.isEmpty }
  }

  /// Paths of the pictures of a part and of their label pictures.
  private func pairs(
    _ part: String, _ images: String, _ labels: String
  ) throws(DataError) -> [(image: String, label: String)] {
    if names.contains("\(part).txt"), images == part { return try listed("\(part).txt") }
    let pictures = try DataFile.names(inFolder: "\(path)/\(images)").filter(ImageFolder.isImage)
    func stem(_ name: String) -> String { String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)]) }
    let annotations = Dictionary(
      try DataFile.names(inFolder: "\(path)/\(labels)").filter(ImageFolder.isImage).map { (stem($0), $0) }
    ) { first, _ in first }
    var result: [(String, String)] = []
    for picture in pictures {
      guard let label = annotations[stem(picture)] else {
        throw missing("\(images)/\(picture)", "no label picture of that name in \(labels)/")
      }
      result.append(("\(path)/\(images)/\(picture)", "\(path)/\(labels)/\(label)"))
    }
    if let lonely = Set(annotations.keys).subtracting(pictures.map(stem)).min() {
      throw missing("\(labels)/\(annotations[lonely]!)", "no picture of that name in \(images)/")
    }
    return result
  }

  private func missing(_ file: String, _ what: String) -> DataError {
    DataError(
      .mismatched, at: DataPlace(file: "\(path)/\(file)"), what, advice: "add it, or remove the one without a partner")
  }

  /// The pairs that a list names, relative to the folder; of longer paths, such as those of SegNet's lists, the end.
  private func listed(_ list: String) throws(DataError) -> [(image: String, label: String)] {
    var result: [(String, String)] = []
    for (number, line) in try lines(list).enumerated() {
      let place = DataPlace(file: "\(path)/\(list)", line: number + 1)
      let files = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard files.count == 2 else {
        throw DataError(
          .mismatched, at: place, "names \(counted(files.count, "file"))",
          advice: "write a picture and its label picture in each line, or remove the list")
      }
      var found: [String] = []
      for file in files {
        let end = file.split(separator: "/").suffix(2).joined(separator: "/")
        guard let path = ["\(path)/\(file)", "\(path)/\(end)"].first(where: { DataFile.kind(of: $0) == .file }) else {
          throw DataError(
            .notFound, at: place, "\(file.shortened) is not there", advice: "add it, or remove the line or the list")
        }
        found.append(path)
      }
      result.append((found[0], found[1]))
    }
    return result
  }
}
