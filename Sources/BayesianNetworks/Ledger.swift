import Files
import Learners
import Networks
import Tensors
import Training

/// `kl.json`: the parts of the complexity cost, and the scale on which it enters a step, so that no guess is needed.
extension VariationalLearner {
  private struct Ledger: Encodable {
    struct Tensor: Encodable {
      let name: String
      let weights: Int
      let kl: Double
    }
    /// `closed`, or `sampled`: from one draw of the weights.
    let estimate: String
    let prior: String
    /// Σ over the tensors, in nats.
    let kl: Double
    let tensors: [Tensor]
    /// N: what the KL is divided by, since a step is scaled to one example.
    let examples: Int
    let batch: Int
    let steps_per_epoch: Int
    let weighting: String
    let kl_weight: Double
    /// What KL is multiplied with beside the mean −log p of an example, by the step of the epoch: first and last.
    let cost_first_step: Double
    let cost_last_step: Double
  }

  func documents(with crew: Crew) throws -> [RunDocument] {
    let tensors = posterior.divergences(
      of: parameters, closed: isClosed, key: RandomKey(seed: 0).at(tensor: NoiseStream.weights).at(step: .max))
    guard case .shuffled(let batch) = order else { return [] }
    let steps = (exampleCount + batch - 1) / batch
    func cost(_ step: Int) -> Double {
      Double(steps) / Double(exampleCount) * complexity.weight
        * Complexity.share(complexity.weighting, step: step, of: steps)
    }
    let ledger = Ledger(
      estimate: isClosed ? "closed" : "sampled", prior: "\(posterior.prior)",
      kl: tensors.reduce(0) { $0 + $1.divergence },
      tensors: tensors.map { Ledger.Tensor(name: $0.name, weights: $0.weights, kl: $0.divergence) },
      examples: exampleCount, batch: batch, steps_per_epoch: steps, weighting: complexity.weighting.rawValue,
      kl_weight: complexity.weight, cost_first_step: cost(1), cost_last_step: cost(steps))
    return [RunDocument(name: "kl.json", contents: try JSONDocument.text(of: ledger))]
  }
}
