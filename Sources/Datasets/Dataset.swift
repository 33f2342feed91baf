/// What class each example belongs to.
public struct ClassLabels: Sendable {
  /// One class index an example, each below `count`.
  public let indices: [UInt32]
  /// How many classes there are; the same in train and test.
  public let count: Int
  /// The classes' names in the order of their indices; empty where the data does not name them.
  public let names: [String]

  /// `names` is empty or has `count` elements; every index lies below `count`.
  public init(indices: [UInt32], count: Int, names: [String] = []) {
    precondition(names.isEmpty || names.count == count)
    precondition(indices.allSatisfy { $0 < count })
    self.indices = indices
    self.count = count
    self.names = names
  }

  /// What each class is called: its index where the data does not name it.
  public var shownNames: [String] { ClassLabels.shown(names, count: count) }

  /// What each of some classes is called: its index where there are no names.
  public static func shown(_ names: [String], count: Int) -> [String] {
    names.isEmpty ? (0..<count).map(String.init) : names
  }

  /// Of examples that are not there: no index is known.
  init(absentOf count: Int, names: [String]) { (indices, self.count, self.names) = ([], count, names) }
}

/// Examples with what is known about each: a class label, a regression target, a class for each pixel, captions, or nothing.
///
/// An example is a row of `inputs`, or a whole sequence of such rows. Labels and targets of sequences belong either to each
/// element or to each sequence.
public struct ExampleSet: Sendable {
  public let inputs: ExampleArray
  public let labels: ClassLabels?
  public let targets: ExampleArray?
  public let labelImages: LabelImages?
  public let captions: Captions?
  /// Where the sequences begin whose elements `inputs` holds back to back; nil: an example is one row.
  public let sequences: Sequences?

  /// What each example is called, where the data says it and a trained model is shown it.
  package(set) public var identifiers: Identifiers?

  /// How many examples: sequences where there are some, else rows.
  public var count: Int { sequences?.count ?? inputs.count }

  /// Throws `.mismatched` where the numbers of inputs, labels and targets differ, or the sizes of images and label images, and
  /// where the lengths of the sequences do not add up to the inputs.
  public init(
    inputs: ExampleArray, labels: ClassLabels? = nil, targets: ExampleArray? = nil, labelImages: LabelImages? = nil,
    captions: Captions? = nil, sequences: Sequences? = nil, place: DataPlace? = nil
  ) throws(DataError) {
    if let sequences, sequences.elementCount != inputs.count {
      throw DataError(
        .mismatched, at: place,
        "the lengths of \(counted(sequences.count, "sequence")) add up to \(sequences.elementCount), but there are \(counted(inputs.count, "element"))",
        advice: "give a length for each sequence, which together are all elements")
    }
    for (count, noun) in [
      (labels?.indices.count, "label"), (targets?.count, "target"), (labelImages?.count, "label image"),
      (captions?.count, "list of captions"),
    ] {
      guard let count, count != inputs.count, count != sequences?.count else { continue }
      let examples = sequences.map { "\(counted($0.count, "sequence")) of \(counted(inputs.count, "element"))" }
      throw DataError(
        .mismatched, at: place, "\(examples ?? counted(inputs.count, "example")) but \(counted(count, noun))",
        advice: "inputs and \(noun)s must belong together, one \(noun) an example"
          + (sequences == nil ? "" : ", or one an element"))
    }
    if let labelImages, Array(inputs.shape.prefix(2)) != labelImages.classes.shape {
      throw DataError(
        .mismatched, at: place, "images are \(inputs) but label images \(labelImages.classes)",
        advice: "a label image has the height and width of its image")
    }
    (self.inputs, self.labels, self.targets) = (inputs, labels, targets)
    (self.labelImages, self.captions, self.sequences) = (labelImages, captions, sequences)
  }

  /// A set without its numbers: only what an example is like is known.
  init(
    absent inputs: ExampleArray, labels: ClassLabels?, targets: ExampleArray?, labelImages: LabelImages?,
    captions: Captions?, sequences: Sequences?
  ) {
    (self.inputs, self.labels, self.targets) = (inputs, labels, targets)
    (self.labelImages, self.captions, self.sequences) = (labelImages, captions, sequences)
  }

  /// The examples at `indices`, copied, in that order.
  func gathering(_ indices: [UInt32]) throws(DataError) -> ExampleSet {
    let chosen = sequences?.gathering(indices)
    /// Of labels or targets, which belong to elements or to examples.
    func places(_ count: Int) -> [UInt32] { count == inputs.count ? chosen?.elements ?? indices : indices }
    var set = try ExampleSet(
      inputs: inputs.gathering(chosen?.elements ?? indices),
      labels: labels.map { all in
        let indices = places(all.indices.count)
        return ClassLabels(indices: indices.map { all.indices[Int($0)] }, count: all.count, names: all.names)
      },
      targets: targets.map { (all) throws(DataError) in try all.gathering(places(all.count)) },
      labelImages: labelImages.map { (all) throws(DataError) in
        LabelImages(try all.classes.gathering(indices), all.kinds)
      }, captions: captions?.gathering(indices), sequences: chosen?.sequences)
    set.identifiers = identifiers?.gathering(indices)
    return set
  }

