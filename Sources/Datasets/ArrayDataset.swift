/// Makes examples of array files: one IDX or NPY array of inputs, or an archive of inputs and targets (NPZ, HDF5, MATLAB).
enum ArrayDataset {
  /// Inputs alone; the test set is a share of them.
  static func make(_ array: RawArray, _ request: DataRequest, name: String) throws(DataError) -> Dataset {
    try request.refuseColumns(at: array.place)
    let inputs = try array.finiteExamples(allowingNaN: request.missing == .keep)
    let (train, test) = try ExampleSet(inputs: inputs, place: array.place).split(request, place: array.place)
    return try Dataset(name: name, train: train, test: test)
  }

  static func make(_ archive: some ArrayArchive, _ request: DataRequest, name: String) throws(DataError) -> Dataset {
    let place = archive.place
    try request.refuseColumns(at: place, allowingArrayNames: true)
    let keys = try ArchiveKeys(archive, request)
    let allowingNaN = request.missing == .keep
    let inputs = try archive.array(keys.inputs).finiteExamples(allowingNaN: allowingNaN)
    let testInputs = try keys.testInputs.map { (key) throws(DataError) in
      try archive.array(key).finiteExamples(allowingNaN: allowingNaN)
    }
    let (labels, values) = try answers([keys.targets, keys.testTargets], archive, request)
    let sequences = try [keys.lengths, keys.testLengths].map { (key) throws(DataError) in
      try key.map { (key) throws(DataError) in try archive.array(key).sequences() }
    }
    let train = try ExampleSet(
      inputs: inputs, labels: labels[0], targets: values[0], sequences: sequences[0], place: place)
    var notes = keys.unused.isEmpty ? [] : ["arrays not used: \(listed(keys.unused))".oneLine]
    if request.targetKind == .detect, let hint = values[0]?.classesHint(name: keys.targets!) { notes.append(hint) }
    guard let testInputs else {
      let (train, test) = try train.split(request, place: place)
      return try Dataset(name: name, train: train, test: test, targetName: keys.targets, notes: notes)
    }
    return try Dataset(
      name: name, train: train,
      test: ExampleSet(
        inputs: testInputs, labels: labels[1], targets: values[1], sequences: sequences[1], place: place),
      targetName: keys.targets, notes: notes)
  }

  /// What the arrays of train and test say of the examples: classes, or values.
  private static func answers(
    _ keys: [String?], _ archive: some ArrayArchive, _ request: DataRequest
  ) throws(DataError) -> ([ClassLabels?], [ExampleArray?]) {
    let texts = try keys.map { (key) throws(DataError) in try key.map(archive.texts) ?? nil }
    if texts[0] != nil { return (try named(texts, archive.place) { $0 }, [nil, nil]) }
    let arrays = try keys.map { (key) throws(DataError) in try key.map(archive.array) }
    let isClass =
      switch request.targetKind {
      case .classes: true
      case .values: false
      case .detect: arrays[0].map { $0.isInteger && $0.shape.dropFirst().allSatisfy { $0 == 1 } } ?? false
      }
    guard isClass else {
      return (
        [nil, nil],
        try arrays.map { (array) throws(DataError) in try array?.finiteExamples(allowingNaN: false, areTargets: true) }
      )
    }
    // Numbers that are no indices, such as −1 and 1, are the names of classes; so are all where a model says so.
    let numbers = try arrays.map { (array) throws(DataError) in try array?.wholeNumbers() }
    let areNames =
      if let names = request.schema?.classes?.names, !names.isEmpty { names.allSatisfy { Int($0) != nil } } else {
        request.schema == nil && numbers.compactMap { $0 }.joined().contains { $0 < 0 }
      }
    return (areNames ? try named(numbers, archive.place) { "\($0)" } : try labels(arrays), [nil, nil])
  }

  /// Class labels of train and test whose classes are all values that occur, in their order.
  private static func named<Value: Hashable & Comparable>(
    _ values: [[Value]?], _ place: DataPlace, _ name: (Value) -> String
  ) throws(DataError) -> [ClassLabels?] {
    let classes = Set(values.compactMap { $0 }.joined()).sorted()
    guard classes.count <= CodedColumn.maximumCategories else {
      throw DataError(
        .badLabel, at: place, "\(classes.count) distinct labels are no classes",
        advice: "name the array of the classes with \(DataKey.target)")
    }
    let places = Dictionary(uniqueKeysWithValues: zip(classes, 0...))
    return values.map { values in
      values.map { values in
        ClassLabels(indices: values.map { UInt32(places[$0]!) }, count: classes.count, names: classes.map(name))
      }
    }
  }

  /// Class labels of train and test with a common number of classes.
  static func labels(_ arrays: [RawArray?], names: [String] = []) throws(DataError) -> [ClassLabels?] {
    let indices = try arrays.map { (array) throws(DataError) in try array?.labels() }
    let largest = indices.compactMap { $0?.max() }.max() ?? 0
    let count = max(Int(largest) + 1, names.count)
    return indices.map { indices in
      indices.map { ClassLabels(indices: $0, count: count, names: count == names.count ? names : []) }
    }
  }
}

