import LinearAlgebra
import Metrics
import ReferenceSupport
import Testing

private func comparison(_ golden: Golden) -> FeatureComparison {
  let width = Int(golden["width"].double)
  func matrix(_ name: String) -> Matrix {
    let values = golden[name].list.map(\.double)
    return Matrix(rows: values.count / width, columns: width, elements: values)
  }
  return FeatureComparison(real: matrix("real"), generated: matrix("generated"))
}

@Suite struct FeatureComparisonTests {
  private let cases = Golden("generative")["cases"].list

  @Test func equalsSciPyAndScikitLearn() throws {
    #expect(cases.count == 3)
    for (index, golden) in cases.enumerated() {
      let comparison = comparison(golden)
      // Half the digits are lost where eigenvalues vanish, as in the last case, in the reference too.
      let tolerance = index == 2 ? 1e-5 : 1e-9
      #expect(abs(try comparison.frechetDistance() - golden["frechet"].double) < tolerance * golden["frechet"].double)
      #expect(abs(comparison.kernelDistance() - golden["kernel"].double) < 1e-9 * max(abs(golden["kernel"].double), 1))
      let coverage = comparison.coverage()
      #expect(abs(coverage.precision - golden["precision"].double) < 1e-12)
      #expect(abs(coverage.recall - golden["recall"].double) < 1e-12)
    }
  }

  @Test func aSetIsItsOwnEqual() throws {
    let real = comparison(cases[0]).real
    let same = FeatureComparison(real: real, generated: real)
    #expect(try same.frechetDistance() < 1e-9)
    #expect(same.coverage().precision == 1)
    #expect(same.coverage().recall == 1)
  }
}

@Suite struct ModeCoverageTests {
  private let centres = [0.0, 0, 10, 0, 0, 10]

  @Test func countsModesAndGoodPoints() {
    // Ten at the first centre, nine at the second, one astray.
    let points = (0..<20).flatMap { (index: Int) -> [Double] in
      index < 10 ? [0.1, 0] : index < 19 ? [10, 0.2] : [5, 5]
    }
    let coverage = ModeCoverage(points: points, centres: centres, deviations: [0.1, 0.1, 0.1], width: 2)
    #expect(coverage.found == 2)
    #expect(coverage.modes == 3)
    #expect(coverage.good == 0.95)
  }

  @Test func oneStrayPointFindsNoMode() {
    let points = (0..<100).flatMap { (index: Int) -> [Double] in index < 99 ? [0, 0] : [0, 10] }
    let coverage = ModeCoverage(points: points, centres: centres, deviations: [0.1, 0.1, 0.1], width: 2)
    #expect(coverage.found == 1)
    #expect(coverage.good == 1)
  }
}

@Suite struct PathLengthTests {
  @Test func theMeanLeavesAHundredthOutAtEitherEnd() {
    let numbers = (0..<200).map { Double($0) }
    #expect(PathLength.mean([200] + numbers) == 100)
    #expect(PathLength.mean([1e9] + numbers.prefix(100)) == 50)
    #expect(PathLength.mean([7]) == 7)
    #expect(PathLength.mean([3, 1]) == 2)
    #expect(PathLength.mean([Double](repeating: 4, count: 300)) == 4)
  }
}
