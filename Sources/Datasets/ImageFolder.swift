import Images

extension ExampleArray {
  /// One example: the picture in a PNG or JPEG file, [height, width] or [height, width, 3].
  /// - Parameter channels: 1 grey, 3 colours.
  public init(picture path: String, channels: Int) throws(DataError) {
    let picture = try ImageFolder.picture(path).converted(toChannels: channels)
    self.init(picture.samples, shape: [picture.height, picture.width] + (channels == 1 ? [] : [channels]))
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
  private static let extensions = [".png", ".jpg", ".jpeg"]
  /// Side of the pictures when neither the request nor a first square picture of at most this size says another.
  private static let usualSide = 64
  private static let largestFile = 256 << 20

  static func isImage(_ name: String) -> Bool {
    !name.hasPrefix(".") && extensions.contains { name.lowercased().hasSuffix($0) }
  }

  /// The folders of pictures in a folder that holds none itself.
  static func classes(_ path: String, _ names: [String]) -> [String] {
    guard !names.contains(where: isImage) else { return [] }
    return names.filter { name in
      guard !name.hasPrefix("."), DataFile.kind(of: "\(path)/\(name)") == .folder else { return false }
      return ((try? DataFile.names(inFolder: "\(path)/\(name)")) ?? []).contains(where: isImage)
    }
  }

  static func open(
    _ path: String, _ names: [String], _ request: DataRequest, name: String
  ) throws(DataError) -> Dataset {
    try request.refuseColumns(at: DataPlace(file: path))
    let classes = classes(path, names)
    var files: [(path: String, label: UInt32)] = []
    if classes.isEmpty {
      files = names.filter(isImage).map { ("\(path)/\($0)", 0) }
    } else {
      for (label, folder) in classes.enumerated() {
        let inside = try DataFile.names(inFolder: "\(path)/\(folder)").filter(isImage)
        files += inside.map { ("\(path)/\(folder)/\($0)", UInt32(label)) }
      }
    }
    var reader = Reader(request)
    var (pixels, labels): ([UInt8], [UInt32]) = ([], [])
    var skipped: [String] = []
    for file in files {
      do throws(DataError) {
        pixels += try reader.read(file.path)
        labels.append(file.label)
      } catch {
        guard !request.strict else { throw error }
        skipped.append("left out \(error)")
      }
    }
    guard !labels.isEmpty else {
      throw DataError(
        .empty, at: DataPlace(file: path), "none of its \(counted(files.count, "picture")) can be read",
        advice: "the first: \(skipped.first ?? "")")
    }
    let notes = skipped.count <= 10 ? skipped : skipped.prefix(10) + ["left out \(skipped.count - 10) more pictures"]
    let shape = reader.channels == 1 ? [reader.side, reader.side] : [reader.side, reader.side, reader.channels]
    let all = try ExampleSet(
      inputs: ExampleArray(pixels, shape: shape),
      labels: classes.isEmpty ? nil : ClassLabels(indices: labels, count: classes.count, names: classes))
    let parts = try all.split(request, place: DataPlace(file: path))
    return try Dataset(name: name, train: parts.train, test: parts.test, notes: Array(notes))
  }

  /// The picture in a PNG or JPEG file.
  static func picture(_ path: String) throws(DataError) -> Raster {
    try decoded(path) { (bytes) throws(ImageError) in
      JPEG.isJPEG(bytes) ? try JPEG.decode(bytes) : try PNG.decode(bytes)
    }
  }

  /// The numbers in a label picture, a grey PNG or one with a palette.
  static func labels(_ path: String) throws(DataError) -> Raster {
    try decoded(path, areLabels: true) { (bytes) throws(ImageError) in try PNG.decodeLabels(bytes) }
  }

  private static func decoded(
    _ path: String, areLabels: Bool = false, _ decode: ([UInt8]) throws(ImageError) -> Raster
  ) throws(DataError) -> Raster {
    let place = DataPlace(file: path)
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
  private struct Reader {
    private(set) var side: Int
    private(set) var channels: Int

    init(_ request: DataRequest) { (side, channels) = (request.imageSize, request.imageChannels) }

    mutating func read(_ path: String) throws(DataError) -> [UInt8] {
      let picture = try ImageFolder.picture(path)
      if channels == 0 { channels = picture.channels >= 3 ? 3 : 1 }
      if side == 0 {
        let shorter = min(picture.width, picture.height)
        side = picture.width == picture.height && shorter <= ImageFolder.usualSide ? shorter : ImageFolder.usualSide
      }
      return picture.converted(toChannels: channels).croppedToSquare().resized(width: side, height: side).samples
    }
  }
}
