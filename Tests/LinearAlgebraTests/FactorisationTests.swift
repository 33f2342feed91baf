import LinearAlgebra
import ReferenceSupport
import Testing

private let golden = Golden("factorisations")

private func matrix(_ name: String) -> Matrix {
  Matrix(golden[name].list.map(\.doubles))
}

private func random(_ rows: Int, _ columns: Int, _ generator: inout SplitMix64) -> Matrix {
  Matrix(
    rows: rows, columns: columns, elements: (0..<(rows * columns)).map { _ in .random(in: -1...1, using: &generator) })
}

@Suite struct CholeskyTests {
  @Test func equalsTheReference() throws {
    let cholesky = try Cholesky(matrix("matrix"))
    #expect(relativeDifference(cholesky.lower.elements, golden["lower"].doubles) < 1e-14)
    #expect(relativeDifference(cholesky.solve(matrix("right")).elements, golden["solution"].doubles) < 1e-11)
    #expect(relativeDifference(cholesky.inverse.elements, golden["inverse"].doubles) < 1e-11)
    #expect(relativeDifference(cholesky.logDeterminant, golden["logDeterminant"].double) < 1e-13)
    #expect(cholesky.jitter == 0)
  }

  @Test func readsOnlyTheLowerTriangle() throws {
    var upperSpoilt = matrix("matrix")
    upperSpoilt[0, 3] = 1e9
    #expect(try Cholesky(upperSpoilt) == Cholesky(matrix("matrix")))
  }

  @Test(arguments: [1, 2, 5, 16, 40])
  func solvesAndInverts(size: Int) throws {
    var generator = SplitMix64(seed: UInt64(size))
    var a = random(size, size + 2, &generator).transposed.gram
    a.addToDiagonal(0.1)
    let cholesky = try Cholesky(a)
    let b = random(size, 1, &generator).elements
    #expect(relativeDifference(cholesky.matrix.elements, a.elements) < 1e-13)
    #expect(relativeDifference(a * cholesky.solve(b), b) < 1e-11)
    #expect(relativeDifference(cholesky.lower * cholesky.solveLower(b), b) < 1e-11)
    #expect(relativeDifference(cholesky.lower.transposedProduct(cholesky.solveTransposed(b)), b) < 1e-11)
    #expect(
      relativeDifference((cholesky.lowerInverse * cholesky.lower).elements, Matrix.identity(size).elements) < 1e-11)
    #expect(abs(cholesky.quadraticForm(b) - dot(b, cholesky.inverse * b)) < 1e-10)
  }

  @Test func namesThePivotOfAnIndefiniteMatrix() {
    let indefinite = Matrix([[2, 0, 0], [0, 1, 2], [0, 2, 1]])
    #expect {
      try Cholesky(indefinite)
    } throws: { error in
      let error = error as? LinearAlgebraError
      return error?.code == .notPositiveDefinite && error?.pivot == 2
    }
  }

  @Test func jitterIsRelativeGrowsAndIsReported() throws {
    // Rank one, so that the second pivot is zero; in any unit.
    for unit in [1e-8, 1.0, 1e8] {
      let singular = unit * Matrix([[1, 1], [1, 1]])
      #expect(throws: LinearAlgebraError.self) { try Cholesky(singular) }
      let cholesky = try Cholesky(singular, jitter: .rounding)
      #expect(cholesky.jitter > 0 && cholesky.jitter <= 1e-6 * unit)
    }
    #expect(throws: LinearAlgebraError.self) { try Cholesky(Matrix([[1, 2], [2, 1]]), jitter: .rounding) }
    #expect(throws: LinearAlgebraError.self) { try Cholesky(Matrix(rows: 2, columns: 2), jitter: .rounding) }
  }

  @Test(arguments: [Double.nan, .infinity])
  func refusesWhatIsNotFinite(value: Double) {
    #expect {
      try Cholesky(Matrix([[1, 0], [value, 1]]), jitter: .rounding)
    } throws: { ($0 as? LinearAlgebraError)?.code == .notFinite && ($0 as? LinearAlgebraError)?.pivot == 1 }
  }

  @Test func emptyMatrixHasAnEmptyFactor() throws {
    let empty = try Cholesky(Matrix(rows: 0, columns: 0))
    #expect(empty.logDeterminant == 0 && empty.inverse.elements.isEmpty && empty.solve([Double]()).isEmpty)
  }
}

