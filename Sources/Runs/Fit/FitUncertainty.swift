import Datasets
import Foundation

/// Where predictions of a table are least sure, and what these rows have in common.
package struct FitUncertainty: Codable, Sendable {
  /// How a column differs among the least sure rows.
  package struct Trait: Codable, Sendable {
    package let column: String
    package let mean_of_unsure: Double
    package let mean_of_all: Double
    /// By how many standard deviations of the column.
    package let deviations: Double
  }

  /// How many test rows are called unsure: the tenth with the widest predictions.
  package let rows: Int
  /// How wide their predictions are beside those of all rows.
  package let ratio: Double
  /// The columns in which they differ most.
  package let traits: [Trait]
  /// Test rows with a number beyond those that were learned from, and how wide their predictions are beside those of all.
  package let rows_outside: Int
  package let ratio_outside: Double?

  /// Differences below so many standard deviations are left out, and more than so many columns.
  private static let least = 0.5
  private static let most = 3

  /// - Parameters:
  ///   - widths: of the predictions of the test examples.
  ///   - columns: names of the inputs.
  /// - Returns: nil where the inputs are no columns, or the rows too few.
  init?(_ widths: [Double], of test: ExampleSet, learned: ExampleSet, columns: [String]) {
    let (count, width) = (test.count, columns.count)
    guard width > 0, test.inputs.elementsPerExample == width, count >= FitReading.fewestRows else { return nil }
    let inputs = test.inputs.doubles(0..<count)
    let known = learned.inputs.doubles(0..<learned.count)
    let all = widths.reduce(0, +) / Double(count)
    guard all > 0, all.isFinite else { return nil }
    func ratio(_ rows: [Int]) -> Double { rows.reduce(0) { $0 + widths[$1] } / Double(rows.count) / all }
    let unsure = Array((0..<count).sorted { (-widths[$0], $0) < (-widths[$1], $1) }.prefix(max(count / 10, 3)))
    var (traits, outside) = ([Trait](), Set<Int>())
    for (column, name) in columns.enumerated() {
      let numbers = (0..<count).map { inputs[$0 * width + column] }
      let mean = numbers.reduce(0, +) / Double(count)
      let deviation = (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
      let there = unsure.reduce(0) { $0 + numbers[$1] } / Double(unsure.count)
      if deviation > 0, abs(there - mean) >= FitUncertainty.least * deviation {
        traits.append(
          Trait(column: name, mean_of_unsure: there, mean_of_all: mean, deviations: (there - mean) / deviation))
      }
      let seen = stride(from: column, to: known.count, by: width).map { known[$0] }
      if let low = seen.min(), let high = seen.max() {
        outside.formUnion((0..<count).filter { numbers[$0] < low || numbers[$0] > high })
      }
    }
    rows = unsure.count
    self.ratio = ratio(unsure)
    self.traits = Array(traits.sorted { abs($0.deviations) > abs($1.deviations) }.prefix(FitUncertainty.most))
    rows_outside = outside.count
    ratio_outside = outside.isEmpty ? nil : ratio(outside.sorted())
  }
}
