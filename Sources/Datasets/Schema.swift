import Files
import Foundation

/// What data is like, without its examples: all that a trained model must know of what it was trained on.
///
/// It is stored with every checkpoint, so a run predicts and samples without its training data. Other data that a run
/// is shown is compared with it.
public struct Schema: Codable, Sendable, Equatable {
  /// The values of a column that became columns of zeros and ones, in the order of those.
  public struct Levels: Codable, Sendable, Hashable {
    /// The column of the table.
    public var column: String
    public var values: [String]
    /// Whether cells without a value have a column of their own, the last.
    public var hasMissing: Bool

    enum CodingKeys: String, CodingKey {
      case column, values
      case hasMissing = "missing"
    }

    public init(column: String, values: [String], hasMissing: Bool = false) {
      (self.column, self.values, self.hasMissing) = (column, values, hasMissing)
    }

    /// The names of the columns that the values became.
    var columns: [String] { (values + (hasMissing ? [""] : [])).map { "\(column)=\($0)" } }
  }

  /// What stands in for the empty cells of a column of numbers.
  public struct Substitute: Codable, Sendable, Hashable {
    /// The column of the table.
    public var column: String
    /// The mean of the cells that have a number.
    public var mean: Double
    /// Whether a column of its own, behind it, is 1 where the mean stands in, and 0 elsewhere.
    public var isMarked: Bool

    enum CodingKeys: String, CodingKey {
      case column, mean
      case isMarked = "marked"
    }

    /// The names of the columns that the column became.
    var columns: [String] { [column] + (isMarked ? ["\(column)="] : []) }
  }

  public struct Classes: Codable, Sendable, Equatable {
    public var count: Int
    /// In the order of the indices; empty where the data does not name them.
    public var names: [String]
  }

  public struct Targets: Codable, Sendable, Equatable {
    public var kind: ElementKind
    public var shape: [Int]
  }

  /// The version of this form.
  public var version = 1
  public var name: String
  /// The data in one line.
  public var description: String
  /// How the numbers of an example are held.
  public var kind: ElementKind
  /// Of one example.
  public var shape: [Int]
  /// How many training examples there are.
  public var train: Int
  /// How many test examples there are.
  public var test: Int
  /// The names of the inputs' columns, where they have any; a one-hot column is named `column=value`.
  public var columns: [String]
  /// Of the one-hot columns.
  public var levels: [Levels]
  /// Of the columns of numbers, under `MissingRule.mean` alone.
  public var substitutes: [Substitute]?
  /// Of the target column, or of the array of targets.
  public var targetName: String?
  /// Where each example has a class.
  public var classes: Classes?
  /// Where each example has numbers to be predicted.
  public var targets: Targets?
  /// Where each pixel of an example has a class.
  public var labelImages: LabelImages.Classes?
  public struct Captions: Codable, Sendable, Equatable {
    /// What the columns of captions are called, at least one.
    public var languages: [String]
  }

  /// Captions of each example, in words of the vocabulary, where there are any.
  public var captions: Captions?
  /// How many elements the sequences have, where an example is a sequence.
  public struct SequenceElements: Codable, Sendable, Equatable {
    public var train: Int
    public var test: Int
  }

  /// The characters or words of a text, in the order of their indices.
  public var vocabulary: [String]?
  /// Where an example is a sequence of arrays of `shape`; `train` and `test` then count sequences.
  public var sequences: SequenceElements?
  /// SHA-256 of the numbers; see `Dataset.fingerprint`.
  public var fingerprint: String

  enum CodingKeys: String, CodingKey {
    case version, name, description, kind, shape, train, test, columns, levels, substitutes, classes, targets,
      vocabulary,
      captions, sequences, fingerprint
    case targetName = "target"
    case labelImages = "label_images"
  }

