import LinearAlgebra
import Networks
import Tensors

/// The form in which the curvature of a layer's weights is kept.
enum CurvatureForm: String, CaseIterable {
  /// Every element of the Gauss-Newton matrix.
  case full
  /// A Kronecker product: of the inputs' second moments and of those of the derivatives in the outputs (Martens and
  /// Grosse 2015; of a convolution, of all its windows: the expansion of Grosse and Martens 2016).
  case kronecker
  case diagonal
}

/// The curvature of a loss in the weights of one layer, which is the generalized Gauss-Newton matrix Σ Jᵀ F J over the
/// training examples, F being the Fisher information of an answer in the network's outputs.
///
/// A layer's weights are a matrix, [outputs, inputs], whose last column is the bias: so the product is exact for one
/// layer under Gaussian noise.
struct LayerCurvature: Sendable {
  let weight: Slot
  let bias: Slot?
  let form: CurvatureForm
  /// Of the weights as a matrix.
  let rows: Int
  let columns: Int
  /// The sums over examples, in double precision.
  private let sums: [Slot]

  /// Adds the slots of the sums to a layout.
  init(_ layer: any MatrixLayer, as form: CurvatureForm, sums layout: inout Layout) {
    (weight, bias) = layer.slots
    self.form = form
    rows = weight.shape[0]
    columns = weight.shape.count / rows + (bias == nil ? 0 : 1)
    switch form {
    case .full: sums = [layout.add("\(weight.name).full", [rows * columns, rows * columns])]
    case .kronecker:
      sums = [
        layout.add("\(weight.name).inputs", [columns, columns]), layout.add("\(weight.name).outputs", [rows, rows]),
        layout.add("\(weight.name).places", .scalar),
      ]
    case .diagonal: sums = [layout.add("\(weight.name).diagonal", [rows, columns])]
    }
  }

  // MARK: Sums

  /// Adds what some examples yield.
  /// - Parameters:
  ///   - inputs: what the layer multiplies, [n · places, inputs].
  ///   - derivatives: for each factor of the information, L J in the layer's outputs, [n · places, outputs].
  ///   - examples: n.
  func add(inputs x: Tensor, derivatives: [Tensor], examples: Int, to sums: FlatBuffer) {
    guard examples > 0 else { return }
    let inputs = doubles(x, appending: bias == nil ? 0 : 1)
    let gradients = derivatives.map { doubles($0, appending: 0) }
    func start(_ slot: Int) -> UnsafeMutablePointer<Double> { sums.doubles(self.sums[slot]).baseAddress! }
    switch form {
    case .full: addFull(inputs, gradients, to: start(0))
    case .kronecker:
      inputs.borrowed { BLAS.addGram(columns, inputs.rows, $0, into: BLAS.Operand(start(0), stride: columns)) }
      for gradient in gradients {
        gradient.borrowed { BLAS.addGram(rows, gradient.rows, $0, into: BLAS.Operand(start(1), stride: rows)) }
      }
      start(2)[0] += Double(inputs.rows)
    case .diagonal: addDiagonal(inputs, gradients, examples: examples, to: start(0))
    }
  }

  /// Block (i, j) of outputs is Φᵀ diag(Σₖ gₖᵢ gₖⱼ) Φ: one place an example.
  private func addFull(_ inputs: Matrix, _ gradients: [Matrix], to sum: UnsafeMutablePointer<Double>) {
    let size = rows * columns
    for i in 0..<rows {
      for j in 0...i {
        var weighted = inputs
        for example in 0..<inputs.rows {
          let factor = gradients.reduce(0) { $0 + $1[example, i] * $1[example, j] }
          for column in 0..<columns { weighted[example, column] *= factor }
        }
        inputs.borrowed { left in
          weighted.borrowed { right in
            BLAS.multiply(
              columns, columns, inputs.rows, left, right,
              into: BLAS.Operand(sum + i * columns * size + j * columns, stride: size), transposed: .left, keep: 1)
          }
        }
      }
    }
  }

