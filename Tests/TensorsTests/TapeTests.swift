import GradientChecks
import Tensors
import Testing

@Suite("The tape")
struct TapeTests {
  @Test func aProductsDerivativeIsAProduct() {
    let tape = Tape()
    let a = tape.variable(Tensor([1, 2, 3, 4, 5, 6], [2, 3]))
    let b = tape.variable(Tensor([1, 0, 2, 1, 0, 3], [3, 2]))
    let gradients = tape.gradient(of: a.product(with: b).sum(), withRespectTo: [a, b])
    #expect(gradients[0].values == [1, 3, 3, 1, 3, 3])
    #expect(gradients[1].values == [5, 5, 7, 7, 9, 9])
  }

  @Test func derivativesOfAllUsesAreAdded() {
    let tape = Tape()
    let gradient = Tensor(repeating: .nan, [2])
    let x = tape.variable(Tensor([2, -3], [2]), gradient: gradient)
    tape.backward(from: (x * x + x * 4 - x).sum())  // 2x + 3
    #expect(gradient.values == [7, -3])
  }

  /// A derivative is final when the use of its variable that was recorded first has been walked back over, and is
  /// reported then, with its last value, once.
  @Test func tellsWhichDerivativesAreFinal() {
    let tape = Tape()
    let gradients = (0..<4).map { _ in Tensor(repeating: .nan, [2]) }
    let variables = gradients.map { tape.variable(Tensor([2, -3], [2]), gradient: $0) }
    // Used early and late; late only; early only; not at all.
    let early = variables[0] * variables[2]
    let result = (early * variables[1] + variables[0]).sum()
    var told: [(Int, [Float])] = []
    tape.backward(from: result) { gradient in
      told.append((gradients.firstIndex { $0.pointer == gradient.pointer }!, gradient.values))
    }
    #expect(told.map(\.0) == [1, 0, 2])
    #expect(told.map(\.1) == [[4, 9], [5, 10], [4, 9]])
    #expect(gradients.map(\.values) == [[5, 10], [4, 9], [4, 9], [0, 0]])
  }

  /// A product writes into the gradient itself; at its second use it must add.
  @Test func aLayerThatIsUsedTwiceAddsIntoItsGradient() {
    let tape = Tape()
    let gradients = (weight: Tensor(repeating: .nan, [1, 2]), bias: Tensor(repeating: .nan, [1]))
    let weight = tape.variable(Tensor([2, 3], [1, 2]), gradient: gradients.weight)
    let bias = tape.variable(Tensor([1], [1]), gradient: gradients.bias)
    let first = Tensor([1, 2], [1, 2]).linear(weight: weight, bias: bias)
    let second = Tensor([10, 20, 30, 40], [2, 2]).linear(weight: weight, bias: bias)
    tape.backward(from: first.sum() + second.sum())
    #expect(gradients.weight.values == [41, 62])
    #expect(gradients.bias.values == [3])
  }

  @Test func aRowThatIsAddedTwiceAddsIntoItsGradient() {
    let tape = Tape()
    let gradient = Tensor(repeating: .nan, [2])
    let row = tape.variable(Tensor([2, 3], [2]), gradient: gradient)
    tape.backward(from: Tensor.zeros([3, 2]).addingRow(row).sum() + Tensor.zeros([1, 2]).addingRow(row).sum())
    #expect(gradient.values == [4, 4])
  }

  /// The two ways to leave a derivative, whole and written in place, in either order.
  @Test(arguments: [true, false])
  func writtenAndAddedDerivativesMeet(writtenFirst: Bool) {
    let tape = Tape()
    let gradient = Tensor(repeating: .nan, [2, 2])
    let x = tape.variable(Tensor([1, 2, 3, 4], [2, 2]), gradient: gradient)
    let ones = Tensor(repeating: 1, [2, 2])
    // The walk goes backwards: what is recorded last arrives first.
    let (a, b) =
      writtenFirst ? ((x * 5).sum(), ones.product(with: x).sum()) : (ones.product(with: x).sum(), (x * 5).sum())
    tape.backward(from: a + b)
    #expect(gradient.values == [7, 7, 7, 7])
  }

  /// The same, for a result that is no variable.
  @Test(arguments: [true, false])
  func writtenAndAddedDerivativesOfAResultMeet(writtenFirst: Bool) {
    let tape = Tape()
    let x = tape.variable(Tensor([1, 2, 3, 4], [2, 2]))
    let y = x * 3
    let ones = Tensor(repeating: 1, [2, 2])
    let (a, b) =
      writtenFirst ? ((y * 5).sum(), ones.product(with: y).sum()) : (ones.product(with: y).sum(), (y * 5).sum())
    #expect(tape.gradient(of: a + b, withRespectTo: [x])[0].values == [21, 21, 21, 21])
  }

  @Test func theGradientOfAnUnusedVariableIsZero() {
    let tape = Tape()
    let gradients = [Tensor(repeating: .nan, [3]), Tensor(repeating: .nan, [2])]
    let x = tape.variable(Tensor([1, 2, 3], [3]), gradient: gradients[0])
    _ = tape.variable(Tensor([1, 2], [2]), gradient: gradients[1])
    let aside = x * 2  // used, but not by the result
    _ = aside
    tape.backward(from: x.sum())
    #expect(gradients[0].values == [1, 1, 1])
    #expect(gradients[1].values == [0, 0])
  }