  /// The examples of a range, sharing memory.
  subscript(range: Range<Int>) -> ExampleSet {
    get throws(DataError) {
      let elements = sequences?.elements(of: range) ?? range
      func places(_ count: Int) -> Range<Int> { count == inputs.count ? elements : range }
      var set = try ExampleSet(
        inputs: inputs[elements],
        labels: labels.map {
          ClassLabels(indices: Array($0.indices[places($0.indices.count)]), count: $0.count, names: $0.names)
        },
        targets: targets.map { $0[places($0.count)] },
        labelImages: labelImages.map { LabelImages($0.classes[range], $0.kinds) }, captions: captions?[range],
        sequences: sequences?.stretch(range))
      set.identifiers = identifiers?[range]
      return set
    }
  }
}

/// What a model is trained on and tested with.
public struct Dataset: Sendable {
  public let name: String
  public let train: ExampleSet
  public let test: ExampleSet?
  /// A part that the data itself keeps for validation; see `validating(_:)`.
  public let validation: ExampleSet?
  /// The names of the inputs' columns, where they have any; a one-hot column is named `column=value`.
  public let columns: [String]
  /// The values of the one-hot columns.
  public let levels: [Schema.Levels]
  /// What stands in for the empty cells of columns of numbers, under `MissingRule.mean` alone.
  public let substitutes: [Schema.Substitute]
  /// The name of the target column, where there is one.
  public let targetName: String?
  /// The characters or words of a text, in the order of the indices that `inputs` holds.
  public let vocabulary: [String]?
  /// What the user should know about how the data was read, one line each: rows dropped, columns ignored.
  public let notes: [String]
  /// What the model at hand was trained on, where that is over: whatever training data fixes for good, such as means and
  /// deviations of columns, is in the model's checkpoint and is not computed from these examples. Nil: a model is to be
  /// trained on this data.
  public let reference: Schema?
  /// How many examples were read to make this data of, those that were left out among them.
  public internal(set) var readCount: Int
  /// Under `UnseenRule.zeros`: which values of one-hot columns the training data does not have, a line for each column.
  package internal(set) var unseen: [String] = []
  let cachedFingerprint = FingerprintCache()

  /// Throws `.mismatched` where train and test differ in shape, element kind or number of classes.
  public init(
    name: String, train: ExampleSet, test: ExampleSet? = nil, columns: [String] = [], levels: [Schema.Levels] = [],
    substitutes: [Schema.Substitute] = [], targetName: String? = nil, vocabulary: [String]? = nil, notes: [String] = [],
    validation: ExampleSet? = nil
  ) throws(DataError) {
    for test in [test, validation].compactMap({ $0 }) {
      try Self.check(train.inputs, test.inputs, "inputs", name)
      if let ours = train.targets, let theirs = test.targets { try Self.check(ours, theirs, "targets", name) }
      guard
        train.labels?.count == test.labels?.count, (train.targets == nil) == (test.targets == nil),
        train.labelImages?.kinds == test.labelImages?.kinds, (train.sequences == nil) == (test.sequences == nil),
        train.captions?.languages == test.captions?.languages
      else {
        throw DataError(
          .mismatched, at: DataPlace(file: name),
          "train and test do not have the same kind of labels, targets or sequences",
          advice: "give both of them, or neither, labels, targets or sequences of the same kind")
      }
    }
    self.init(
      name: name, train: train, test: test, columns: columns, levels: levels, substitutes: substitutes,
      targetName: targetName,
      vocabulary: vocabulary, notes: notes, validation: validation, reference: nil)
  }

  /// Parts that have been checked.
  init(
    name: String, train: ExampleSet, test: ExampleSet?, columns: [String], levels: [Schema.Levels],
    substitutes: [Schema.Substitute], targetName: String?, vocabulary: [String]?, notes: [String] = [],
    validation: ExampleSet? = nil,
    reference: Schema?
  ) {
    (self.name, self.train, self.test, self.columns, self.levels) = (name, train, test, columns, levels)
    (self.targetName, self.vocabulary, self.notes, self.reference) = (targetName, vocabulary, notes, reference)
    (self.validation, self.substitutes) = (validation, substitutes)
    readCount = train.count + (test?.count ?? 0) + (validation?.count ?? 0)
  }

  private static func check(
    _ train: ExampleArray, _ test: ExampleArray, _ noun: String, _ name: String
  ) throws(DataError) {
    guard train.shape == test.shape, train.kind == test.kind else {
      throw DataError(
        .mismatched, at: DataPlace(file: name), "train \(noun) are \(train) but test \(noun) are \(test)",
        advice: "train and test must have the same shape and element type")
    }
  }
}

extension Dataset: CustomStringConvertible {
  /// One line, for example `fashion-mnist: 60000 train and 10000 test examples of 28×28 uint8, 10 classes`.
  public var description: String {
    var line = "\(name): \(train.count) train"
    if let test { line += " and \(test.count) test" }
    if train.holdsWholePictures {
      return (line + " pictures of \(counted(train.inputs.shape[0], "channel")) in their own sizes").oneLine
    }
    line += train.sequences == nil ? " examples of " : " sequences of "
    line += "\(train.inputs.shape.map(String.init).joined(separator: "×")) \(train.inputs.kind.rawValue)"
    if let sequences = train.sequences { line += ", \(counted(sequences.elementCount, "element")) to train" }
    if let labels = train.labels { line += ", \(counted(labels.count, "class", "classes"))" }
    if let labelImages = train.labelImages { line += ", \(labelImages)" }
    if let captions = train.captions { line += ", \(captions)" }
    if let targets = train.targets { line += ", \(counted(targets.elementsPerExample, "target"))" }
    if let vocabulary {
      let isWords = vocabulary.contains(Vocabulary.unknown)
      line += ", \(counted(vocabulary.count, isWords ? "word" : "character"))"
    }
    return line.oneLine
  }
}
