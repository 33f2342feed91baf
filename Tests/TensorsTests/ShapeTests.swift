import GradientChecks
import Tensors
import Testing

@Suite("Shapes")
struct ShapeTests {
  @Test func rowsAndColumns() {
    #expect((Shape.scalar.rank, Shape.scalar.count, Shape.scalar.rows, Shape.scalar.columns) == (0, 1, 1, 1))
    let shape: Shape = [2, 3, 4]
    #expect((shape.rank, shape.count, shape.rows, shape.columns) == (3, 24, 6, 4))
    #expect(shape.dimensions == [2, 3, 4])
    #expect((Shape(5).rows, Shape(5).columns) == (1, 5))
    #expect((Shape(0, 3).rows, Shape(0, 3).count) == (0, 0))
    #expect("\(shape)" == "[2, 3, 4]")
    #expect(Shape([2, 3]) == [2, 3] && Shape([2, 3]) != [3, 2] && Shape([6]) != [6, 1])
  }

  /// Nothing is broadcast that was not asked for by name.
  private static let misfits: [(name: String, operation: @Sendable () -> Tensor)] = [
    ("a row to a matrix", { Tensor.zeros([3, 4]) + .zeros([4]) }),
    ("a column to a matrix", { Tensor.zeros([3, 4]) * .zeros([3, 1]) }),
    ("a number of rank 1", { Tensor.zeros([4]) - .zeros([1]) }),
    ("a scalar to a vector", { Tensor.zeros([4]) / Tensor(1) }),
    ("another rank of the same count", { .maximum(.zeros([1, 4]), .zeros([4])) }),
    ("a row of another length", { Tensor.zeros([3, 4]).addingRow(.zeros([3])) }),
    ("a row of one number", { Tensor.zeros([3, 4]).multiplyingRow(.zeros([1])) }),
    ("a column that is a matrix", { Tensor.zeros([3, 4]).multiplyingColumn(.zeros([3, 1])) }),
    ("a column as long as a row", { Tensor.zeros([3, 4]).addingColumn(.zeros([4])) }),
    ("a vector as a scalar", { Tensor.zeros([1]).repeated(to: [3]) }),
    ("inner extents", { Tensor.zeros([3, 4]).product(with: .zeros([3, 4])) }),
    ("a product of vectors", { Tensor.zeros([4]).product(with: .zeros([4])) }),
    ("a bias of one number", { Tensor.zeros([3, 4]).linear(weight: .zeros([5, 4]), bias: .zeros([1])) }),
    (
      "a weight laid out as inputs × outputs",
      { Tensor.zeros([3, 4]).linear(weight: .zeros([4, 5]), bias: .zeros([4])) }
    ),
    ("a batch of vectors to a layer", { Tensor.zeros([2, 3, 4]).linear(weight: .zeros([5, 4]), bias: .zeros([5])) }),
    ("columns of other rows", { Tensor.zeros([2, 3, 4]).joiningColumns(.zeros([3, 2, 4])) }),
    ("columns of scalars", { Tensor(1).joiningColumns(Tensor(2)) }),
    ("columns past the end", { Tensor.zeros([3, 4]).columns(2..<5) }),
    ("a column of a scalar", { Tensor(1).columns(0..<1) }),
    ("rows past the end", { Tensor.zeros([3, 4]).rows(2..<4) }),
    ("another count", { Tensor.zeros([3, 4]).reshaped(to: [13]) }),
    ("the transpose of a cube", { Tensor.zeros([2, 3, 4]).transposed() }),
    ("a comparison", { Tensor.zeros([3]).isGreater(than: .zeros([1])) }),
    ("too few numbers", { Tensor([1, 2, 3], [2, 2]) }),
    ("a negative extent", { Tensor.zeros([-1]) }),
    ("seven dimensions", { Tensor.zeros([1, 1, 1, 1, 1, 1, 1]) }),
    ("a gradient of another shape", { Tape().variable(.zeros([2, 2]), gradient: .zeros([4])) }),
  ]

  @Test(arguments: misfits.indices)
  func misfitsStop(_ index: Int) async {
    await #expect(processExitsWith: .failure) { [index = index as Int] in
      dieQuietly()
      _ = ShapeTests.misfits[index].operation()
    }
  }

  @Test func theValueOfATensorOfManyStops() async {
    await #expect(processExitsWith: .failure) {
      dieQuietly()
      _ = Tensor.zeros([2]).value
    }
  }
}

@Suite("Degenerate shapes")
struct DegenerateShapeTests {
  static let shapes: [Shape] = [
    [], [1], [0], [0, 3], [3, 0], [0, 0], [1, 1], [1, 5], [5, 1], [2, 0, 3], [2, 1, 3], [17],
  ]

  /// The function's result has the shape, and so have its derivatives; nothing is NaN that was a number.
  private func expect(
    _ shape: Shape, of f: ([Tensor]) -> Tensor, at inputs: [Shape], _ place: SourceLocation = #_sourceLocation
  ) {
    let tape = Tape()
    let x = inputs.map { tape.variable(Tensor(repeating: 0.5, $0)) }
    let y = f(x)
    #expect(y.shape == shape, sourceLocation: place)
    #expect(y.values.allSatisfy { $0.isFinite }, sourceLocation: place)
    for recorded in [false, true] {
      let derivatives = tape.gradient(of: y, withRespectTo: x, recorded: recorded)
      #expect(derivatives.map(\.shape) == inputs, sourceLocation: place)
      #expect(derivatives.allSatisfy { $0.values.allSatisfy { $0.isFinite } }, sourceLocation: place)
    }
  }

