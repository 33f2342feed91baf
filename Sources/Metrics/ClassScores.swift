/// How well one class is distinguished from the others.
public struct ClassScore: Sendable, Equatable {
  /// How many examples have the class, are given it, and both.
  public let examples: Int
  public let predicted: Int
  public let hits: Int
  /// The chance that an example of the class has a larger probability of it than another; nil where all examples have the
  /// class, or none has.
  public let areaUnderROC: Double?
  public let averagePrecision: Double?

  /// The share of the examples given the class that have it; zero when none is given it.
  public var precision: Double { predicted > 0 ? Double(hits) / Double(predicted) : 0 }
  /// The share of the examples of the class that are given it; nil when there are none.
  public var recall: Double? { examples > 0 ? Double(hits) / Double(examples) : nil }
  /// The harmonic mean of precision and recall; nil when there are no examples of the class.
  public var f1: Double? { examples > 0 ? 2 * Double(hits) / Double(examples + predicted) : nil }
}

extension ClassProbabilities {
  /// How many examples of each class, in rows, are given each class, in columns.
  public func confusion(_ labels: [Int]) -> [[Int]] {
    var table = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    for (row, label) in labels.enumerated() { table[label][top(row).label] += 1 }
    return table
  }

  /// Each class against all others.
  public func scores(_ labels: [Int]) -> [ClassScore] {
    let table = confusion(labels)
    return (0..<classes).map { k in
      var (positives, negatives) = ([Double](), [Double]())
      for (row, label) in labels.enumerated() {
        let probability = values[row * classes + k]
        if label == k { positives.append(probability) } else { negatives.append(probability) }
      }
      let isDefined = !positives.isEmpty && !negatives.isEmpty
      let ranking = Ranking(positives: positives, negatives: negatives)
      return ClassScore(
        examples: positives.count, predicted: table.reduce(0) { $0 + $1[k] }, hits: table[k][k],
        areaUnderROC: isDefined ? ranking.areaUnderROC : nil,
        averagePrecision: isDefined ? ranking.averagePrecision : nil)
    }
  }

  /// Beside accuracy: what the most frequent class alone would reach (`cls/Majority`); recall averaged over classes
  /// (`cls/BalancedAcc`) and F1 (`cls/F1`); the area under the ROC curve and the average precision (`cls/AUROC`,
  /// `cls/AUPR`), of the second of two classes, averaged over more. What is not defined is left out.
  ///
  /// - Parameter names: of the classes; with them, the scores of each class are added.
  public func summary(_ labels: [Int], names: [String] = []) -> [String: Double] {
    guard !labels.isEmpty else { return [:] }
    let scores = scores(labels)
    let ranked = classes == 2 ? [scores[1]] : scores
    var result = ["cls/Majority": Double(scores.map(\.examples).max()!) / Double(labels.count)]
    for (name, values) in [
      ("cls/BalancedAcc", scores.compactMap(\.recall)), ("cls/F1", scores.compactMap(\.f1)),
      ("cls/AUROC", ranked.compactMap(\.areaUnderROC)), ("cls/AUPR", ranked.compactMap(\.averagePrecision)),
    ] where !values.isEmpty {
      result[name] = values.reduce(0, +) / Double(values.count)
    }
    guard names.count == classes, classes <= ClassMetric.mostClasses else { return result }
    for (name, score) in zip(names, scores) {
      result[ClassMetric.support.name(of: name)] = Double(score.examples)
      result[ClassMetric.precision.name(of: name)] = score.precision
      result[ClassMetric.recall.name(of: name)] = score.recall
      result[ClassMetric.f1.name(of: name)] = score.f1
    }
    for (truth, row) in zip(names, confusion(labels)) {
      for (guess, count) in zip(names, row) where count > 0 {
        result[ClassMetric.confusion(truth, given: guess)] = Double(count)
      }
    }
    return result
  }
}

/// A score of one class, named by the class: `cls/Recall/setosa`.
public enum ClassMetric: String, CaseIterable, Sendable {
  case precision = "Precision"
  case recall = "Recall"
  case f1 = "F1"
  /// How many examples have the class.
  case support = "Support"

  /// The most classes that get scores of their own.
  public static let mostClasses = 256

  private static let confusion = "Confusion"

  public func name(of label: String) -> String { "cls/\(rawValue)/\(label)" }

  /// How many examples of one class are given another, or the same; a number that is missing is zero.
  public static func confusion(_ truth: String, given guess: String) -> String { "cls/\(confusion)/\(truth)/\(guess)" }

  /// Whether a metric, with its part before it as in `test/cls/Recall/setosa`, speaks of one class.
  public static func isOne(_ metric: String) -> Bool {
    let words = metric.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    return words.count == 4 && words[1] == "cls"
      && (words[2] == confusion || ClassMetric(rawValue: String(words[2])) != nil)
  }
}
