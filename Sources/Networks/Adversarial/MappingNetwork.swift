import Computations
import Tensors

/// What a network makes of noise and of a class: rows z [n, noise], the one-hot class behind them → [n, width].
///
/// Noise and an embedding of the class are normalized, each by itself, then joined and taken through dense layers (Karras et
/// al. 2020, "Training generative adversarial networks with limited data", appendix C). Either may be left out.
package struct MappingNetwork: CompoundLayer {
  /// How large a mapping network is.
  package struct Size: Sendable {
    /// Of the noise; 0: there is none.
    let noise: Int
    /// Of the class; 0: there is none.
    let classes: Int
    /// Of the embedding of the class, and of each layer.
    let width: Int
    /// 0: what is joined is the result.
    let layers: Int
    /// What the layers' learning rate is multiplied with.
    let rate: Float

    package init(noise: Int, classes: Int, width: Int, layers: Int, rate: Float = 1) {
      (self.noise, self.classes, self.width, self.layers, self.rate) = (noise, classes, width, layers, rate)
    }

    /// What the layers are given.
    var joined: Int { noise + (classes > 0 ? width : 0) }
    /// Numbers of a row of the result.
    var outputs: Int { layers > 0 ? width : joined }
  }

  private let size: Size
  private let embedding: EqualizedDense?
  private let dense: [EqualizedDense]

  package init(name: String, _ size: Size, layout: inout Layout) {
    self.size = size
    embedding =
      size.classes > 0
      ? EqualizedDense(name: "\(name).class", in: size.classes, out: size.width, layout: &layout) : nil
    let root = Float(2).squareRoot()
    dense = (0..<size.layers).map { index in
      EqualizedDense(
        name: "\(name).\(index)", in: index == 0 ? size.joined : size.width, out: size.width, gain: root,
        biasGain: root, rate: size.rate, isRectified: true, layout: &layout)
    }
  }

  var layers: [any Layer] { (embedding.map { [$0] } ?? []) + dense }

  package func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    dense.reduce(joined(x, pass)) { $1($0, pass) }
  }

  private func joined(_ x: Tensor, _ pass: Pass) -> Tensor {
    let normal = PixelNormalization()
    guard let embedding else { return normal(x, pass) }
    let kind = normal(embedding(x.columns(size.noise..<x.columns), pass), pass)
    return size.noise == 0 ? kind : normal(x.columns(0..<size.noise), pass).joiningColumns(kind)
  }
}

/// What a discriminator says of its last features: rows [n, features], the one-hot class behind them → [n, outputs].
///
/// Without classes it is a dense layer. With classes it is how far the features, taken through that layer, agree with what the
/// class is mapped to: their inner product over the root of their number (Miyato and Koyama 2018, "cGANs with projection
/// discriminator"; Karras et al. 2020).
package struct DiscriminatorOutput: CompoundLayer {
  private let features: Int
  private let dense: EqualizedDense
  private let mapping: MappingNetwork?

  /// - Parameters:
  ///   - outputs: without classes; with classes there is one.
  ///   - classes: the size of what maps a class.
  package init(
    name: String, in features: Int, outputs: Int, classes: MappingNetwork.Size?, layout: inout Layout
  ) {
    self.features = features
    dense = EqualizedDense(
      name: "\(name).output", in: features, out: classes?.outputs ?? outputs, layout: &layout)
    mapping = classes.map { MappingNetwork(name: "\(name).mapping", $0, layout: &layout) }
  }

  var layers: [any Layer] { [dense] + (mapping.map { [$0] } ?? []) }

  package func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    guard let mapping else { return dense(x, pass) }
    let seen = dense(x.columns(0..<features), pass)
    let product = (seen * mapping(x.columns(features..<x.columns), pass)).sumOfRows()
    return (product * (1 / Float(seen.columns).squareRoot())).reshaped(to: [x.rows, 1])
  }
}

// MARK: For other programs

extension MappingNetwork: SteppedLayer {
  package func steps(_ x: Value, in block: inout Block) -> Value {
    let normal = PixelNormalization()
    var joined = size.noise > 0 ? normal.steps(block.slice(x, axis: 1, 0..<size.noise), in: &block) : x
    if let embedding {
      let classes = block.slice(x, axis: 1, size.noise..<size.noise + size.classes)
      let kind = normal.steps(embedding.steps(classes, in: &block), in: &block)
      joined = size.noise > 0 ? block.join(joined, kind) : kind
    }
    return dense.reduce(joined) { $1.steps($0, in: &block) }
  }
}

extension DiscriminatorOutput: SteppedLayer {
  package func steps(_ x: Value, in block: inout Block) -> Value {
    guard let mapping else { return dense.steps(x, in: &block) }
    let seen = dense.steps(block.slice(x, axis: 1, 0..<features), in: &block)
    let kind = mapping.steps(block.slice(x, axis: 1, features..<x.shape[1]), in: &block)
    let product = block.sum(block.multiply(seen, .value(kind)), over: [1])
    return block.multiply(product, .number(1 / Float(seen.shape[1]).squareRoot()))
  }
}
