import Tensors

/// Puts the nearest of K codes in the place of each vector (van den Oord, Vinyals and Kavukcuoglu 2017, equations 1 and
/// 2). The codes are parameters that no derivative reaches; a derivative passes the quantizer as if it were not there.
public struct VectorQuantizer: Sendable {
  /// [codes, width]
  public let codes: Slot

  public init(name: String, codes count: Int, width: Int, layout: inout Layout) {
    codes = layout.add("\(name).codes", [count, width])
  }

  public var count: Int { codes.shape[0] }
  public var width: Int { codes.shape[1] }

  /// Codes uniform in ±1 / K, so that none is far from vectors around zero.
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.uniform(1 / Float(count)).fill(codes, of: parameters, seed: seed, fanIn: width, fanOut: count)
  }

  /// The nearest code of each row, the first of equals: [n, width] → n.
  public func nearest(_ z: Tensor, _ parameters: ParameterViews) -> [Int] {
    let codes = parameters[self.codes].detached
    // |z − e|² without |z|², which is the same for all codes.
    let distances = (z.detached.product(withTransposed: codes) * -2).addingRow(squares(of: parameters))
    return (0..<z.rows).map { row in
      let start = distances.pointer + row * count
      var best = 0
      for index in 1..<max(count, 1) where start[index] < start[best] { best = index }
      return best
    }
  }

  /// |e|² of each code: [codes].
  public func squares(of parameters: ParameterViews) -> Tensor {
    parameters[codes].detached.squared().sumOfRows()
  }

  /// The codes of some numbers: n → [n, width].
  public func vectors(_ indices: [Int], _ parameters: ParameterViews) -> Tensor {
    let codes = parameters[self.codes]
    let result = Tensor(uninitialized: [indices.count, width])
    for (row, index) in indices.enumerated() {
      (result.pointer + row * width).update(from: codes.pointer + index * width, count: width)
    }
    return result
  }

  /// Each row's code with the derivative of the row itself, and the codes' numbers: [n, width] → [n, width] and n.
  public func callAsFunction(_ z: Tensor, _ parameters: ParameterViews) -> (vectors: Tensor, indices: [Int]) {
    let indices = nearest(z, parameters)
    return (z + (vectors(indices, parameters) - z.detached), indices)
  }
}
