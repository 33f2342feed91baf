import Datasets
import Testing

@Suite("One scaling of columns") struct ColumnScalingTests {
  /// Numbers of a column apart from each other by little, far from 0.
  private static func numbers(_ count: Int, width: Int) -> [Double] {
    var generator = SeededGenerator(state: 5)
    return (0..<count * width).map { Double.random(in: 0...9, using: &generator).rounded() + 100 * Double($0 % width) }
  }

  @Test("One pass finds what two passes find, whatever the elements") func statistics() {
    let (count, width) = (700, 3)
    let values = Self.numbers(count, width: width).map { $0 / 2 }
    let arrays = [
      ExampleArray(values, shape: [width]), ExampleArray(values.map { Float($0) }, shape: [width]),
      ExampleArray(values.map { UInt8($0) }, shape: [width]),
    ]
    for array in arrays {
      let found = ColumnStatistics(of: array)
      for column in 0..<width {
        let cells = (0..<count).map { array.number($0 * width + column) }
        let mean = cells.reduce(0, +) / Double(count)
        let variance = cells.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        #expect(abs(found.mean[column] - mean) < 1e-12 * mean && abs(found.variance[column] - variance) < 1e-11)
        #expect(found.minimum[column] == cells.min() && found.maximum[column] == cells.max())
      }
    }
  }

  @Test func whatIsMissingIsLeftOut() throws {
    let array = ExampleArray([1.0, .nan, 3, .nan, .nan, .nan], shape: [2])
    let found = ColumnStatistics(of: array)
    #expect(found.mean == [2, 0] && found.variance == [1, 0])
    for normalization in [Normalization.standard, .range] {
      #expect(try ColumnScaling(normalization, of: array) == ColumnScaling(offset: [2, 0], scale: [1, 1]))
    }
  }

  @Test("Each value of data.normalisation does what the table says") func meanings() throws {
    let numbers = ExampleArray([0.0, 7, 10, 7, 20, 7], shape: [2])
    func rows(_ normalization: Normalization, _ array: ExampleArray) throws -> [Double] {
      let scaling = try ColumnScaling(normalization, of: array)
      var rows = array.doubles(0..<array.count)
      scaling.apply(to: &rows)
      for (index, value) in rows.enumerated() {
        #expect(abs(scaling.restored(value, column: index % 2) - array.number(index)) < 1e-12)
      }
      return rows
    }
    #expect(try rows(.none, numbers) == [0, 7, 10, 7, 20, 7])
    #expect(try rows(.unit, numbers) == [0, 7, 10, 7, 20, 7])
    #expect(try rows(.range, numbers) == [-1, 0, 0, 0, 1, 0])
    let deviation = (200.0 / 3).squareRoot()
    let standard = try rows(.standard, numbers)
    #expect(zip(standard, [-10 / deviation, 0, 0, 0, 10 / deviation, 0]).allSatisfy { abs($0 - $1) < 1e-15 })
    let unit = try rows(.unit, ExampleArray([0, 51, 255, 204] as [UInt8], shape: [2]))
    #expect(zip(unit, [0, 0.2, 1, 0.8]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(Normalization.allCases.map(\.rawValue) == ["none", "unit", "standard", "range"])
  }

  @Test(arguments: [
    ([1, .infinity], Normalization.standard), ([1e200, -1e200], .standard),
    ([Double.leastNonzeroMagnitude, 2 * Double.leastNonzeroMagnitude], .range),
  ])
  func whatCannotBeScaledIsRefused(_ values: [Double], _ normalization: Normalization) {
    let error = #expect(throws: DataError.self) {
      try ColumnScaling(normalization, of: ExampleArray([0, values[0], 0, values[1]], shape: [2]))
    }
    #expect(error?.description.hasPrefix("the numbers of column 1 (the first is 0) are too large") == true)
  }
}
