import Datasets
import Files
import Foundation
import Metrics
import Recipes
import Tensors
import Training

/// How class probabilities are scaled before sets are made of them.
public enum ScalingMethod: String, Sendable, CaseIterable {
  case none
  /// One number for all classes; it never changes the likeliest class.
  case temperature
  /// A weight and an offset for each class.
  case vector
}

/// How badly a label or a number fits its prediction, for conformal sets and intervals.
public enum ConformalScore: String, Codable, Sendable, CaseIterable {
  /// Of classes: 1 − p. The smallest sets on average.
  case threshold
  /// Of classes: what lies on likelier classes. Larger sets where the model is unsure.
  case adaptive
  /// Of numbers: the distance from the mean in standard deviations. Intervals of any coverage.
  case standardized
  /// Of numbers: the distance beyond the predictive quantiles (Romano, Patterson and Candès 2019, equation 6). Intervals
  /// whose coverage is that of a pair of quantiles which predictions hold: 0.5 and 0.95.
  case quantiles

  var isOfClasses: Bool { self == .threshold || self == .adaptive }
}

/// What `Run.calibrate` learned from examples that the parameters were not learned from: a scaling of class probabilities,
/// and the scores that conformal sets and intervals are made of.
public struct Calibration: Codable, Sendable, Equatable {
  /// The scores of the calibration examples.
  struct Scores: Codable, Sendable, Equatable {
    /// Which number of the target.
    var target: Int
    /// Of quantiles, whose scores differ from coverage to coverage.
    var coverage: Double?
    /// Ascending; null in JSON stands for ∞.
    var values: [Double?]
  }

  /// Of the file.
  private var format = Calibration.newestFormat
  /// The parameters that predicted; others need another calibration.
  public private(set) var parameters_sha256: String
  /// Where the examples are from.
  public let source: String
  /// How many examples chose the scaling, and how many others were scored.
  public let scaled: Int
  public let scored: Int
  /// Nil: probabilities stay as they are, or numbers are predicted.
  public let scaling: ProbabilityScaling?
  public let score: ConformalScore
  /// T, where the scaling is one number.
  public var temperature: Double? { scaling?.temperature }
  let scores: [Scores]

  private static let newestFormat = 1

  /// - Throws: `TrainingError` when the predictions are neither of classes nor of numbers with their spread, when the answers
  ///   are missing, or when there are too few examples.
  init(
    _ predictions: Predictions, _ examples: ExampleSet, source: String, scaling method: ScalingMethod?,
    score: ConformalScore?, parameters: String
  ) throws {
    (parameters_sha256, self.source) = (parameters, source)
    let count = predictions.examples
    guard count >= 2 else {
      throw TrainingError(.unsuitable, "\(source) has too few examples to calibrate with", advice: "name at least 2")
    }
    if predictions.isClassification, let labels = examples.labels?.indices, labels.count == count {
      guard score?.isOfClasses ?? true else { throw Self.unfit(score!, "numbers", [.threshold, .adaptive]) }
      let probabilities = predictions.probabilities!
      let method = method ?? .temperature
      guard method != .vector || probabilities.classes <= ProbabilityScaling.mostClassesOfVectors else {
        throw RecipeError(
          "vector scaling takes up to \(ProbabilityScaling.mostClassesOfVectors) classes, and there are \(probabilities.classes); take temperature"
        )
      }
      // What has chosen the scaling is not exchangeable with new examples, so others are scored.
      let order = RandomKey(seed: 0).permutation(count).map { Int($0) }
      let choosing = method == .none ? 0 : Calibration.choosing(of: count)
      let (chosen, others) = (order[..<choosing].sorted(), order[choosing...].sorted())
      let (part, answers) = (probabilities.rows(chosen), chosen.map { Int(labels[$0]) })
      self.scaling =
        switch method {
        case .none: nil
        case .temperature: .temperature(of: part, labels: answers)
        case .vector: .vector(of: part, labels: answers)
        }
      let score = score ?? .threshold
      self.score = score
      (scaled, scored) = (chosen.count, others.count)
      let calibrated = self.scaling?(probabilities) ?? probabilities
      let values = others.map { row in
        score.scores(calibrated[row], row: row, seed: Calibration.seed)[Int(labels[row])]
      }
      scores = [Scores(target: 0, coverage: nil, values: values.sorted())]
    } else if !predictions.isClassification, let intervals = predictions.intervals, let targets = examples.targets,
      targets.count == count, targets.elementsPerExample == intervals.width
    {
      guard method == nil else {
        throw RecipeError("scaling is \(method!): numbers have no probabilities to scale; leave it out")
      }
      guard score.map({ !$0.isOfClasses }) ?? true else {
        throw Self.unfit(score!, "classes", [.standardized, .quantiles])
      }
      (scaling, scaled, scored) = (nil, 0, count)
      self.score = score ?? .standardized
      let numbers = targets.doubles(0..<count)
      scores = (0..<intervals.width).flatMap { target -> [Scores] in
        let places = (0..<count).map { $0 * intervals.width + target }
        guard score == .quantiles else {
          let values = places.map { intervals.distance(numbers[$0], $0) }
          return [Scores(target: target, coverage: nil, values: values.sorted().map(Self.encoded))]
        }
        return ConformalIntervals.quantileCoverages.map { coverage in
          let values = places.map { intervals.excess(numbers[$0], $0, coverage) }
          return Scores(target: target, coverage: coverage, values: values.sorted().map(Self.encoded))
        }
      }
    } else {
      throw TrainingError(
        .unsuitable, "\(source) has no answers that these predictions could be compared with",
        advice: "calibrate a model of classes or of numbers, with examples whose target is known")
    }
  }

