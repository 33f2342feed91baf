import Images

extension ExampleArray {
  /// One example: the picture in a PNG or JPEG file, [height, width] or [height, width, 3].
  /// - Parameters:
  ///   - channels: 1 grey, 3 colours.
  ///   - background: what lies behind transparent parts.
  public init(picture path: String, channels: Int, background: Background = .black) throws(DataError) {
    let picture = try ImageFolder.picture(path).raster.converted(toChannels: channels, over: background)
    self.init(picture.samples, shape: [picture.height, picture.width] + (channels == 1 ? [] : [channels]))
  }

  /// The pictures in a file or a folder, in the size and with the channels of a schema, by the files' names.
  /// - Parameter background: what lies behind transparent parts.
  public static func pictures(
    at path: String, like schema: Schema, background: Background = .black
  ) throws(DataError) -> (names: [String], pictures: ExampleArray) {
    if let archive = try DataSource.archive(path) {
      return try DataFile.reading(from: archive) { () throws(DataError) in
        try pictures(at: archive.top, like: schema, background: background)
      }
    }
    var request = DataRequest(source: path)
    (request.schema, request.background) = (schema, background)
    let isFolder = DataFile.kind(of: path) == .folder
    let names = isFolder ? try DataFile.names(inFolder: path).filter(ImageFolder.isImage) : [path]
    guard !names.isEmpty else {
      throw DataError(.empty, at: DataPlace(file: path), "holds no pictures", advice: "name PNG or JPEG pictures")
    }
    var reader = ImageFolder.Reader(request)
    var pixels: [UInt8] = []
    for name in names { pixels += try reader.read(isFolder ? "\(path)/\(name)" : name) }
    return (
      names.map { $0.split(separator: "/").last.map(String.init) ?? $0 }, ExampleArray(pixels, shape: schema.shape)
    )
  }

  /// Whether a file's name is that of a picture.
  public static func isPicture(_ path: String) -> Bool {
    path.split(separator: "/").last.map { ImageFolder.isImage(String($0)) } ?? false
  }
}

/// A folder of PNG and JPEG pictures; or of folders of them, whose names are then the classes.
///
/// Pictures are cropped to the square around the middle and resized, so that all have one size. One that cannot be
/// read is refused with its path, or left out with a note when the request is not strict.
enum ImageFolder {
  private static let extensions = [".png", ".jpg", ".jpeg", ".jpe", ".jfif"]
  /// Pictures that are not read.
  private static let foreignExtensions = [
    ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".ppm", ".pgm", ".jp2", ".jxl",
  ]
  /// Side of the pictures when neither the request nor a first square picture of at most this size says another.
  private static let usualSide = 64
  private static let largestFile = 256 << 20

  static func isImage(_ name: String) -> Bool {
    !name.hasPrefix(".") && extensions.contains { name.lowercased().hasSuffix($0) }
  }

  static func isForeign(_ name: String) -> Bool {
    !name.hasPrefix(".") && foreignExtensions.contains { name.lowercased().hasSuffix($0) }
  }

  /// The folders in a folder, but for hidden ones.
  private static func folders(_ path: String, _ names: [String]) -> [String] {
    names.filter { !$0.hasPrefix(".") && DataFile.kind(of: "\(path)/\($0)") == .folder }
  }

  /// The folders of pictures in a folder that holds none itself.
  static func classes(_ path: String, _ names: [String]) -> [String] {
    guard !names.contains(where: isImage) else { return [] }
    return folders(path, names).filter { name in
      ((try? DataFile.names(inFolder: "\(path)/\(name)")) ?? []).contains(where: isImage)
    }
  }

  /// The folders `train` and `test` (or `validation`, `valid`, `val`) that split the pictures of a folder; each holds
  /// pictures, or folders of them.
  static func parts(_ path: String, _ names: [String]) -> (train: String, test: String)? {
    func folder(_ spellings: [String]) -> String? {
      spellings.lazy.compactMap { spelling in names.first { $0.lowercased() == spelling } }.map { "\(path)/\($0)" }
        .first { path in
          guard DataFile.kind(of: path) == .folder, let names = try? DataFile.names(inFolder: path) else {
            return false
          }
          return names.contains(where: isImage) || !classes(path, names).isEmpty
        }
    }
    guard let train = folder(["train", "training"]),
      let test = folder(["test", "testing", "validation", "valid", "val"])
    else { return nil }
    return (train, test)
  }

