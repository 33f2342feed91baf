import ArgumentParser
import Autoencoders
import Datasets
import Foundation
import Recipes
import Tensors
import Training

/// Shows where the time of a training step of the default VAE goes: its matrix products alone beside the step.
///
/// Everything runs in one process and in turns, some steps, then as often their products, then each kernel: so what
/// else the machine does falls on all alike.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "elbo-bench", abstract: "Where the time of the default VAE's training step goes.")

  @Option(help: "Threads that compute, and shards of a step.")
  var lanes = 1

  @Option(help: "The data: a name or a folder.")
  var data = "fashion-mnist"

  @Option(help: "How often to take turns.")
  var turns = 30

  @Option(help: "Steps in a turn.")
  var steps = 50

  func validate() throws {
    guard lanes >= 1, turns >= 1, steps >= 1 else { throw ValidationError("numbers are at least 1") }
  }

  func run() throws {
    let sizes = StepSizes()
    let recipe = try Recipe(yaml: String(decoding: VAE.recipe, as: UTF8.self), source: "vae")
    let dataset = try DataSource.open(DataRequest(source: data))
    guard dataset.train.inputs.kind == .uint8, dataset.train.inputs.elementsPerExample == sizes.pixels else {
      throw ValidationError("\(data) has no images of \(sizes.pixels) bytes")
    }
    let crew = Crew(lanes: lanes)
    var training = try TimedTraining(recipe, data: dataset, shards: lanes, crew: crew)
    let products = StepProducts(sizes, shards: lanes)

    try dataset.train.inputs.withUnsafeBufferPointer(as: UInt8.self) { images in
      let kernels = StepKernels(sizes, images: images, shards: lanes)
      var report = Report(kernels: kernels.kernels.map(\.name), operations: products.operations)
      for turn in -2..<turns {
        let step = try training.run(steps: steps)
        let product = try milliseconds { try products.run(with: crew) }
        let kernel = try kernels.kernels.map { kernel in
          try milliseconds { try kernels.run(kernel, with: crew) }
        }
        // The first turns warm up.
        if turn >= 0 { report.add(step: step.total, update: step.update, products: product, kernels: kernel) }
      }
      print(report.text(lanes: lanes))
    }
  }

  /// Milliseconds that a thing takes, done as often as there are steps in a turn.
  private func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    for _ in 0..<steps { try body() }
    return (ContinuousClock.now - start) / .milliseconds(1) / Double(steps)
  }
}

/// The default VAE's training, without reports.
private struct TimedTraining {
  private let learner: any Learner
  private let exchange: LocalExchange
  private let crew: Crew
  private var cursor: Order.Cursor
  private var number = 0

  init(_ recipe: Recipe, data: Dataset, shards: Int, crew: Crew) throws {
    learner = try VAE.learner(recipe, data: data, seed: 0)
    exchange = LocalExchange(learner, shards: shards)
    self.crew = crew
    cursor = Order.Cursor(Order(learner.order, exampleCount: learner.exampleCount, seed: 0), total: .max)
  }

  /// Does steps; returns the milliseconds of one, and those of its update alone.
  mutating func run(steps: Int) throws -> (total: Double, update: Double) {
    let start = ContinuousClock.now
    var update = Duration.zero
    for _ in 0..<steps {
      let step = cursor.step(number)
      try learner.prepare(phase: 0, of: step, with: crew)
      let total = try exchange.sum(of: 0, in: step, crew: crew)
      let middle = ContinuousClock.now
      _ = try learner.absorb(total, phase: 0, of: step, with: crew)
      update += ContinuousClock.now - middle
      number += 1
    }
    let whole = ContinuousClock.now - start
    return (whole / .milliseconds(1) / Double(steps), update / .milliseconds(1) / Double(steps))
  }
}
