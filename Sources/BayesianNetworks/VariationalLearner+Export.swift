import Computations
import Learners
import Networks
import Tensors
import Training

extension VariationalLearner {
  /// The network at the posterior's mean, or at the draws that a prediction of a seed takes.
  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation {
    guard request.draws == nil else {
      return try computation(
        drawing: request, network, likelihood, isNoisy: network.drawsNoise, weights: posterior.weights, with: crew)
    }
    let means = FlatBuffer("means", posterior.weights)
    posterior.means(0..<posterior.weights.count, into: means, from: parameters)
    return try computation(of: network, likelihood, .one, constants: means.constants())
  }
}

/// As many weights as an ONNX file can hold.
private let mostDrawnWeights = 2_000_000_000 / 4

extension Supervised {
  /// A network at the draws of its weights that a prediction of a seed takes, side by side.
  /// - Parameter isNoisy: whether its layers draw noise of their own.
  func computation(
    drawing request: ExportRequest, _ network: LayerStack, _ likelihood: any Likelihood, isNoisy: Bool,
    weights: Layout, with crew: Crew
  ) throws -> Computation {
    guard !isNoisy else {
      throw TrainingError(
        .unsuitable, "--draws: the network has dropout, whose masks are drawn for each example",
        advice: "leave it out: the network at the posterior's mean is exported")
    }
    let count = sampleCount(request.draws!)
    guard count <= mostDrawnWeights / max(weights.parameterCount, 1) else {
      throw TrainingError(
        .unsuitable, "--draws \(count): so many draws of \(weights.parameterCount) weights have more than 2 GB",
        advice: "take fewer")
    }
    let (storage, key) = (FlatBuffer("draw", weights), Prediction.key(seed: request.seed))
    let constants = try (0..<count).flatMap { sample in
      try draw(sample, into: storage, key: key, with: crew)
      return storage.constants(prefix: "draws.\(sample).")
    }
    return try computation(of: network, likelihood, .draws(count), constants: constants)
  }
}
