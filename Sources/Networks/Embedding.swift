import Tensors

/// A vector for each of some tokens, learned: x [n, 1] of token numbers → [n, width].
///
/// The table `name.weight` [tokens, width] starts uniform in ±`bound`. Its derivative is added row by row in the order of
/// x, which is the same for any number of lanes.
public struct Embedding: Layer {
  public let weight: Slot
  private let bound: Float

  /// Adds the slot to a layout.
  public init(name: String, tokens: Int, width: Int, bound: Float = 0.1, layout: inout Layout) {
    precondition(tokens <= 1 << 24, "numbers of tokens are exact in float32")
    weight = layout.add("\(name).weight", [tokens, width])
    self.bound = bound
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.uniform(bound).fill(weight, of: parameters, seed: seed, fanIn: 1, fanOut: weight.shape[1])
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    pass.parameters[weight].gatheringRows((0..<x.count).map { UInt32(x.pointer[$0]) })
  }
}
