import COneDNN
import Tensors
import Training

/// The matrix products of a training step of a VAE with one hidden layer on each side, and nothing else: those of the
/// layers' outputs, of their weights' gradients and, but for the first, of their inputs' gradients.
///
/// Each shard has activations and gradients of its own, as in a training; the weights are everybody's.
final class StepProducts: @unchecked Sendable {
  /// A product and where its numbers lie.
  /// Its pointers lead into `buffers`; shards write to places of their own.
  private struct Call: @unchecked Sendable {
    let product: elbo_product
    let a: UnsafePointer<Float>
    let b: UnsafePointer<Float>
    let bias: UnsafePointer<Float>?
    let c: UnsafeMutablePointer<Float>
  }

  /// Floating-point operations of a step.
  let operations: Double
  private let calls: [[Call]]
  /// What the calls point into.
  private let buffers: [FlatBuffer]

  init(_ sizes: StepSizes, shards: Int) {
    var weights = Layout()
    let parameters = sizes.layers.enumerated().map { index, layer in
      (
        weight: weights.add("\(index).weight", [layer.outputs, layer.inputs]),
        bias: weights.add("\(index).bias", [layer.outputs])
      )
    }
    let shared = FlatBuffer("weights", weights)
    for index in shared.float32.indices { shared.float32[index] = Float(index % 17 - 8) / 100 }
    var buffers = [shared]
    var calls: [[Call]] = []
    var operations = 0.0

    for shard in 0..<shards {
      let rows = sizes.rows(ofShard: shard, of: shards)
      var layout = Layout()
      let slots = sizes.layers.enumerated().map { index, layer in
        (
          input: layout.add("\(index).input", [rows, layer.inputs]),
          output: layout.add("\(index).output", [rows, layer.outputs]),
          inputGradient: layout.add("\(index).input.gradient", [rows, layer.inputs])
        )
      }
      let own = FlatBuffer("activations", layout)
      let gradient = FlatBuffer("gradient", weights)
      for index in own.float32.indices { own.float32[index] = Float(index % 13 - 6) / 10 }
      buffers += [own, gradient]

      func pointer(_ slot: Slot, _ buffer: FlatBuffer) -> UnsafeMutablePointer<Float> {
        buffer.float32.baseAddress! + slot.offset
      }
      func product(
        _ m: Int, _ n: Int, _ k: Int, transposeA: Bool = false, transposeB: Bool = false, relu: Bool = false
      ) -> elbo_product {
        operations += 2 * Double(m) * Double(n) * Double(k)
        return elbo_product(
          m: m, n: n, k: k, transpose_a: transposeA, transpose_b: transposeB, accumulate: false,
          activation: relu ? ELBO_ACTIVATION_RELU : ELBO_ACTIVATION_NONE)
      }
      var shardCalls: [Call] = []
      for (index, layer) in sizes.layers.enumerated() {
        shardCalls.append(
          Call(
            product: product(rows, layer.outputs, layer.inputs, transposeB: true, relu: index % 2 == 0),
            a: pointer(slots[index].input, own), b: pointer(parameters[index].weight, shared),
            bias: pointer(parameters[index].bias, shared), c: pointer(slots[index].output, own)))
      }
      for (index, layer) in sizes.layers.enumerated().reversed() {
        shardCalls.append(
          Call(
            product: product(layer.outputs, layer.inputs, rows, transposeA: true),
            a: pointer(slots[index].output, own), b: pointer(slots[index].input, own), bias: nil,
            c: pointer(parameters[index].weight, gradient)))
        if index == 0 { continue }
        shardCalls.append(
          Call(
            product: product(rows, layer.inputs, layer.outputs),
            a: pointer(slots[index].output, own), b: pointer(parameters[index].weight, shared), bias: nil,
            c: pointer(slots[index].inputGradient, own)))
      }
      calls.append(shardCalls)
    }
    self.buffers = buffers
    self.calls = calls
    self.operations = operations
  }

  /// Computes all of them once, each shard's on one lane.
  func run(with crew: Crew) throws {
    try crew.forEach(calls.count) { [calls] shard, _ in
      for call in calls[shard] {
        var product = call.product
        let status = elbo_multiply(&product, call.a, call.b, call.bias, call.c)
        precondition(status == 0, "oneDNN status \(status)")
      }
    }
  }
}
