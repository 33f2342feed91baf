import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite struct GMMTests {
  /// The maximum-likelihood mixture of Old Faithful, as mclust and scikit-learn find it.
  @Test(.enabled(if: RealData.exists("tables/faithful.csv"), "tables/faithful.csv is not beside the repository"))
  func oldFaithfulGivesThePublishedNumbers() async throws {
    var request = DataRequest(source: RealData.folder!.appendingPathComponent("tables/faithful.csv").path)
    request.columns = ["eruptions", "waiting"]
    let learner = try learner("gmm", try DataSource.open(request), [])
    let plan = TrainingPlan(seed: 0, shards: 4, steps: 10_000, reportEvery: 10_000)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 2), observer: DeafObserver())
    let ending = try await trainer.train(until: StopRequest())
    #expect(ending.moment.converged)

    func numbers(_ name: String) -> [Double] { Array(learner.parameters.doubles(learner.parameters.layout[name]!)) }
    let (weights, means, covariances) = (numbers("weights"), numbers("means"), numbers("covariances"))
    let short = means[0] < means[2] ? 0 : 1
    let expected: [(found: [Double], published: [Double])] = [
      ([weights[short], weights[1 - short]], [0.355873, 0.644127]),
      (Array(means[short * 2..<short * 2 + 2]), [2.036388, 54.478516]),
      (Array(means[(1 - short) * 2..<(1 - short) * 2 + 2]), [4.289662, 79.968115]),
      (Array(covariances[short * 4..<short * 4 + 4]), [0.0691677, 0.4351676, 0.4351676, 33.697282]),
      (Array(covariances[(1 - short) * 4..<(1 - short) * 4 + 4]), [0.1699684, 0.9406093, 0.9406093, 36.046211]),
    ]
    for (found, published) in expected {
      // Six published decimals; seven for small covariances.
      for (one, other) in zip(found, published) { #expect(abs(one - other) < 1.1e-6, "\(one) for \(other)") }
    }
  }

  @Test func moreComponentsThanRowsIsAMistake() throws {
    #expect(throws: (any Error).self) {
      try learner("gmm", try imageData(count: 5, width: 2), ["network.components=6"])
    }
  }
}