  /// The columns of a table that the inputs come from, in order.
  public var sourceColumns: [String] {
    var (result, rest) = ([String](), columns[...])
    while let column = rest.first {
      if let levels = levels.first(where: { rest.starts(with: $0.columns) && !$0.columns.isEmpty }) {
        result.append(levels.column)
        rest = rest.dropFirst(levels.columns.count)
      } else if let substitute = substitutes?.first(where: { rest.starts(with: $0.columns) }) {
        result.append(substitute.column)
        rest = rest.dropFirst(substitute.columns.count)
      } else {
        result.append(column)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// Numbers of one example.
  public var elementsPerExample: Int { shape.reduce(1, *) }
}

// MARK: As a file

extension Schema {
  /// A schema file that is longer is not one.
  public static let longestFile = 64 << 20
  /// Numbers of an example, and numbers of classes, beyond which a file is not believed.
  private static let mostElements = 1 << 28
  /// Examples beyond which a file is not believed.
  private static let mostExamples = 1 << 48

  /// The contents of `schema.json`.
  public var json: [UInt8] {
    get throws {
      try JSONDocument.bytes(of: self)
    }
  }

  /// Reads the contents of `schema.json`. Nothing is allocated by what they claim.
  /// - Throws: `DataError` where they are no schema, or one that no data can have.
  public init(json bytes: [UInt8], path: String) throws(DataError) {
    let place = DataPlace(file: path)
    func damaged(_ what: String) -> DataError {
      DataError(.damaged, at: place, "is no schema: \(what)", advice: "use another checkpoint")
    }
    struct Version: Decodable { var version: Int }
    if let other = try? JSONDecoder().decode(Version.self, from: Data(bytes)).version, other != 1 {
      throw DataError(
        .unsupported, at: place, "is of version \(other), which this elbo does not know",
        advice: "use the elbo that wrote it, or a newer one")
    }
    do {
      self = try JSONDecoder().decode(Schema.self, from: Data(bytes))
    } catch DecodingError.keyNotFound(let key, _) {
      throw damaged("\(key.stringValue) is missing")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw damaged("\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another type")
    } catch {
      throw damaged("it is not whole")
    }
    func check(_ shape: [Int], _ what: String) throws(DataError) {
      guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }),
        byteCount(shape: shape, elementSize: 8).map({ $0 / 8 <= Schema.mostElements }) ?? false
      else { throw damaged("the shape of \(what) is \(shape)") }
    }
    try check(shape, "an example")
    guard (1...Schema.mostExamples).contains(train), (0...Schema.mostExamples).contains(test) else {
      throw damaged("it counts \(train) training and \(test) test examples")
    }
    guard columns.isEmpty || columns.count == elementsPerExample else {
      throw damaged("\(counted(columns.count, "column")) for examples of \(elementsPerExample) numbers")
    }
    guard levels.allSatisfy({ !$0.columns.isEmpty && columns.contains($0.columns[0]) }) else {
      throw damaged("levels of a column that is not there")
    }
    guard (substitutes ?? []).allSatisfy({ $0.mean.isFinite && Set($0.columns).isSubset(of: columns) }) else {
      throw damaged("a mean of a column that is not there")
    }
    if let classes {
      guard (1...Schema.mostElements).contains(classes.count),
        classes.names.isEmpty || classes.names.count == classes.count
      else { throw damaged("\(classes.names.count) names of \(classes.count) classes") }
    }
    if let targets { try check(targets.shape, "a target") }
    if let labelImages {
      guard labelImages.isSound, shape.count == 2 || shape.count == 3 else {
        throw damaged("it has \(labelImages.count) classes of pixels, \(labelImages.names.count) names for them")
      }
    }
    if let captions {
      guard !captions.languages.isEmpty, captions.languages.count <= 1000, (vocabulary?.count ?? 0) > 1 else {
        throw damaged("it has captions in \(captions.languages.count) languages, and no words")
      }
    }
    if let sequences {
      guard (train...Schema.mostExamples).contains(sequences.train),
        (test...Schema.mostExamples).contains(sequences.test)
      else {
        throw damaged("\(train) and \(test) sequences have \(sequences.train) and \(sequences.test) elements")
      }
    }
    guard fingerprint.utf8.count == 64 else { throw damaged("it has no fingerprint of the data") }
  }
}

extension ElementKind: Codable {}

// MARK: Data and schema

extension Dataset {
  /// What this data is like.
  public var schema: Schema {
    Schema(
      name: name, description: description, kind: train.inputs.kind, shape: train.inputs.shape, train: train.count,
      test: test?.count ?? 0, columns: columns, levels: levels,
      substitutes: substitutes.isEmpty ? nil : substitutes, targetName: targetName,
      classes: train.labels.map { Schema.Classes(count: $0.count, names: $0.names) },
      targets: train.targets.map { Schema.Targets(kind: $0.kind, shape: $0.shape) },
      labelImages: train.labelImages?.kinds, captions: train.captions.map { Schema.Captions(languages: $0.languages) },
      vocabulary: vocabulary,
      sequences: train.sequences.map {
        Schema.SequenceElements(train: $0.elementCount, test: test?.sequences?.elementCount ?? 0)
      },
      fingerprint: fingerprint)
  }

  /// Data without its numbers: only the schema is known, with counts, shapes and names.
  public init(schema: Schema) {
    func set(_ count: Int, _ elements: Int?) -> ExampleSet {
      ExampleSet(
        absent: ExampleArray(absent: elements ?? count, shape: schema.shape, kind: schema.kind),
        labels: schema.classes.map { ClassLabels(absentOf: $0.count, names: $0.names) },
        targets: schema.targets.map { ExampleArray(absent: count, shape: $0.shape, kind: $0.kind) },
        labelImages: schema.labelImages.map {
          LabelImages(ExampleArray(absent: count, shape: Array(schema.shape.prefix(2)), kind: .uint8), $0)
        },
        captions: schema.captions.map { Captions(absentOf: count, languages: $0.languages) },
        sequences: elements.map { Sequences(absent: count, elementCount: $0) })
    }
    self.init(
      name: schema.name, train: set(schema.train, schema.sequences?.train),
      test: schema.test > 0 ? set(schema.test, schema.sequences?.test) : nil,
      columns: schema.columns, levels: schema.levels, substitutes: schema.substitutes ?? [],
      targetName: schema.targetName,
      vocabulary: schema.vocabulary, reference: schema)
  }

  /// Whether the numbers are there.
  public var hasExamples: Bool { train.inputs.hasNumbers }

