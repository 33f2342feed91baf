import CKernels
import Tensors
import Training

/// The elementwise work of a training step of a VAE, kernel by kernel: what a step does beside its matrix products and
/// its update.
struct StepKernels {
  struct Kernel {
    let name: String
    /// Does a shard's part of a step.
    let body: @Sendable (Shard) -> Void
  }

  /// A shard's numbers, and room for what is made of them.
  struct Shard: @unchecked Sendable {
    let rows: Int
    let indices: [UInt32]
    let x: UnsafeMutablePointer<Float>
    let y: UnsafeMutablePointer<Float>
    let z: UnsafeMutablePointer<Float>
    let column: UnsafeMutablePointer<Float>
    /// What the pointers point into.
    let buffer: FlatBuffer

    init(rows: Int, index: Int, width: Int) {
      self.rows = rows
      indices = (0..<rows).map { UInt32(($0 * 577 + index * 7919) % 60000) }
      var layout = Layout()
      let slots = ["x", "y", "z"].map { layout.add($0, [rows, width]) } + [layout.add("column", [rows])]
      buffer = FlatBuffer("shard", layout)
      let base = buffer.float32.baseAddress!
      for index in buffer.float32.indices { base[index] = Float(index % 11) / 11 }
      (x, y, z) = (base + slots[0].offset, base + slots[1].offset, base + slots[2].offset)
      column = base + slots[3].offset
    }
  }

  let kernels: [Kernel]
  private let shards: [Shard]

  /// - Parameter images: the training images, which live as long as this.
  init(_ sizes: StepSizes, images: UnsafeBufferPointer<UInt8>, shards count: Int) {
    shards = (0..<count).map { Shard(rows: sizes.rows(ofShard: $0, of: count), index: $0, width: sizes.pixels) }
    nonisolated(unsafe) let images = images.baseAddress!
    let (pixels, hidden, latent, layers) = (sizes.pixels, sizes.hidden, sizes.latent, sizes.layers.map(\.outputs))
    kernels = [
      Kernel(name: "images to floats") { shard in
        elbo_gather_bytes(images, shard.indices, shard.rows, pixels, 1 / 255, 0, shard.x)
      },
      Kernel(name: "noise") { shard in
        elbo_philox_normal_rows(1, 2, shard.indices, 3, shard.rows, latent, shard.z)
      },
      Kernel(name: "log-likelihood and its derivative") { shard in
        elbo_bernoulli_ll_rows(shard.y, shard.x, shard.column, shard.z, shard.rows, pixels)
      },
      Kernel(name: "derivatives of relu") { shard in
        for _ in 0..<2 { elbo_relu_grad(shard.x, shard.y, shard.z, shard.rows * hidden) }
      },
      Kernel(name: "gradients of biases") { shard in
        for outputs in layers { elbo_sum_cols(shard.y, shard.z, shard.rows, outputs) }
      },
    ]
  }

  /// Runs a kernel for all shards, each on one lane.
  func run(_ kernel: Kernel, with crew: Crew) throws {
    try crew.forEach(shards.count) { [shards] index, _ in kernel.body(shards[index]) }
  }
}
