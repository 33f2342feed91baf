import Foundation
import Metrics
import ReferenceSupport
import Testing

@Suite("Metrics against scikit-learn and scipy") struct MetricsTests {
  static let golden = Golden("metrics")

  @Test func classificationMetrics() {
    let golden = Self.golden["classification"]
    let probabilities = ClassProbabilities(golden["probabilities"].doubles, classes: 4)
    let labels = golden["labels"].doubles.map { Int($0) }
    #expect(relativeDifference(probabilities.accuracy(labels), golden["accuracy"].double) < 1e-12)
    #expect(relativeDifference(probabilities.negativeLogLikelihood(labels), golden["nll"].double) < 1e-12)
    #expect(relativeDifference(probabilities.brierScore(labels), golden["brier"].double) < 1e-12)
    let reliability = Reliability(probabilities, labels: labels)
    #expect(relativeDifference(reliability.expectedError, golden["ece"].double) < 1e-10)
    #expect(reliability.bins.reduce(0) { $0 + $1.count } == labels.count)
  }

  @Test func rankingMetricsWithTies() {
    let golden = Self.golden["classification"]
    let ranking = Ranking(positives: golden["positives"].doubles, negatives: golden["negatives"].doubles)
    #expect(relativeDifference(ranking.areaUnderROC, golden["auroc"].double) < 1e-12)
    #expect(relativeDifference(ranking.averagePrecision, golden["aupr"].double) < 1e-12)
    #expect(relativeDifference(ranking.falsePositiveRate(), golden["fpr95"].double) < 1e-12)
  }

  @Test func mixturePredictions() {
    let golden = Self.golden["regression"]
    let mixture = GaussianMixturePrediction(
      means: golden["means"].doubles, variances: golden["variances"].doubles)
    let y = golden["y"].doubles
    #expect(relativeDifference(y.map(mixture.logDensity), golden["density"].doubles) < 1e-12)
    #expect(relativeDifference(y.map(mixture.distribution), golden["ranks"].doubles) < 1e-12)
    #expect(relativeDifference(mixture.aleatoricVariance, golden["aleatoric"].double) < 1e-12)
    #expect(relativeDifference(mixture.epistemicVariance, golden["epistemic"].double) < 1e-12)
    for p in [0.025, 0.25, 0.5, 0.975] {
      #expect(abs(mixture.distribution(at: mixture.quantile(p)) - p) < 1e-12)
    }
  }

  @Test func likelihoodOfTheMeanIsAboveTheMeanOfLikelihoods() {
    // Jensen: a metric that averaged log densities would give the smaller number.
    let mixture = GaussianMixturePrediction(means: [-1, 0.5, 2], variances: [0.2, 0.4, 1])
    let y = 0.7
    let parts = zip(mixture.means, mixture.variances).map {
      GaussianMixturePrediction(means: [$0], variances: [$1]).logDensity(at: y)
    }
    #expect(mixture.logDensity(at: y) > parts.reduce(0, +) / 3 + 0.1)
  }

  @Test func entropySplitsIntoItsParts() {
    // Two samples that are sure of different classes: all uncertainty is the parameters'.
    let sure = ClassificationSummary(samples: [1, 0, 0, 1], classes: 2)
    #expect(abs(sure.entropy - log(2)) < 1e-12)
    #expect(sure.expectedEntropy == 0)
    #expect(abs(sure.mutualInformation - log(2)) < 1e-12)
    // Two equal samples: none of it is.
    let equal = ClassificationSummary(samples: [0.3, 0.7, 0.3, 0.7], classes: 2)
    #expect(equal.mutualInformation < 1e-12)
    #expect(abs(equal.expectedEntropy - equal.entropy) < 1e-12)
    #expect(equal.meanError == [0, 0])
  }

  @Test func standardErrorsAreThoseOfRepeatedPredictions() {
    // The spread of many predictions of T samples, against the error that one of them claims.
    var generator = SplitMix64(seed: 4)
    let samples = 400
    func prediction() -> ClassificationSummary {
      ClassificationSummary(
        samples: (0..<samples).flatMap { _ in
          let logit =
            1.5 * (Double.random(in: -1...1, using: &generator) + Double.random(in: -1...1, using: &generator))
          let p = 1 / (1 + exp(-logit - 0.4))
          return [p, 1 - p]
        }, classes: 2)
    }
    let many = (0..<400).map { _ in prediction() }
    let claims: [(String, (ClassificationSummary) -> (Double, Double))] = [
      ("mean", { ($0.mean[0], $0.meanError[0]) }), ("entropy", { ($0.entropy, $0.entropyError) }),
      ("expected entropy", { ($0.expectedEntropy, $0.expectedEntropyError) }),
      ("mutual information", { ($0.mutualInformation, $0.mutualInformationError) }),
    ]
    for (name, claim) in claims {
      let spread = sampleVariance(many.map { claim($0).0 }).squareRoot()
      let claimed = many.map { claim($0).1 }.reduce(0, +) / Double(many.count)
      #expect(abs(spread / claimed - 1) < 0.15, "\(name): \(spread) against \(claimed)")
    }
  }

  @Test func coverageOfExactPredictions() {
    let ranks = (0..<1000).map { (Double($0) + 0.5) / 1000 }
    for level in [0.5, 0.8, 0.95] { #expect(abs(Regression.coverage(ranks: ranks, level: level) - level) < 2e-3) }
  }

  @Test func selectionKeepsTheSurest() {
    let accuracies = SelectivePrediction.accuracies(
      correct: [true, false, true, true], uncertainty: [0.1, 0.9, 0.2, 0.3], coverages: [0.25, 0.75, 1])
    #expect(accuracies == [1, 1, 0.75])
  }
}
