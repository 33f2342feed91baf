import Foundation
import Metrics
import ReferenceSupport
import Testing

/// Against ArviZ, whose numbers `scripts/reference/posteriors.py` wrote.
@Suite("Draws of posteriors, and predictions by them") struct PosteriorTests {
  static let golden = Golden("posterior")

  @Test(
    "Split R-hat and the bulk and tail sample sizes agree with ArviZ",
    arguments: ["independent", "slow", "alternating", "apart", "spread", "heavy", "ties", "one", "short"])
  func chains(_ name: String) {
    let expected = Self.golden["chains"][name]
    let chains = Chains(expected["draws"].list.map(\.doubles))
    // ArviZ asks for two chains, where halves of one will do.
    if name != "one" { #expect(relativeDifference(chains.splitRHat, expected["rhat"].double) < 1e-9) }
    #expect(relativeDifference(chains.bulkSampleSize, expected["bulk"].double) < 1e-9)
    #expect(relativeDifference(chains.tailSampleSize, expected["tail"].double) < 1e-9)
  }

  @Test func drawsThatDoNotDiffer() {
    let chains = Chains([[2, 2, 2, 2], [2, 2, 2, 2]])
    #expect(chains.splitRHat.isNaN && chains.bulkSampleSize == 8)
    #expect(Chains([[1, 2, .nan, 4], [1, 2, 3, 4]]).tailSampleSize.isNaN == false)
  }

  @Test("Pareto-smoothed weights and their shape agree with ArviZ") func smoothing() {
    let expected = Self.golden["smoothing"]
    let found = ParetoSmoothing(logRatios: expected["ratios"].doubles)
    #expect(relativeDifference(found.logWeights, expected["weights"].doubles) < 1e-9)
    #expect(abs(found.shape - expected["shape"].double) < 1e-9)
    #expect(abs(found.logWeights.reduce(0) { $0 + exp($1) } - 1) < 1e-12)
  }

  @Test("LOO, WAIC and the Pareto shapes agree with ArviZ", arguments: [0, 1, 2]) func accuracy(_ index: Int) {
    let expected = Self.golden["accuracy"].list[index]
    let found = PredictiveAccuracy(expected["log_likelihood"].list.map(\.doubles))
    func numbers(_ estimate: PredictiveAccuracy.Estimate) -> [Double] {
      [estimate.logDensity, estimate.standardError, estimate.parameters]
    }
    #expect(relativeDifference(numbers(found.leaveOneOut), expected["loo"].doubles) < 1e-8)
    #expect(relativeDifference(numbers(found.widelyApplicable), expected["waic"].doubles) < 1e-8)
    #expect(relativeDifference(found.shapes, expected["shapes"].doubles) < 1e-8)
  }
}
