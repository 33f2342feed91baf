extension Dataset {
  /// The data to train on, and data whose test part is the validation part: the one that the data keeps itself, or a
  /// share of the training examples that the request asks for. Nil where there is none.
  ///
  /// The data's own validation part is no part of its fingerprint: nothing is learned from it.
  /// - Throws: `DataError` when both are there, or a part would have no examples.
  public func validating(_ request: DataRequest) throws(DataError) -> (data: Dataset, validation: Dataset)? {
    guard let validation else {
      guard request.validationFraction > 0 else { return nil }
      return try validating(request.validationFraction, request.split, seed: request.seed)
    }
    guard request.validationFraction == 0 else {
      throw DataError(
        .badRequest, at: DataPlace(file: name),
        "\(DataKey.validationFraction) is \(request.validationFraction), and the data has a validation part",
        advice: "set \(DataKey.validationFraction)=0")
    }
    return (try with(train, test: test), try with(train, test: validation))
  }

  /// Cuts a validation part off the training examples: what decides, such as when to stop, is measured there and never on
  /// the test part.
  ///
  /// - Parameters:
  ///   - share: of the training examples, above 0 and below 1.
  ///   - rule: which examples; a random choice is another one than that of the test part.
  /// - Returns: the data to train on, and data whose test part is the validation part.
  /// - Throws: `DataError` when a part would have no examples.
  public func validating(
    _ share: Double, _ rule: SplitRule, seed: UInt64
  ) throws(DataError) -> (data: Dataset, validation: Dataset) {
    let parts = try train.split(
      share, .validationFraction, rule, seed: seed ^ 0x5661_6C69_6461_7465, place: DataPlace(file: name))
    return (try with(parts.rest, test: test), try with(parts.rest, test: parts.part))
  }

  /// The same examples as their own test part: data that nothing is trained on.
  public func testingAll() throws(DataError) -> Dataset { try with(train, test: train) }

  /// The same, of at most so many examples, which lie evenly among all.
  public func testingEvenly(atMost count: Int) throws(DataError) -> Dataset {
    guard train.count > count else { return try testingAll() }
    return try with(train, test: train.gathering((0..<count).map { UInt32($0 * train.count / count) }))
  }

  private func with(_ train: ExampleSet, test: ExampleSet?) throws(DataError) -> Dataset {
    var dataset = try Dataset(
      name: name, train: train, test: test, columns: columns, levels: levels, substitutes: substitutes,
      targetName: targetName,
      vocabulary: vocabulary, notes: notes)
    dataset.readCount = readCount
    return dataset
  }
}
