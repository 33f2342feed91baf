import Foundation

/// How good predicted class probabilities are. A matrix holds a row of probabilities for each example, row by row;
/// nothing is averaged in logarithms: −log p is taken of the probability that was predicted.
public struct ClassProbabilities: Sendable {
  public let values: [Double]
  public let classes: Int

  /// - Parameter values: as many as some number of rows of `classes` have.
  public init(_ values: [Double], classes: Int) {
    precondition(classes > 0 && values.count % classes == 0, "rows of \(classes) probabilities")
    self.values = values
    self.classes = classes
  }

  public var count: Int { values.count / classes }

  /// Some of the rows, in their order.
  public func rows(_ rows: [Int]) -> ClassProbabilities {
    ClassProbabilities(rows.flatMap { self[$0] }, classes: classes)
  }

  public subscript(row: Int) -> ArraySlice<Double> { values[row * classes..<(row + 1) * classes] }

  /// The class with the greatest probability, the first of equals, and that probability.
  public func top(_ row: Int) -> (label: Int, confidence: Double) {
    let start = row * classes
    var best = start
    for index in start..<start + classes where values[index] > values[best] { best = index }
    return (best - start, values[best])
  }

  /// The share of examples whose likeliest class is the right one.
  public func accuracy(_ labels: [Int]) -> Double {
    mean(labels) { row, label in top(row).label == label ? 1 : 0 }
  }

  /// Mean −log p(label), in nats. A probability of 0 counts as the smallest double, so that one sure mistake does not
  /// make the mean infinite.
  public func negativeLogLikelihood(_ labels: [Int]) -> Double {
    mean(labels) { row, label in -log(max(values[row * classes + label], .leastNormalMagnitude)) }
  }

  /// Mean Σ_k (p_k − [k = label])² (Brier 1950): from 0 to 2.
  public func brierScore(_ labels: [Int]) -> Double {
    mean(labels) { row, label in
      self[row].enumerated().reduce(0) { sum, item in
        let difference = item.element - (item.offset == label ? 1 : 0)
        return sum + difference * difference
      }
    }
  }

  /// −Σ p log p of a row, in nats.
  public func entropy(_ row: Int) -> Double { Metrics.entropy(self[row]) }

  private func mean(_ labels: [Int], _ value: (Int, Int) -> Double) -> Double {
    precondition(labels.count == count, "\(labels.count) labels for \(count) rows")
    var sum = 0.0
    for (row, label) in labels.enumerated() { sum += value(row, label) }
    return sum / Double(max(count, 1))
  }
}

/// −Σ p log p, in nats; 0 log 0 is 0.
public func entropy(_ probabilities: some Sequence<Double>) -> Double {
  probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
}

/// Confidence against accuracy, in bins of equal width over the confidence (Guo et al. 2017, section 2).
public struct Reliability: Sendable {
  public struct Bin: Sendable, Equatable {
    public var count = 0
    /// Sums over the bin's examples.
    public var confidence = 0.0
    public var correct = 0.0

    public var meanConfidence: Double { count > 0 ? confidence / Double(count) : .nan }
    public var accuracy: Double { count > 0 ? correct / Double(count) : .nan }
  }

  public private(set) var bins: [Bin]

  /// - Parameter bins: how many; bin b holds confidences in (b / bins, (b + 1) / bins], as Guo et al. and
  ///   torchmetrics do.
  public init(_ probabilities: ClassProbabilities, labels: [Int], bins: Int = 15) {
    precondition(labels.count == probabilities.count)
    self.init(
      labels.enumerated().lazy.map { row, label in
        let (guess, confidence) = probabilities.top(row)
        return (confidence, guess == label)
      }, bins: bins)
  }

  /// - Parameter guesses: the probability of the likeliest class, and whether it is the right one.
  init(_ guesses: some Sequence<(confidence: Double, isCorrect: Bool)>, bins: Int = 15) {
    precondition(bins > 0)
    self.bins = Array(repeating: Bin(), count: bins)
    for (confidence, isCorrect) in guesses {
      let place = Int((confidence * Double(bins)).rounded(.up)) - 1
      let bin = min(max(place, 0), bins - 1)
      self.bins[bin].count += 1
      self.bins[bin].confidence += confidence
      self.bins[bin].correct += isCorrect ? 1 : 0
    }
  }

  /// The reliability of other examples with as many bins, added bin by bin.
  public static func += (left: inout Reliability, right: Reliability) {
    precondition(left.bins.count == right.bins.count)
    for (index, bin) in right.bins.enumerated() {
      left.bins[index].count += bin.count
      left.bins[index].confidence += bin.confidence
      left.bins[index].correct += bin.correct
    }
  }

  private var total: Int { bins.reduce(0) { $0 + $1.count } }

  /// The expected calibration error: the mean gap between accuracy and confidence, bins weighted by their examples.
  public var expectedError: Double {
    bins.reduce(0) { $0 + abs($1.correct - $1.confidence) } / Double(max(total, 1))
  }

  /// The greatest gap of a bin that has examples.
  public var maximumError: Double {
    bins.filter { $0.count > 0 }.map { abs($0.accuracy - $0.meanConfidence) }.max() ?? 0
  }
}