/// Which arrays of an archive are what.
private struct ArchiveKeys {
  let inputs: String
  let testInputs: String?
  let targets: String?
  let testTargets: String?
  /// Of the sequences' lengths.
  let lengths: String?
  let testLengths: String?
  let unused: [String]

  private static let inputNames = ["x", "inputs", "images", "data"]
  private static let lengthNames = ["lengths"]
  private static let targetNames = ["y", "labels", "targets", "target"]

  init(_ archive: some ArrayArchive, _ request: DataRequest) throws(DataError) {
    let (keys, place) = (archive.keys, archive.place)
    guard request.columns.count <= 1 else {
      throw DataError(
        .badRequest, at: place, "\(DataKey.columns) names \(request.columns.count) arrays",
        advice: "name the one array of inputs; several are not joined")
    }
    let targets = try Self.find(request.target, Self.targetNames, keys, place, .target)
    let lengths = try Self.find(request.sequence, Self.lengthNames, keys, place, .sequence)
    let candidates = keys.filter { $0 != targets && $0 != lengths }
    let readable = archive.readableKeys.filter(candidates.contains)
    guard
      let inputs = try Self.find(request.columns.first, Self.inputNames, candidates, place, .columns)
        ?? (readable.count == 1 ? readable[0] : nil)
    else {
      throw DataError(
        .notFound, at: place, "none of its arrays is named like inputs (\(listed(Self.inputNames)))",
        advice: keys.isEmpty
          ? "the archive holds no arrays at all" : "name one with \(DataKey.columns): \(listed(keys))")
    }
    self.inputs = inputs
    self.targets = targets
    testInputs = Self.testCounterpart(of: inputs, keys)
    testTargets = targets.flatMap { Self.testCounterpart(of: $0, keys) }
    self.lengths = lengths
    testLengths = lengths.flatMap { Self.testCounterpart(of: $0, keys) }
    let used = [inputs, testInputs, targets, testTargets, lengths, testLengths]
    unused = keys.filter { !used.contains($0) }
  }

  private static func find(
    _ wanted: String?, _ names: [String], _ keys: [String], _ place: DataPlace, _ key: DataKey
  ) throws(DataError) -> String? {
    if let wanted {
      guard keys.contains(wanted) else {
        throw DataError(
          .badRequest, at: place, "\(key): no array '\(wanted.shortened)'", advice: "it holds \(listed(keys))")
      }
      return wanted
    }
    let spellings = names.flatMap { [$0, "\($0)_train", "train_\($0)"] }
    let matches = keys.filter { spellings.contains(spelling(of: $0)) }
    guard matches.count <= 1 else {
      throw DataError(
        .badRequest, at: place, "several arrays could be meant: \(listed(matches))", advice: "name one with \(key)")
    }
    return matches.first
  }

  /// `x_test` for `x` and for `x_train`, `test_images` for `train_images`.
  private static func testCounterpart(of key: String, _ keys: [String]) -> String? {
    let base = spelling(of: key)
    var spellings = ["\(base)_test", "test_\(base)"]
    if base.hasSuffix("_train") { spellings = ["\(base.dropLast(6))_test"] }
    if base.hasPrefix("train_") { spellings = ["test_\(base.dropFirst(6))"] }
    return keys.first { spellings.contains(spelling(of: $0)) }
  }

  /// An array `x` in a group `train` is as good as one that is named `train_x`.
  private static func spelling(of key: String) -> String { key.lowercased().replacing("/", with: "_") }
}

extension RawArray {
  /// Sequences of the lengths that the array holds.
  func sequences() throws(DataError) -> Sequences {
    let lengths = try finiteExamples(allowingNaN: false)
    func whole<T: BinaryFloatingPoint>(_ values: UnsafeBufferPointer<T>) -> [Int?] { values.map { Int(exactly: $0) } }
    let numbers =
      switch lengths.kind {
      case .uint8: lengths.withUnsafeBufferPointer(as: UInt8.self) { $0.map { Int?(Int($0)) } }
      case .float32: lengths.withUnsafeBufferPointer(as: Float.self) { whole($0) }
      case .float64: lengths.withUnsafeBufferPointer(as: Double.self) { whole($0) }
      }
    guard lengths.elementsPerExample == 1, !numbers.contains(nil) else {
      throw DataError(
        .mismatched, at: place, "holds no lengths of sequences", advice: "store a whole number for each sequence")
    }
    return try Sequences(lengths: numbers.map { $0! }, place: place)
  }

  /// As `examples`, and throws `.notFinite` for an infinity or, unless allowed, a NaN.
  package func finiteExamples(allowingNaN: Bool, areTargets: Bool = false) throws(DataError) -> ExampleArray {
    let examples = try examples()
    guard let found = examples.firstNonFinite(allowingNaN: allowingNaN) else { return examples }
    throw DataError(
      .notFinite, at: place,
      "\(found.isNaN ? "NaN" : "an infinity") in example \(found.example), element \(found.element)",
      advice: areTargets
        ? "correct the array, or leave such examples out"
        : found.isNaN && !allowingNaN
          ? "correct the array, or set \(DataKey.missing)=keep for a model that can do with missing inputs"
          : "correct the array")
  }
}
