import Tensors

/// DropConnect: weights, not units, are set to zero at random, and the others scaled up so that their mean stays (Wan,
/// Zeiler, Zhang, LeCun and Fergus 2013). Kept on at prediction, a mask is a sample of an approximate posterior
/// (Mobiny, Nguyen, Moulik, Garg and Wu 2019). Biases stay.
///
/// One mask serves all rows of a pass: it is a function of the key, the layer and the weight alone.
public struct DropConnect {
  public let weights: ParameterViews
  /// The probability of a zero, not of keeping.
  public let rate: Double
  /// Masks, counted upwards by layer.
  public let key: RandomKey

  public init(_ weights: ParameterViews, rate: Double, key: RandomKey) {
    precondition(rate >= 0 && rate < 1, "a rate lies in 0 ..< 1, not at \(rate)")
    (self.weights, self.rate, self.key) = (weights, rate, key)
  }

  func output(of layer: some LinearLayer, _ x: Tensor) -> Tensor {
    let slots = layer.slots
    let weight = weights[slots.weight]
    let uniform = Tensor.uniform(key.stream(layer.stream), rows: [0], columns: weight.count).reshaped(to: weight.shape)
    let mask = (uniform - Float(rate)).step() * Float(1 / (1 - rate))
    return layer.linear(x, weight: weight * mask, bias: slots.bias.map { weights[$0] })
  }
}