  /// How many of the examples choose a scaling: half of them. Of few it is less, down to a third, since sets at 95 % need 19
  /// scores, and a temperature does with fewer.
  static func choosing(of count: Int) -> Int { min(count / 2, max(count - 40, count / 3)) }

  private static func unfit(_ score: ConformalScore, _ what: String, _ fitting: [ConformalScore]) -> RecipeError {
    RecipeError(
      "score is \(score.rawValue), which is of \(what); it must be \(fitting.map(\.rawValue).joined(separator: " or "))"
    )
  }

  private static func encoded(_ value: Double) -> Double? { value.isFinite ? value : nil }

  /// Of the random numbers of adaptive scores while calibrating: other ones than those of predictions.
  private static let seed: UInt64 = 0x43616C6962726174

  /// Refuses what is no probability of a set or interval.
  static func check(coverage: Double) throws(RecipeError) {
    guard coverage > 0, coverage < 1 else {
      throw RecipeError("coverage is \(coverage): it must be above 0 and below 1")
    }
  }

  /// The greatest score that a set or an interval takes in.
  /// - Throws: `RecipeError` for a coverage that is none, or that predictions do not have quantiles of.
  func threshold(target: Int, coverage: Double) throws(RecipeError) -> Double {
    try Self.check(coverage: coverage)
    let known = scores.filter { $0.target == target }
    guard let found = known.first(where: { $0.coverage.map { $0 == coverage } ?? true }) else {
      let coverages = known.compactMap(\.coverage).map { "\($0)" }.joined(separator: " and ")
      throw RecipeError(
        "coverage is \(coverage), and the run was calibrated with the score quantiles, which has \(coverages); calibrate it with the score standardized"
      )
    }
    return Conformal.threshold(ofSorted: found.values.map { $0 ?? .infinity }, coverage: coverage)
  }

  /// The same scores for other parameters.
  func of(parameters: String) -> Calibration {
    var copy = self
    copy.parameters_sha256 = parameters
    return copy
  }

  // MARK: As a file

  /// - Throws: `TrainingError` when the text is not a calibration, or is of a newer format.
  init(json: [UInt8], path: String) throws {
    guard let read = try? JSONDecoder().decode(Calibration.self, from: Data(json)), read.isWhole else {
      throw TrainingError(.damagedFile, "\(path) is damaged", advice: "calibrate the run again")
    }
    guard read.format == Self.newestFormat else {
      throw TrainingError(
        .otherFormat, "\(path) is of format \(read.format); this is elbo \(Version.elbo)",
        advice: "use the elbo that wrote it, or calibrate the run again")
    }
    self = read
  }

  /// Whether its numbers are such as a calibration has.
  private var isWhole: Bool {
    let scalingFits = scaling.map { scaling in
      scaling.weights.count == scaling.offsets.count && !scaling.weights.isEmpty
        && (scaling.weights + scaling.offsets).allSatisfy(\.isFinite)
    }
    return scalingFits ?? true && !scores.isEmpty
      && scores.allSatisfy { part in
        let values = part.values.map { $0 ?? .infinity }
        return part.target >= 0 && zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }
      }
  }

  var json: [UInt8] {
    get throws {
      try JSONDocument.bytes(of: self)
    }
  }
}

extension ConformalScore {
  /// The score of each class.
  /// - Parameter row: names the random number of an adaptive score.
  func scores(_ probabilities: ArraySlice<Double>, row: Int, seed: UInt64) -> [Double] {
    guard self == .adaptive else { return Conformal.thresholdScores(probabilities) }
    var u: Float = 0
    RandomKey(seed: seed).uniform(into: &u, count: 1, first: UInt64(row))
    return Conformal.adaptiveScores(probabilities, u: Double(u))
  }
}
