import Images

extension ExampleSet {
  /// Pictures that keep their sizes: each is a sequence of pixels, row by row, and its target is its height and width.
  package init(wholePictures pictures: [Raster]) throws(DataError) {
    var (pixels, sizes): ([UInt8], [Float]) = ([], [])
    for picture in pictures {
      pixels += picture.samples
      sizes += [Float(picture.height), Float(picture.width)]
    }
    try self.init(
      inputs: ExampleArray(pixels, shape: [pictures.first?.channels ?? 1]), targets: ExampleArray(sizes, shape: [2]),
      sequences: Sequences(lengths: pictures.map { $0.height * $0.width }))
  }

  /// One PNG or JPEG picture in its own size, gray or in colors.
  package init(wholePictureAt path: String, background: Background) throws(DataError) {
    let picture = try ImageFolder.picture(path).raster
    try self.init(
      wholePictures: [picture.converted(toChannels: picture.channels >= 3 ? 3 : 1, over: background)])
  }

  /// Whether its examples are pictures that keep their sizes.
  public var holdsWholePictures: Bool {
    guard let sequences, let targets, inputs.kind == .uint8, [[1], [3]].contains(inputs.shape), targets.shape == [2]
    else { return false }
    guard targets.hasNumbers else { return true }
    return targets.count == sequences.count
      && (0..<sequences.count).allSatisfy { index in
        let (height, width) = (targets.number(2 * index), targets.number(2 * index + 1))
        return height >= 1 && width >= 1 && height * width == Double(sequences.length(of: index))
      }
  }

  /// A picture that keeps its size.
  public func wholePicture(_ index: Int) -> Raster {
    let (elements, channels) = (sequences![index], inputs.shape[0])
    let samples = inputs.withUnsafeBufferPointer(as: UInt8.self) { source in
      Array(source[elements.lowerBound * channels..<elements.upperBound * channels])
    }
    return Raster(
      width: Int(targets!.number(2 * index + 1)), height: Int(targets!.number(2 * index)), channels: channels,
      samples: samples)
  }
}

extension ImageFolder.Reader {
  /// The pictures of some entries in their own sizes, and the entries that they belong to.
  mutating func wholePictures<Entry>(
    _ entries: [Entry], at place: DataPlace, path: (Entry) -> String
  ) throws(DataError) -> (entries: [Entry], set: ExampleSet) {
    var pictures: [Raster] = []
    let kept = try readable(entries, at: place) { (entry, reader) throws(DataError) in
      pictures.append(try reader.readWhole(path(entry)))
    }
    return (kept, try ExampleSet(wholePictures: pictures))
  }
}