  static func open(
    _ path: String, _ names: [String], _ request: DataRequest, name: String
  ) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: path))
    var reader = Reader(request)
    guard let parts = parts(path, names) else {
      let classes = classes(path, names)
      let all = try pictures(path, names, classes, &reader, request)
      let unread = classes.isEmpty ? self.classes(path, names.filter { !isImage($0) }) : []
      if !unread.isEmpty {
        reader.skipped.append(
          "pictures in the folders \(listed(unread)) are not read: there are pictures beside them".oneLine)
      }
      let empty = classes.isEmpty ? [] : folders(path, names).filter { !classes.contains($0) }
      if !empty.isEmpty { reader.skipped.append("no classes, without pictures: the folders \(listed(empty))".oneLine) }
      let parts = try all.split(request, place: DataPlace(file: path))
      return try Dataset(name: name, train: parts.train, test: parts.test, notes: reader.notes)
    }
    let trainNames = try DataFile.names(inFolder: parts.train)
    let testNames = try DataFile.names(inFolder: parts.test)
    let classes = classes(parts.train, trainNames)
    // A class without pictures to test is none that is unknown.
    let tested = self.classes(parts.test, testNames)
    let others = tested.isEmpty ? classes : tested.filter { !classes.contains($0) }
    guard others.isEmpty else {
      throw DataError(
        .mismatched, at: DataPlace(file: path), "a class is in one of train and test only: \(listed(others))",
        advice: "give both the same folders of classes")
    }
    let train = try pictures(parts.train, trainNames, classes, &reader, request)
    let test = try pictures(parts.test, testNames, classes, &reader, request)
    let untested = classes.filter { !tested.contains($0) }
    if !untested.isEmpty { reader.skipped.append("no test pictures of the classes \(listed(untested))".oneLine) }
    return try Dataset(name: name, train: train, test: test, notes: reader.notes)
  }

  /// The pictures of a folder, or of its folders where they are classes.
  private static func pictures(
    _ path: String, _ names: [String], _ classes: [String], _ reader: inout Reader, _ request: DataRequest
  ) throws(DataError) -> ExampleSet {
    var files: [(path: String, label: UInt32)] = []
    var foreign: [String] = []
    func add(_ folder: String, _ names: [String], _ label: Int) {
      files += names.filter(isImage).map { ("\(folder)/\($0)", UInt32(label)) }
      foreign += names.filter(isForeign)
    }
    if classes.isEmpty {
      add(path, names, 0)
    } else {
      for (label, folder) in classes.enumerated() where DataFile.kind(of: "\(path)/\(folder)") == .folder {
        try add("\(path)/\(folder)", DataFile.names(inFolder: "\(path)/\(folder)"), label)
      }
    }
    if !foreign.isEmpty {
      let problem = "\(counted(foreign.count, "picture")) of a kind that is not read: \(listed(foreign))"
      guard !request.strict else {
        throw DataError(
          .unsupported, at: DataPlace(file: path), problem,
          advice:
            "convert to PNG or JPEG, or leave such pictures out: --no-strict, or \(DataKey.strict)=false in the recipe"
        )
      }
      reader.skipped.append("left out \(problem)".oneLine)
    }
    let place = DataPlace(file: path)
    func identified(_ set: ExampleSet, _ read: [(path: String, label: UInt32)]) -> ExampleSet {
      guard request.schema != nil else { return set }
      var set = set
      set.identifiers = Identifiers(name: "file", values: read.map { String($0.path.dropFirst(path.count + 1)) })
      return set
    }
    if request.wholePictures {
      let (read, set) = try reader.wholePictures(files, at: place) { $0.path }
      return identified(set, read)
    }
    let (pictures, read) = try reader.pictures(files, at: place) { $0.path }
    let labels = read.map(\.label)
    let set = try ExampleSet(
      inputs: pictures,
      labels: classes.isEmpty ? nil : ClassLabels(indices: labels, count: classes.count, names: classes))
    return identified(set, read)
  }

  /// The picture in a PNG or JPEG file, and whether its samples had more than 8 bits.
  static func picture(_ path: String) throws(DataError) -> (raster: Raster, isDeep: Bool) {
    try decoded(path) { (bytes) throws(ImageError) in
      JPEG.isJPEG(bytes)
        ? (try JPEG.decode(bytes), false) : (try PNG.decode(bytes), PNG.depth(of: bytes).map { $0 > 8 } ?? false)
    }
  }

  /// The numbers in a label picture, a grey PNG or one with a palette.
  static func labels(_ path: String) throws(DataError) -> Raster {
    try decoded(path, areLabels: true) { (bytes) throws(ImageError) in try PNG.decodeLabels(bytes) }
  }

  private static func decoded<Picture>(
    _ path: String, areLabels: Bool = false, _ decode: ([UInt8]) throws(ImageError) -> Picture
  ) throws(DataError) -> Picture {
    let place = DataPlace(file: path)
    guard !path.unicodeScalars.contains("\u{FFFD}") || DataFile.kind(of: path) != nil else {
      throw DataError(
        .unsupported, at: place, "its name is not UTF-8", advice: "rename it: convmv -f latin1 -t utf8 --notest FILE")
    }
    let region = try DataFile.read(path)
    guard region.count <= largestFile else {
      throw DataError(.tooLarge, at: place, "has \(region.count) bytes", advice: "pictures have at most 256 MiB")
    }
    do throws(ImageError) {
      return try decode(region.copy(from: 0, count: region.count))
    } catch {
      guard !areLabels || error.code != .unsupported else {
        throw DataError(
          .unsupported, at: place, error.reason,
          advice: "write a grey PNG of 8 bits or one with a palette, whose numbers are classes")
      }
      throw DataError(
        error.code == .tooLarge ? .tooLarge : .damaged, at: place, error.reason,
        advice: "mend or remove it, or leave such pictures out: --no-strict, or \(DataKey.strict)=false in the recipe")
    }
  }

  /// Reads pictures in the size and with the channels of the request, or else of the first one.
  struct Reader {
    private(set) var side: Int
    private(set) var channels: Int
    /// What was left out, one line each.
    var skipped: [String] = []
    private var losses: PictureLosses
    private let isStrict: Bool

    var notes: [String] {
      (skipped.count <= 10 ? skipped : skipped.prefix(10) + ["left out \(skipped.count - 10) more pictures"])
        + losses.notes
    }

    init(_ request: DataRequest) {
      isStrict = request.strict
      (side, channels) = (request.imageSize, request.imageChannels)
      losses = PictureLosses(background: request.background)
      // A model sees pictures of the size that it was trained on.
      guard let shape = request.schema?.shape else { return }
      if request.wholePictures { channels = shape[0] }
      guard shape.count >= 2, shape[0] == shape[1] else { return }
      (side, channels) = (shape[0], shape.count == 3 ? shape[2] : 1)
    }

    /// The pictures of some entries, and the entries that they belong to: those that cannot be read are an error, or left out
    /// where the request is not strict.
    /// - Throws: also where none is left.
    mutating func pictures<Entry>(
      _ entries: [Entry], at place: DataPlace, path: (Entry) throws(DataError) -> String
    ) throws(DataError) -> (pictures: ExampleArray, entries: [Entry]) {
      var pixels: [UInt8] = []
      let kept = try readable(entries, at: place) { (entry, reader) throws(DataError) in
        pixels += try reader.read(path(entry))
      }
      return (ExampleArray(pixels, shape: channels == 1 ? [side, side] : [side, side, channels]), kept)
    }

    /// Reads entries one after the other.
    /// - Returns: those that can be read.
    mutating func readable<Entry>(
      _ entries: [Entry], at place: DataPlace, _ read: (Entry, inout Reader) throws(DataError) -> Void
    ) throws(DataError) -> [Entry] {
      var kept: [Entry] = []
      for entry in entries {
        do throws(DataError) {
          try read(entry, &self)
          kept.append(entry)
        } catch {
          guard !isStrict else { throw error }
          skipped.append("left out \(error)")
        }
      }
      guard !kept.isEmpty else {
        throw DataError(
          .empty, at: place, "none of its \(counted(entries.count, "picture")) can be read",
          advice: "the first: \(skipped.first ?? "")")
      }
      return kept
    }

    /// A picture in its own size.
    mutating func readWhole(_ path: String) throws(DataError) -> Raster {
      let picture = try losses.read(path)
      if channels == 0 { channels = picture.channels >= 3 ? 3 : 1 }
      return picture.converted(toChannels: channels, over: losses.background)
    }

    mutating func read(_ path: String) throws(DataError) -> [UInt8] {
      let picture = try readWhole(path)
      if side == 0 {
        let shorter = min(picture.width, picture.height)
        side = picture.width == picture.height && shorter <= ImageFolder.usualSide ? shorter : ImageFolder.usualSide
      }
      return picture.croppedToSquare().resized(width: side, height: side).samples
    }
  }
}