  @Test func aSecondBackwardOverwrites() {
    let tape = Tape()
    let gradients = [Tensor(repeating: .nan, [1]), Tensor(repeating: .nan, [1])]
    let x = tape.variable(Tensor([2], [1]), gradient: gradients[0])
    let y = tape.variable(Tensor([5], [1]), gradient: gradients[1])
    tape.backward(from: (x * y).sum())
    #expect(gradients.map(\.value) == [5, 2])
    tape.backward(from: (x * 7).sum())
    #expect(gradients.map(\.value) == [7, 0])
  }

  @Test func theSeedScales() {
    let tape = Tape()
    let gradient = Tensor.zeros([2])
    let x = tape.variable(Tensor([1, 2], [2]), gradient: gradient)
    tape.backward(from: x.squared().sum(), seed: -0.5)
    #expect(gradient.values == [-1, -2])
  }

  @Test func aResultOfManyNumbersStandsForTheirSum() {
    let tape = Tape()
    let x = tape.variable(Tensor([1, 2], [2]))
    #expect(tape.gradient(of: x.squared(), withRespectTo: [x])[0].values == [2, 4])
    #expect(tape.gradient(of: x, withRespectTo: [x])[0].values == [1, 1])
  }

  @Test func derivativesEndAtADetachedTensor() {
    let tape = Tape()
    let x = tape.variable(Tensor([3], [1]))
    let y = x.squared()
    #expect(!y.detached.isRecorded)
    #expect(y.detached.values == [9])
    #expect(tape.gradient(of: (x * y.detached).sum(), withRespectTo: [x])[0].values == [9])
    #expect(!(y.detached * 2).isRecorded)
  }

  @Test(arguments: [true, false])
  func aSourceMayBeTheResultOfAnOperation(recorded: Bool) {
    let tape = Tape()
    let x = tape.variable(Tensor([3], [1]))
    let y = x.squared()
    let z = (y * y * x).sum()  // x⁵
    let derivatives = tape.gradient(of: z, withRespectTo: [y, x, y], recorded: recorded)
    #expect(derivatives.map(\.value) == [54, 405, 54])
    #expect(derivatives.allSatisfy { $0.isRecorded == recorded })
    #expect(tape.gradient(of: z, withRespectTo: [y], recorded: recorded)[0].value == 54)
  }

  @Test func whatTheResultDoesNotDependOnHasTheDerivativeZero() {
    let tape = Tape()
    let x = tape.variable(Tensor([3], [1]))
    let y = (x * 2).sum()
    let late = tape.variable(Tensor([1, 2], [2]))
    let unrecorded = Tensor([1, 2, 3], [3])
    let derivatives = tape.gradient(of: y, withRespectTo: [late, x, unrecorded])
    #expect(derivatives.map(\.values) == [[0, 0], [2], [0, 0, 0]])
    #expect(tape.gradient(of: y, withRespectTo: [late])[0].values == [0, 0])
    #expect(tape.gradient(of: y, withRespectTo: []).isEmpty)
  }

  @Test func aGradientIsNotRecordedUnlessAskedFor() {
    let tape = Tape()
    let x = tape.variable(Tensor([3], [1]))
    let y = x.squared().squared()
    #expect(!tape.gradient(of: y, withRespectTo: [x])[0].isRecorded)
    var derivative = y
    var values: [Float] = []
    for _ in 0..<4 {
      derivative = tape.gradient(of: derivative, withRespectTo: [x], recorded: true)[0]
      values.append(derivative.value)
    }
    #expect(values == [108, 108, 72, 24])
  }

  /// A loss with a gradient in it, as a gradient penalty has: d/dw of (∂(w x²)/∂x)² = 8 w x².
  @Test func backwardGoesThroughAGradient() {
    let tape = Tape()
    let gradient = Tensor.zeros([1])
    let w = tape.variable(Tensor([3], [1]), gradient: gradient)
    let x = tape.variable(Tensor([2], [1]))
    let slope = tape.gradient(of: (w * x.squared()).sum(), withRespectTo: [x], recorded: true)[0]
    #expect(slope.value == 12)
    tape.backward(from: slope.squared().sum())
    #expect(gradient.values == [96])
  }

  @Test func aResetTapeGivesTheSameBitsAgain() {
    let tape = Tape()
    let values = (0..<600).map { Float($0 % 37) / 37 - 0.5 }
    var seen: Set<[Float]> = []
    for _ in 0..<5 {
      let gradient = Tensor(repeating: .nan, [20, 30])
      let w = tape.variable(Tensor(values, [20, 30]), gradient: gradient)
      let y = Tensor(values, [20, 30]).linear(weight: w, bias: .zeros([20]), activation: .tanh)
      tape.backward(from: y.softmax().squared().sum())
      seen.insert(gradient.values)
      tape.reset()
    }
    #expect(seen.count == 1)
  }

  /// What a programmer may get wrong stops at once: the alternative is a derivative that is silently wrong.
  @Test func misuseStops() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      let tape = Tape()
      let x = tape.variable(Tensor(1))
      tape.reset()
      _ = x * 2
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Tape().variable(Tensor(1)) * Tape().variable(Tensor(2))
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      let tape = Tape()
      let y = tape.variable(Tensor(1)).exp()
      tape.backward(from: y)
      tape.backward(from: y * y)
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      let tape = Tape()
      let y = tape.variable(Tensor(1)).exp()
      tape.backward(from: y)
      tape.backward(from: y)
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      Tape().backward(from: Tensor(1))
    }
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      let tape = Tape()
      _ = tape.gradient(of: tape.variable(Tensor(1)).exp(), withRespectTo: [Tape().variable(Tensor(1))])
    }
  }
}
