import Tensors

/// Local reparameterization: the activations of a layer with independent Gaussian weights are Gaussian themselves, and
/// it is the activations that are drawn (Kingma, Salimans and Welling 2015, equation 6). Each example has noise of its
/// own, so the examples of a batch are not correlated by it.
///
/// a = x μᵀ + √(x² (σ²)ᵀ) ε for x [n, in], ε standard normal.
///
/// A convolution uses each weight at every pixel. The noise here is independent from pixel to pixel, so marginals are
/// those of the posterior and the covariance between pixels is lost (its variance of a mean over P pixels is up to P
/// times too small). Predictions therefore use draws of the weights.
public struct LocalReparameterization {
  /// μ of the network's slots.
  public let means: ParameterViews
  /// σ² of the network's slots.
  public let variances: ParameterViews
  /// Noise, counted upwards by layer.
  public let key: RandomKey

  public init(means: ParameterViews, variances: ParameterViews, key: RandomKey) {
    (self.means, self.variances, self.key) = (means, variances, key)
  }

  func output(of layer: some LinearLayer, _ x: Tensor, examples: [UInt32]) -> Tensor {
    let mean = layer.linear(x, means)
    var variance = layer.linear(x.squared(), variances)
    // A fast convolution may round a small variance to below 0.
    if variance.shape.rank > 2 { variance = variance.relu() }
    let noise = Tensor.normal(key.stream(layer.stream), rows: examples, columns: mean.count / max(mean.shape[0], 1))
    // The root of a variance that underflowed has no derivative.
    return mean + (variance + 1e-30).squareRoot() * noise.reshaped(to: mean.shape)
  }
}