  @Test("Elementwise functions keep degenerate shapes and stay finite", arguments: shapes)
  func elementwise(_ shape: Shape) {
    let functions: [(Tensor) -> Tensor] = [
      { $0.exp() }, { $0.log() }, { $0.tanh() }, { $0.sigmoid() }, { $0.softplus() }, { $0.relu() }, { $0.erf() },
      { $0.squareRoot() }, { $0.reciprocal() }, { $0.leakyReLU(slope: 0.1) }, { $0.clamped(to: 0...1) }, { $0 * 2 + 1 },
      { -$0 }, { $0 * $0 }, { $0 / $0 }, { .maximum($0, $0) },
    ]
    for function in functions { expect(shape, of: { function($0[0]) }, at: [shape]) }
  }

  @Test(
    "Operations on rows and columns of degenerate shapes have the expected shapes and stay finite",
    arguments: shapes)
  func rowwise(_ shape: Shape) {
    let column = Shape(shape.dimensions.dropLast())
    let row: Shape = [shape.columns]
    expect(.scalar, of: { $0[0].sum() }, at: [shape])
    expect(column, of: { $0[0].sumOfRows() }, at: [shape])
    expect(row, of: { $0[0].sumOfColumns() }, at: [shape])
    expect(shape, of: { $0[0].repeated(to: shape) }, at: [.scalar])
    expect(shape, of: { $0[0].repeatedDown(to: shape) }, at: [row])
    expect(shape, of: { $0[0].repeatedAlong(to: shape) }, at: [column])
    expect(shape, of: { $0[0].addingRow($0[1]) }, at: [shape, row])
    expect(shape, of: { $0[0].multiplyingRow($0[1]) }, at: [shape, row])
    expect(shape, of: { $0[0].addingColumn($0[1]) }, at: [shape, column])
    expect(shape, of: { $0[0].multiplyingColumn($0[1]) }, at: [shape, column])
    expect(shape, of: { $0[0].softmax() }, at: [shape])
    expect(shape, of: { $0[0].logSoftmax() }, at: [shape])
    if shape.columns > 0 { expect(column, of: { $0[0].logSumExpOfRows() }, at: [shape]) }
    expect([shape.count], of: { $0[0].reshaped(to: [shape.count]) }, at: [shape])
    if shape.rank > 0 {
      let doubled = Shape(shape.dimensions.dropLast() + [2 * shape.columns])
      expect(doubled, of: { $0[0].joiningColumns($0[1]) }, at: [shape, shape])
      expect(shape, of: { $0[0].columns(0..<shape.columns) }, at: [shape])
      expect(Shape(shape.dimensions.dropLast() + [0]), of: { $0[0].columns(0..<0) }, at: [shape])
      expect(Shape([0] + shape.dimensions.dropFirst()), of: { $0[0].rows(0..<0) }, at: [shape])
      expect(Shape([3 * shape[0]] + shape.dimensions.dropFirst()), of: { $0[0].repeatingRows(3) }, at: [shape])
      expect(Shape([0] + shape.dimensions.dropFirst()), of: { $0[0].repeatingRows(0) }, at: [shape])
    }
  }

  @Test func sumsOfNothingAreZero() {
    #expect(Tensor.zeros([0, 3]).sumOfColumns().values == [0, 0, 0])
    #expect(Tensor.zeros([3, 0]).sumOfRows().values == [0, 0, 0])
    #expect(Tensor.zeros([0]).sum().value == 0)
    #expect(Tensor.zeros([2, 0]).logSumExpOfRows().values == [-.infinity, -.infinity])
  }

  @Test(
    "Matrix products with empty extents have the expected shapes and stay finite", arguments: [0, 1, 3], [0, 1, 4])
  func products(m: Int, n: Int) {
    for k in [0, 1, 2] {
      expect([m, n], of: { $0[0].product(with: $0[1]) }, at: [[m, k], [k, n]])
      expect([m, n], of: { $0[0].transposedProduct(with: $0[1]) }, at: [[k, m], [k, n]])
      expect([m, n], of: { $0[0].product(withTransposed: $0[1]) }, at: [[m, k], [n, k]])
      for activation in Activation.allCases {
        expect(
          [m, n], of: { $0[0].linear(weight: $0[1], bias: $0[2], activation: activation) }, at: [[m, k], [n, k], [n]])
      }
    }
  }

  @Test func aLayerOfNoInputsIsItsBias() {
    let bias = Tensor([-1, 2], [2])
    #expect(Tensor.zeros([2, 0]).linear(weight: .zeros([2, 0]), bias: bias).values == [-1, 2, -1, 2])
    #expect(
      Tensor.zeros([1, 0]).linear(weight: .zeros([2, 0]), bias: bias, activation: .relu).values == [0, 2])
  }

  /// No examples: the derivatives by the parameters are zeros, not what the gradient happened to hold.
  @Test func anEmptyBatchLeavesZeroGradients() {
    let tape = Tape()
    let gradients = [Tensor(repeating: .nan, [2, 3]), Tensor(repeating: .nan, [2])]
    let weight = tape.variable(Tensor(repeating: 1, [2, 3]), gradient: gradients[0])
    let bias = tape.variable(Tensor(repeating: 1, [2]), gradient: gradients[1])
    tape.backward(from: Tensor.zeros([0, 3]).linear(weight: weight, bias: bias, activation: .tanh).sum())
    #expect(gradients.allSatisfy { $0.values.allSatisfy { $0 == 0 } })
  }
}
