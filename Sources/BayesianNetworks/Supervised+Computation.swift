import Computations
import Datasets
import Learners
import Networks
import Recipes
import Training

/// Networks that are alike, whose predictions a computation summarizes.
struct NetworkSamples {
  /// What the networks' tensors are called: `name.number.…`; nil: there is one network, whose tensors have their own names.
  let name: String?
  let count: Int
  /// What the names of the first network's slots begin with.
  let prefix: String

  static let one = NetworkSamples(name: nil, count: 1, prefix: "")

  static func draws(_ count: Int) -> NetworkSamples { NetworkSamples(name: "draws", count: count, prefix: "") }
  static func members(_ count: Int) -> NetworkSamples {
    count == 1 ? .one : NetworkSamples(name: "members", count: count, prefix: "members.0.")
  }
}

extension Supervised {
  /// From examples as the data has them to what `elbo predict` says of them, in the units of the data.
  /// - Parameter constants: the networks' tensors.
  func computation(
    of network: LayerStack, _ likelihood: any Likelihood, _ samples: NetworkSamples,
    constants: [Computation.Constant]
  ) throws -> Computation {
    var block = Block()
    let port = supervision.inputs.port(in: &block)
    let rows = supervision.inputs.steps(port, in: &block)
    func body(_ block: inout Block, _ x: Value) throws(RecipeError) -> Value {
      let outputs = block.channelsLast(try network.steps(x, in: &block))
      return try likelihood.predictionSteps(outputs, supervision, in: &block)
    }
    let predictions =
      if let name = samples.name {
        try block.repeated(rows, name: name, count: samples.count, stripping: samples.prefix, body)
      } else {
        block.unsqueeze(try body(&block, rows))
      }
    return Computation(
      name: "model", summary: summary(samples), inputs: [port],
      outputs: isClassifier ? classes(predictions, samples, in: &block) : values(predictions, samples, in: &block),
      block: block,
      constants: constants + supervision.inputs.constants + supervision.targetConstants)
  }

  private func summary(_ samples: NetworkSamples) -> String {
    let inputs = supervision.inputs
    let kind = inputs.train.kind == .uint8 ? "bytes" : "numbers in the units of the data"
    let what =
      isClassifier
      ? "probabilities of \(supervision.width) classes" : "mean and variance of \(supervision.width) numbers"
    let who =
      switch samples.name {
      case nil: "one network"
      case "members": "\(samples.count) networks"
      default: "\(samples.count) draws of the weights"
      }
    return "x [n, \(inputs.train.shape.map(String.init).joined(separator: ", "))], \(kind) -> \(what), by \(who)."
  }

  /// - Parameter predictions: probabilities, [T, n, classes].
  private func classes(
    _ predictions: Value, _ samples: NetworkSamples, in block: inout Block
  ) -> [Computation.Port] {
    let mean = block.mean(predictions, over: [0])
    var ports = [
      Computation.Port("mean", block.squeeze(mean)),
      Computation.Port("entropy", block.entropy(of: block.squeeze(mean))),
    ]
    guard samples.name != nil else { return ports }
    let expected = block.squeeze(block.mean(block.entropy(of: predictions), over: [0]))
    let information = block.apply(.relu, to: block.subtract(ports[1].value, .value(expected)))
    ports.append(.init("std", block.apply(.squareRoot, to: variance(predictions, mean, samples, in: &block))))
    ports.append(.init("expected_entropy", expected))
    ports.append(.init("mutual_information", information))
    ports.append(.init("samples", predictions))
    return ports
  }

  /// - Parameter predictions: means and then variances, [T, n, 2 · targets].
  private func values(
    _ predictions: Value, _ samples: NetworkSamples, in block: inout Block
  ) -> [Computation.Port] {
    let width = supervision.width
    let means = block.slice(predictions, axis: 2, 0..<width)
    let mean = block.mean(means, over: [0])
    let aleatoric = block.squeeze(
      block.mean(block.slice(predictions, axis: 2, width..<2 * width), over: [0]))
    let epistemic = samples.name == nil ? nil : variance(means, mean, samples, in: &block)
    let whole = epistemic.map { block.add(aleatoric, .value($0)) } ?? aleatoric
    var ports = [
      Computation.Port("mean", block.squeeze(mean)),
      Computation.Port("std", block.apply(.squareRoot, to: whole)),
      Computation.Port("aleatoric_variance", aleatoric),
    ]
    if let epistemic {
      ports.append(.init("epistemic_variance", epistemic))
      ports.append(.init("samples", means))
    }
    return ports
  }

  /// Over the networks, divided by their number less one: [T, n, …] → [n, …].
  private func variance(
    _ x: Value, _ mean: Value, _ samples: NetworkSamples, in block: inout Block
  ) -> Value {
    let distance = block.subtract(x, .value(mean))
    let sum = block.sum(block.multiply(distance, .value(distance)), over: [0])
    return block.squeeze(block.multiply(sum, .number(1 / Float(max(samples.count - 1, 1)))))
  }
}

extension Block {
  /// −Σ p log p over the last axis, in nats.
  package mutating func entropy(of probabilities: Value) -> Value {
    let logs = apply(.log, to: clamp(probabilities, to: Float.leastNormalMagnitude...1))
    let sum = self.sum(multiply(probabilities, .value(logs)), over: [probabilities.shape.count - 1])
    return reshape(multiply(sum, .number(-1)), to: Array(probabilities.shape.dropLast()))
  }
}
