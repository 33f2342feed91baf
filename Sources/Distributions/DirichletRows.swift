import LinearAlgebra
import Tensors

/// Dirichlet distributions by their concentrations α, one in each row: [n, c] → [n].
public enum DirichletRows {
  /// KL(Dir(α) ‖ Dir(1)), per row, in nats: how far from knowing nothing (Sensoy et al. 2018, equation 5).
  ///
  ///     ln Γ(S) − ln Γ(c) − Σ ln Γ(αₖ) + Σ (αₖ − 1) (ψ(αₖ) − ψ(S)),  S = Σ αₖ
  public static func divergenceFromUniform(_ concentrations: Tensor) -> Tensor {
    DivergenceFromUniform()(concentrations)
  }

  /// One draw of each row, [n, c].
  /// - Parameters:
  ///   - key: of the noise.
  ///   - examples: the numbers of the rows, which key their noise.
  public static func sample(_ concentrations: Tensor, key: RandomKey, examples: [UInt32]) -> Tensor {
    precondition(examples.count == concentrations.rows, "\(examples.count) examples for \(concentrations.shape)")
    let result = Tensor(uninitialized: concentrations.shape)
    let columns = concentrations.columns
    // A draw takes a few words for each number; how many is not known before.
    let stride = UInt64(64 * columns)
    for (row, example) in examples.enumerated() {
      var stream = RandomStream(key, first: UInt64(example) * stride % (RandomKey.streamLength - stride))
      let first = row * columns
      let drawn = stream.dirichlet((first..<first + columns).map { Double(concentrations.pointer[$0]) })
      for (column, value) in drawn.enumerated() { result.pointer[first + column] = Float(value) }
    }
    return result
  }
}

private struct DivergenceFromUniform: Primitive {
  func callAsFunction(_ concentrations: Tensor) -> Tensor {
    let y = Tensor(uninitialized: concentrations.shape.withoutColumns)
    let columns = concentrations.columns
    for row in 0..<concentrations.rows {
      let alpha = (0..<columns).map { Double(concentrations.pointer[row * columns + $0]) }
      let total = alpha.reduce(0, +)
      let digammaOfTotal = digamma(total)
      let sum = alpha.reduce(logGamma(total) - logGamma(Double(columns))) {
        $0 - logGamma($1) + ($1 - 1) * (digamma($1) - digammaOfTotal)
      }
      y.pointer[row] = Float(sum)
    }
    return recording(self, Inputs(concentrations), y)
  }

  /// (αₖ − 1) ψ′(αₖ) − (S − c) ψ′(S).
  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (x, columns) = (inputs[0], inputs[0].columns)
    guard !sink.isRecorded else {
      let total = x.sumOfRows()
      let common = (total - Float(columns)) * Polygamma(order: 1)(total)
      let slopes = ((x - 1) * Polygamma(order: 1)(x)).addingColumn(-common)
      return sink.add(slopes.multiplyingColumn(dy), to: 0)
    }
    let dx = Tensor(uninitialized: x.shape)
    for row in 0..<x.rows {
      let alpha = (0..<columns).map { Double(x.pointer[row * columns + $0]) }
      let total = alpha.reduce(0, +)
      let common = (total - Double(columns)) * trigamma(total)
      for (column, a) in alpha.enumerated() {
        dx.pointer[row * columns + column] = Float(Double(dy.pointer[row]) * ((a - 1) * trigamma(a) - common))
      }
    }
    sink.add(dx, to: 0)
  }
}

/// The derivative of ψ of an order above 0, of each number.
private struct Polygamma: Primitive {
  let order: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    for index in 0..<x.count { y.pointer[index] = Float(polygamma(order, Double(x.pointer[index]))) }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(dy * Polygamma(order: order + 1)(inputs[0]), to: 0)
  }
}