  /// Σₖ (Σ over places of gₖ xᵀ)², element by element.
  private func addDiagonal(
    _ inputs: Matrix, _ gradients: [Matrix], examples: Int, to sum: UnsafeMutablePointer<Double>
  ) {
    let places = inputs.rows / examples
    let target = BLAS.Operand(sum, stride: columns)
    guard places > 1 else {
      let squares = Matrix(rows: inputs.rows, columns: columns, elements: inputs.elements.map { $0 * $0 })
      var factors = Matrix(rows: inputs.rows, columns: rows)
      for gradient in gradients {
        for k in factors.elements.indices { factors.elements[k] += gradient.elements[k] * gradient.elements[k] }
      }
      factors.borrowed { left in
        squares.borrowed {
          BLAS.multiply(rows, columns, inputs.rows, left, $0, into: target, transposed: .left, keep: 1)
        }
      }
      return
    }
    var product = Matrix(rows: rows, columns: columns)
    for example in 0..<examples {
      for gradient in gradients {
        product.elements.withUnsafeMutableBufferPointer { product in
          inputs.borrowed(from: example * places) { x in
            gradient.borrowed(from: example * places) { g in
              BLAS.multiply(
                rows, columns, places, g, x, into: BLAS.Operand(product.baseAddress!, stride: columns),
                transposed: .left)
            }
          }
          for k in product.indices { sum[k] += product[k] * product[k] }
        }
      }
    }
  }

  // MARK: Spectrum

  /// The curvature by its eigenvalues, of the sums over all examples.
  func spectrum(of sums: UnsafeBufferPointer<Double>) throws(LinearAlgebraError) -> CurvatureSpectrum {
    func matrix(_ slot: Int) -> Matrix {
      let slot = self.sums[slot]
      return Matrix(rows: slot.shape[0], columns: slot.shape[1], elements: Array(sums[slot.range]))
    }
    switch form {
    case .full: return CurvatureSpectrum(left: nil, right: try SymmetricEigen(matrix(0)))
    case .kronecker:
      let places = sums[self.sums[2].offset]
      return CurvatureSpectrum(
        left: try SymmetricEigen(matrix(1)), right: try SymmetricEigen((1 / max(places, 1)) * matrix(0)))
    case .diagonal: return CurvatureSpectrum(diagonal: matrix(0).elements)
    }
  }
}

/// A curvature in the basis in which it is diagonal: that of the weights as they are, or one of products of vectors.
struct CurvatureSpectrum: Sendable {
  let left: SymmetricEigen?
  let right: SymmetricEigen?
  /// In the basis, row by row; none is negative.
  let values: [Double]

  init(diagonal: [Double]) { (left, right, values) = (nil, nil, diagonal) }

  /// - Parameter left: nil: of one row.
  init(left: SymmetricEigen?, right: SymmetricEigen) {
    (self.left, self.right) = (left, right)
    values = (left?.values ?? [1]).flatMap { a in right.values.map { max(a, 0) * max($0, 0) } }
  }
}

/// Rows of a tensor in double precision, with so many columns of ones behind them.
private func doubles(_ x: Tensor, appending ones: Int) -> Matrix {
  let (rows, width) = (x.rows, x.columns)
  var result = Matrix(rows: rows, columns: width + ones, repeating: 1)
  for row in 0..<rows {
    for column in 0..<width { result[row, column] = Double(x.pointer[row * width + column]) }
  }
  return result
}

extension Matrix {
  /// The memory of the rows from one on, as products take it that only read.
  fileprivate func borrowed(from row: Int = 0, _ body: (BLAS.Operand) -> Void) {
    elements.withUnsafeBufferPointer {
      body(BLAS.Operand(UnsafeMutablePointer(mutating: $0.baseAddress!) + row * columns, stride: columns))
    }
  }
}