  /// How many examples the model at hand was or will be trained on.
  public var trainingCount: Int { reference?.train ?? train.count }

  /// This data as a model sees it that was trained on data of a schema: examples get the schema's shape, classes the
  /// schema's order.
  /// - Throws: `.mismatched` with what differs.
  public func seen(as schema: Schema) throws(DataError) -> Dataset {
    let adapted = Adaptation(schema, names: (name, columns))
    let train = try adapted.set(train)
    let test = try test.map { (set) throws(DataError) in try adapted.set(set) }
    var dataset = Dataset(
      name: name, train: train, test: test, columns: schema.columns, levels: schema.levels,
      substitutes: schema.substitutes ?? [], targetName: targetName, vocabulary: vocabulary, notes: notes,
      reference: schema)
    dataset.readCount = readCount
    return dataset
  }
}

/// Makes data look as a schema says.
private struct Adaptation {
  let schema: Schema
  let name: String

  init(_ schema: Schema, names: (data: String, columns: [String])) {
    (self.schema, name) = (schema, names.data)
  }

  private func differs(_ what: String, _ wanted: String) -> DataError {
    DataError(
      .mismatched, at: DataPlace(file: name), "\(what), the training data's \(wanted)",
      advice: "name data of the same kind")
  }

  func set(_ set: ExampleSet) throws(DataError) -> ExampleSet {
    var adapted = try numbers(of: set)
    adapted.identifiers = set.identifiers
    return adapted
  }

  private func numbers(of set: ExampleSet) throws(DataError) -> ExampleSet {
    let inputs = try array(set.inputs, schema.shape, schema.kind, "examples have")
    let labels = try labels(set.labels)
    let labelImages = try labelImages(set.labelImages)
    guard set.captions?.languages == schema.captions?.languages || schema.captions == nil else {
      throw DataError(
        .mismatched, at: DataPlace(file: name), "it has \(set.captions.map(\.description) ?? "no captions")",
        advice: "name data with captions in \(listed(schema.captions!.languages))")
    }
    let captions = schema.captions == nil ? nil : set.captions
    guard (schema.sequences == nil) == (set.sequences == nil) else {
      throw differs("its examples are \(set.sequences == nil ? "rows" : "sequences")", "not")
    }
    guard let wanted = schema.targets else {
      return try ExampleSet(
        inputs: inputs, labels: labels, labelImages: labelImages, captions: captions, sequences: set.sequences)
    }
    guard let targets = set.targets else {
      throw DataError(
        .mismatched, at: DataPlace(file: name), "it has no targets, the training data has",
        advice: "name data with targets")
    }
    return try ExampleSet(
      inputs: inputs, labels: labels, targets: array(targets, wanted.shape, targets.kind, "targets have"),
      sequences: set.sequences)
  }

  private func labelImages(_ images: LabelImages?) throws(DataError) -> LabelImages? {
    guard let wanted = schema.labelImages else { return nil }
    guard let images else {
      throw DataError(
        .mismatched, at: DataPlace(file: name), "it has no label pictures, the training data has",
        advice: "name data with label pictures")
    }
    guard images.kinds == wanted else {
      throw differs("its pixels have \(images)", "\(counted(wanted.count, "class", "classes"))")
    }
    return images
  }

  private func array(
    _ array: ExampleArray, _ shape: [Int], _ kind: ElementKind, _ noun: String
  ) throws(DataError) -> ExampleArray {
    guard array.elementsPerExample == shape.reduce(1, *) else {
      throw differs("its \(noun) \(array.elementsPerExample) numbers", "\(shape.reduce(1, *))")
    }
    guard (array.kind == .uint8) == (kind == .uint8) else {
      throw differs("its numbers are \(array.kind.rawValue)", "\(kind.rawValue)")
    }
    return array.shaped(shape)
  }

  private func labels(_ labels: ClassLabels?) throws(DataError) -> ClassLabels? {
    guard let classes = schema.classes else { return nil }
    guard let labels else {
      throw DataError(
        .mismatched, at: DataPlace(file: name), "it has no class labels, the training data has",
        advice: "name data with labels")
    }
    guard !labels.names.isEmpty, !classes.names.isEmpty else {
      guard labels.count <= classes.count else {
        throw differs("it has \(counted(labels.count, "class", "classes"))", "\(classes.count)")
      }
      return ClassLabels(indices: labels.indices, count: classes.count, names: classes.names)
    }
    let known = Dictionary(classes.names.enumerated().map { ($1, UInt32($0)) }) { first, _ in first }
    let used = Set(labels.indices)
    var order = [UInt32](repeating: 0, count: labels.names.count)
    for (index, name) in labels.names.enumerated() {
      if let place = known[name] {
        order[index] = place
      } else if used.contains(UInt32(index)) {
        throw DataError(
          .mismatched, at: DataPlace(file: self.name),
          "the class '\(name.shortened)' is none of the training data's: \(listed(classes.names))",
          advice: "leave such examples out, or train with them")
      }
    }
    return ClassLabels(
      indices: labels.indices.map { order[Int($0)] }, count: classes.count, names: classes.names)
  }
}
