import Tensors
import Testing

/// Images seen through affine maps; values and derivatives are PyTorch's by `OperationTests`.
@Suite struct WarpingTests {
  private let maps = [
    AffineMap.turned(0.7).then(AffineMap(xx: 1.3, yy: 0.8)), AffineMap(x: 40.25, y: -17.5), .turned(-2),
    AffineMap(xx: -1, xy: 0.3, yx: 0.2, yy: 0.5, x: -3, y: 1.25),
  ]

  /// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩.
  @Test func theTransposeIsTheDerivative() {
    let shape = Shape([4, 7, 6, 3])
    let x = Tensor.normal(RandomKey(seed: 1), rows: [0], columns: shape.count).reshaped(to: shape)
    let y = Tensor.normal(RandomKey(seed: 2), rows: [0], columns: shape.count).reshaped(to: shape)
    let tape = Tape()
    let variable = tape.variable(x)
    let product = (variable.warped(maps) * y).sum()
    let transposed = tape.gradient(of: product, withRespectTo: [variable])[0]
    let other = (x * transposed).sum().value
    #expect(abs(product.value - other) < 1e-3 * max(abs(other), 1))
  }

  private let image = Tensor((0..<16).map(Float.init), [1, 4, 4, 1])

  @Test func whatMovesWholePixelsIsExact() {
    #expect(image.warped([.identity]).values == image.values)
    let mirrored = image.warped([AffineMap(xx: -1)])
    #expect(mirrored.values == [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12])
    let turned = image.warped([AffineMap(xx: 0, xy: -1, yx: 1, yy: 0)])
    #expect(Set(turned.values) == Set(image.values))
    #expect(turned.values[0] == 3 && turned.values[3] == 15)
  }

  @Test func beyondItsEdgesAnImageIsMirrored() {
    // One to the right and one down, so that the first row and column are seen twice.
    let moved = image.warped([AffineMap(x: -1, y: -1)])
    #expect(moved.values == [0, 0, 1, 2, 0, 0, 1, 2, 4, 4, 5, 6, 8, 8, 9, 10])
    // Two whole images further is the same again.
    #expect(image.warped([AffineMap(x: 8, y: -16)]).values == image.values)
  }

  @Test func mapsAreMadeOneAfterTheOther() {
    let (first, second) = (AffineMap.turned(0.3), AffineMap(xx: 1.2, yy: 0.9, x: 0.5, y: -0.25))
    let both = image.warped([first]).warped([second])
    let one = image.warped([first.then(second)])
    // Interpolated twice or once: alike in the middle, where the image is linear.
    #expect(abs(both.values[5] - one.values[5]) < 0.2)
  }
}
