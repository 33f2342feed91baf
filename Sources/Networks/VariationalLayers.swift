import Tensors

/// Layers whose weights are uncertain, computed without one draw of the weights for all examples: the noise of an
/// example is its own, so that examples of a batch are not correlated by it.
extension Dense {
  /// Local reparameterisation: the activations of a layer with independent Gaussian weights are Gaussian themselves,
  /// and it is they that are drawn (Kingma, Salimans and Welling 2015, equation 6).
  ///
  /// x [n, in] → [n, out], a = x μᵀ + √(x² (σ²)ᵀ) ε.
  /// - Parameters:
  ///   - means, variances: μ and σ² of the network's slots.
  ///   - noise: standard normal, [n, out].
  public func callAsFunction(
    _ x: Tensor, means: ParameterViews, variances: ParameterViews, noise: Tensor
  ) -> Tensor {
    let mean = x.linear(weight: means[weight], bias: means[bias])
    let variance = x.squared().linear(weight: variances[weight], bias: variances[bias])
    // The root of a variance that underflowed has no derivative.
    return activation(mean + (variance + 1e-30).squareRoot() * noise)
  }

  /// Flipout: one draw's deviations from the means, with signs of each example's own on inputs and outputs
  /// (Wen, Vicol, Ba, Tran and Grosse 2018, equation 4).
  ///
  /// x [n, in] → [n, out], a = x μᵀ + ((x ∘ s) Δᵀ) ∘ r.
  /// - Parameters:
  ///   - deviations: Δ = w − μ of the network's slots, for one draw w.
  ///   - inputSigns, outputSigns: −1 or 1, [n, in] and [n, out].
  public func callAsFunction(
    _ x: Tensor, means: ParameterViews, deviations: ParameterViews, inputSigns: Tensor, outputSigns: Tensor
  ) -> Tensor {
    let mean = x.linear(weight: means[weight], bias: means[bias])
    let shift = (x * inputSigns).linear(weight: deviations[weight], bias: deviations[bias])
    return activation(mean + shift * outputSigns)
  }
}

extension MLP {
  /// Local reparameterisation in every layer; noise is keyed by example and layer.
  public func callAsFunction(
    _ x: Tensor, means: ParameterViews, variances: ParameterViews, key: RandomKey, examples: [UInt32]
  ) -> Tensor {
    var x = x
    for (index, layer) in layers.enumerated() {
      let noise = Tensor.normal(
        key.at(tensor: key.tensor + UInt32(index)), rows: examples, columns: layer.outputs)
      x = layer(x, means: means, variances: variances, noise: noise)
    }
    return x
  }

  /// Flipout in every layer; signs are keyed by example and layer.
  public func callAsFunction(
    _ x: Tensor, means: ParameterViews, deviations: ParameterViews, key: RandomKey, examples: [UInt32]
  ) -> Tensor {
    var x = x
    for (index, layer) in layers.enumerated() {
      func signs(_ purpose: Int, _ columns: Int) -> Tensor {
        Tensor.signs(key.at(tensor: key.tensor + UInt32(2 * index + purpose)), rows: examples, columns: columns)
      }
      x = layer(
        x, means: means, deviations: deviations, inputSigns: signs(0, layer.inputs),
        outputSigns: signs(1, layer.outputs))
    }
    return x
  }
}

extension Tensor {
  /// −1 or 1, each as likely.
  static func signs(_ key: RandomKey, rows: [UInt32], columns: Int) -> Tensor {
    (uniform(key, rows: rows, columns: columns) - 0.5).step() * 2 - 1
  }
}
