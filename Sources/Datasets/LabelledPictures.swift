import Images

/// Reads pictures with their label pictures one after the other.
struct LabelledPictures {
  private let request: DataRequest
  private var size: (height: Int, width: Int) = (0, 0)
  private var channels: Int
  private var pixels: [UInt8] = []
  /// What the label pictures hold, one after the other.
  private(set) var labels: [UInt8] = []
  private(set) var count = 0
  /// Why pictures were left out.
  private(set) var skipped: [String] = []
  private var losses: PictureLosses

  init(_ request: DataRequest) {
    (self.request, channels) = (request, request.imageChannels)
    losses = PictureLosses(background: request.background)
  }

  /// Reads a picture and its labels; leaves both out where one cannot be read and the request is not strict.
  mutating func read(_ image: String, _ label: String) throws(DataError) {
    do throws(DataError) {
      let labels = try ImageFolder.labels(label)
      let picture = try losses.read(image)
      guard labels.width == picture.width, labels.height == picture.height else {
        throw DataError(
          .mismatched, at: DataPlace(file: label),
          "has \(labels.height) × \(labels.width) pixels, its picture \(picture.height) × \(picture.width)",
          advice: "both must have one size")
      }
      if count == 0 {
        size = (picture.height, picture.width)
        if channels == 0 { channels = picture.channels >= 3 ? 3 : 1 }
      }
      guard (picture.height, picture.width) == size else {
        throw DataError(
          .mismatched, at: DataPlace(file: image),
          "has \(picture.height) × \(picture.width) pixels, the first picture \(size.height) × \(size.width)",
          advice: "make all pictures of one size")
      }
      pixels += picture.converted(toChannels: channels, over: losses.background).samples
      self.labels += labels.samples
      count += 1
    } catch {
      guard !request.strict else { throw error }
      skipped.append("left out \(error)")
    }
  }

  var notes: [String] {
    (skipped.count <= 10 ? skipped : Array(skipped.prefix(10)) + ["left out \(skipped.count - 10) more pictures"])
      + losses.notes
  }

  /// All pictures, their labels as classes.
  func examples(_ spelling: LabelSpelling) throws(DataError) -> ExampleSet {
    try ExampleSet(
      inputs: ExampleArray(pixels, shape: [size.height, size.width] + (channels == 1 ? [] : [channels])),
      labelImages: LabelImages(
        ExampleArray(labels.map { spelling.table[Int($0)] ?? LabelImages.void }, shape: [size.height, size.width]),
        spelling.classes))
  }

  /// How many pictures have no pixel with a class.
  func voidNotes(_ set: ExampleSet) -> [String] {
    let empty = (0..<set.count).count { set.labelImages!.labelledPixels($0) == 0 }
    return empty == 0 ? [] : ["\(counted(empty, "picture")) without a pixel that has a class"]
  }
}

/// Which class a number of a label picture stands for.
struct LabelSpelling {
  let classes: LabelImages.Classes
  /// The class of each number from 0 to 255; nil: none.
  private(set) var table: [UInt8?]
  private(set) var notes: [String] = []

  /// CamVid's classes, as SegNet has them.
  private static let camVid = [
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
  ]

  /// - Parameters:
  ///   - labels: all numbers of all label pictures.
  ///   - names: of the classes, including void where there is one; none where they are not known.
  ///   - isSegNet: whether the folder is laid out as SegNet's CamVid.
  init(
    _ labels: [UInt8], _ request: DataRequest, path: String, names: [String], isSegNet: Bool
  ) throws(DataError) {
    var counts = [Int](repeating: 0, count: 256)
    for label in labels { counts[Int(label)] += 1 }
    let present = (0..<256).filter { counts[$0] > 0 }
    if let known = request.schema?.labelImages {
      classes = known
    } else {
      let void = LabelSpelling.void(present, request.void, names, isSegNet, &notes)
      classes = LabelSpelling.classes(present, void: void, names, request.void, isSegNet, &notes)
    }
    guard classes.count <= 255 else {
      throw DataError(
        .badLabel, at: DataPlace(file: path), "its label pictures hold \(classes.count) classes",
        advice: "use at most 255, or set \(DataKey.void) to the number of pixels without a class")
    }
    table = Array(repeating: nil, count: 256)
    for (index, value) in classes.values.enumerated() { table[Int(value)] = UInt8(index) }
    guard present.contains(where: { table[$0] != nil }) else {
      throw DataError(
        .empty, at: DataPlace(file: path), "no pixel of its label pictures has a class",
        advice: "set \(DataKey.void) to the number of pixels without a class, or to none")
    }
    if let stray = present.first(where: { table[$0] == nil && classes.void.map(Int.init) != $0 }) {
      throw DataError(
        .badLabel, at: DataPlace(file: path),
        "its label pictures hold \(stray), which is none of the \(counted(classes.count, "class", "classes"))",
        advice: "name all classes in classes.txt, or set \(DataKey.void)=\(stray) if such pixels have no class")
    }
  }

  private static func void(
    _ present: [Int], _ rule: VoidLabel, _ names: [String], _ isSegNet: Bool, _ notes: inout [String]
  ) -> UInt8? {
    switch rule {
    case .none: return nil
    case .value(let value): return value
    case .automatic:
      if let index = names.firstIndex(where: { ["void", "unlabelled", "unlabeled"].contains($0.lowercased()) }) {
        return UInt8(index)
      }
      if present.contains(255), present.contains(where: { 1..<255 ~= $0 }) {
        notes.append("pixels of 255 have no class; \(DataKey.void)=none makes them one")
        return 255
      }
      if isSegNet, names.isEmpty, present.last == camVid.count {
        notes.append("pixels of 11 have no class, as in SegNet's CamVid; \(DataKey.void)=none makes them one")
        return UInt8(camVid.count)
      }
      return nil
    }
  }

  private static func classes(
    _ present: [Int], void: UInt8?, _ names: [String], _ rule: VoidLabel, _ isSegNet: Bool, _ notes: inout [String]
  ) -> LabelImages.Classes {
    // A void that is named is no class.
    let kept = names.indices.filter { void.map(Int.init) != $0 }
    if !names.isEmpty {
      return LabelImages.Classes(
        count: kept.count, names: kept.map { names[$0] }, values: kept.map { UInt8($0) }, void: void)
    }
    let used = present.filter { void.map(Int.init) != $0 }
    if void == nil, used == [0, 255] {
      notes.append("label pictures hold 0 and 255: two classes")
      return LabelImages.Classes(count: 2, values: [0, 255])
    }
    let values = (0...(used.last ?? 0)).filter { void.map(Int.init) != $0 }.map { UInt8($0) }
    let isCamVid = isSegNet && rule == .automatic && void == UInt8(camVid.count) && values.count == camVid.count
    return LabelImages.Classes(count: values.count, names: isCamVid ? camVid : [], values: values, void: void)
  }
}
