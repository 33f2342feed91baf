import Tensors
import Testing

@Test func aProductsDerivativeIsAProduct() {
  let tape = Tape()
  let a = tape.variable(Tensor([1, 2, 3, 4, 5, 6], [2, 3]))
  let b = tape.variable(Tensor([1, 0, 2, 1, 0, 3], [3, 2]))
  let gradients = tape.gradient(of: a.product(with: b).sum(), withRespectTo: [a, b])
  #expect(gradients[0].values == [1, 3, 3, 1, 3, 3])
  #expect(gradients[1].values == [5, 5, 7, 7, 9, 9])
}