@Suite struct DecompositionTests {
  @Test func eigenvaluesEqualTheReference() throws {
    let eigen = try SymmetricEigen(matrix("matrix"))
    #expect(relativeDifference(eigen.values, golden["eigenvalues"].doubles) < 1e-14)
    #expect(relativeDifference(eigen.matrix { $0 }.elements, matrix("matrix").elements) < 1e-13)
    #expect(relativeDifference(eigen.matrix { 1 / $0 }.elements, golden["inverse"].doubles) < 1e-11)
  }

  @Test func vectorsAreOrthonormalWithTheSignConvention() throws {
    var generator = SplitMix64(seed: 3)
    let eigen = try SymmetricEigen(random(9, 12, &generator).transposed.gram)
    let products = Matrix.product(eigen.vectors, eigen.vectors, transposed: .right)
    #expect(relativeDifference(products.elements, Matrix.identity(9).elements) < 1e-13)
    for i in 0..<9 {
      let row = eigen.vectors.row(i)
      #expect(row.max()! == row.map(abs).max()!)
    }
  }

  @Test func singularValuesEqualTheReference() throws {
    for transposed in [false, true] {
      let a = transposed ? matrix("rectangular").transposed : matrix("rectangular")
      let svd = try SingularValues(a)
      #expect(relativeDifference(svd.values, golden["singularValues"].doubles) < 1e-14)
      let rebuilt = svd.left * (Matrix(diagonal: svd.values) * svd.rightTransposed)
      #expect(relativeDifference(rebuilt.elements, a.elements) < 1e-13)
    }
  }

  @Test func degenerateShapes() throws {
    #expect(try SymmetricEigen(Matrix(rows: 0, columns: 0)).values.isEmpty)
    #expect(try SymmetricEigen(Matrix([[-2.5]])).values == [-2.5])
    #expect(try SingularValues(Matrix(rows: 3, columns: 2)).values == [0, 0])
    #expect(try SingularValues(Matrix(rows: 0, columns: 2)).values.isEmpty)
    #expect(throws: LinearAlgebraError.self) { try SymmetricEigen(Matrix([[.nan]])) }
    #expect(throws: LinearAlgebraError.self) { try SingularValues(Matrix([[.infinity, 1]])) }
  }
}

@Suite struct ProductTests {
  @Test func equalTheReference() {
    #expect(relativeDifference((matrix("matrix") * matrix("right")).elements, golden["product"].doubles) < 1e-14)
    #expect(relativeDifference(matrix("rectangular").gram.elements, golden["gram"].doubles) < 1e-14)
  }

  @Test func transposedFactors() {
    var generator = SplitMix64(seed: 5)
    let (a, b) = (random(4, 6, &generator), random(6, 3, &generator))
    let expected = (a * b).elements
    #expect(relativeDifference(Matrix.product(a.transposed, b, transposed: .left).elements, expected) < 1e-15)
    #expect(relativeDifference(Matrix.product(a, b.transposed, transposed: .right).elements, expected) < 1e-15)
    let x = random(6, 1, &generator).elements
    #expect(relativeDifference(a * x, a.transposed.transposedProduct(x)) < 1e-15)
  }

  @Test func emptyInnerDimensionGivesZeros() {
    #expect((Matrix(rows: 2, columns: 0) * Matrix(rows: 0, columns: 3)) == Matrix(rows: 2, columns: 3))
    #expect(Matrix(rows: 0, columns: 2).gram == Matrix(rows: 2, columns: 2))
  }

  @Test func outerProductAndQuadraticForm() {
    var a = Matrix(rows: 2, columns: 2)
    a.addOuterProduct([1, -2], factor: 3)
    #expect(a == Matrix([[3, -6], [-6, 12]]))
    #expect(a.quadraticForm([1, 1]) == 3)
    #expect(a.trace == 15)
  }
}
