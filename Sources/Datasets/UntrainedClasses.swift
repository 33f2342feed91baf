extension Dataset {
  /// Which classes no training example has, in a line for the user; nil where each has some. A table that is sorted by class
  /// and split by position is such data, and so are classes that are numbered from 1.
  public var untrainedClasses: String? {
    guard hasExamples, let labels = train.labels else { return nil }
    var isTrained = [Bool](repeating: false, count: labels.count)
    for index in labels.indices { isTrained[Int(index)] = true }
    let untrained = isTrained.indices.filter { !isTrained[$0] }
    guard !untrained.isEmpty else { return nil }
    let names = untrained.map { labels.names.isEmpty ? "\($0)" : labels.names[$0] }
    return "no training example has the \(untrained.count == 1 ? "class" : "classes") \(listed(names))".oneLine
  }
}
