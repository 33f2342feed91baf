/// The sizes of the default VAE and its step.
struct StepSizes {
  let batch = 100
  let pixels = 784
  let hidden = 500
  let latent = 20

  /// Inputs and outputs of each layer.
  var layers: [(inputs: Int, outputs: Int)] {
    [(pixels, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, pixels)]
  }

  /// How many examples a shard has.
  func rows(ofShard shard: Int, of shards: Int) -> Int { batch / shards + (shard < batch % shards ? 1 : 0) }
}
