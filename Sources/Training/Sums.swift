/// Named sums over examples: what a contribution carries beside its numbers, and what an evaluation adds up.
///
///     var sums = Sums(["elbo", "kl"])
///     sums["kl"] += divergence
public struct Sums: Sendable, Equatable {
  public let names: [String]
  /// In the order of the names.
  public package(set) var values: [Double]
  /// How many examples a sum is over, of those that are not over all.
  private var counts: [Double?]

  /// Sums of zero.
  public init(_ names: [String]) {
    self.names = names
    values = Array(repeating: 0, count: names.count)
    counts = Array(repeating: nil, count: names.count)
  }

  package init(_ names: [String], _ values: [Double]) {
    precondition(names.count == values.count, "a sum for each name")
    self.init(names)
    self.values = values
  }

  private func index(_ name: String) -> Int {
    guard let index = names.firstIndex(of: name) else { preconditionFailure("there is no sum \(name) among \(names)") }
    return index
  }

  public subscript(name: String) -> Double {
    get { values[index(name)] }
    set { values[index(name)] = newValue }
  }

  /// Adds to a sum that is over some examples only: its mean is over these.
  public mutating func add(_ sum: Double, to name: String, over examples: Int) {
    let index = index(name)
    values[index] += sum
    counts[index, default: 0] += Double(examples)
  }

  /// As numbers of one width, for an exchange: each sum and, where it is over some examples only, one more than their
  /// number, else 0.
  func write(to row: UnsafeMutableBufferPointer<Double>) {
    for index in values.indices {
      (row[2 * index], row[2 * index + 1]) = (values[index], counts[index].map { $0 + 1 } ?? 0)
    }
  }

  /// What `write` wrote.
  init(_ names: [String], row: UnsafeBufferPointer<Double>) {
    self.init(names)
    for index in names.indices {
      values[index] = row[2 * index]
      if row[2 * index + 1] > 0 { counts[index] = row[2 * index + 1] - 1 }
    }
  }

  /// Begins again, in the same memory.
  mutating func clear() {
    for index in values.indices { (values[index], counts[index]) = (0, nil) }
  }

  /// Whether a sum is over all examples in every part.
  static func isOverAll(_ name: String, in parts: [Sums]) -> Bool {
    parts.allSatisfy { part in part.names.firstIndex(of: name).map { part.counts[$0] == nil } ?? false }
  }

  /// Means over examples of parts that are added in the fixed tree. A sum over no examples has none.
  static func means(of parts: [Sums], examples: Int) -> [String: Double] {
    guard let first = parts.first else { return [:] }
    var means: [String: Double] = [:]
    for (index, name) in first.names.enumerated() {
      let counts = parts.compactMap { $0.counts[index] }
      let count = counts.isEmpty ? Double(examples) : counts.reduce(0, +)
      if count > 0 { means[name] = TreeSum.of(parts.map { $0.values[index] }) / count }
    }
    return means
  }
}

extension [Double?] {
  fileprivate subscript(_ index: Int, default value: Double) -> Double {
    get { self[index] ?? value }
    set { self[index] = newValue }
  }
}
