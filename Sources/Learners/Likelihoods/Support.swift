import Datasets
import Tensors
import Training

/// The numbers that a likelihood gives a density or a probability.
public struct Support: Hashable, Sendable {
  public let range: ClosedRange<Double>
  /// Whether only whole numbers have a probability.
  public let isWhole: Bool
  /// How a message names them, such as "numbers from 0 to 1".
  public let name: String

  public init(_ range: ClosedRange<Double>, isWhole: Bool = false, name: String) {
    (self.range, self.isWhole, self.name) = (range, isWhole, name)
  }

  /// Every number: Gaussian, Laplace and Student's t likelihoods.
  public static let numbers = Support(
    -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude, name: "finite numbers")
  /// Bernoulli likelihoods, of bits and of pixels.
  public static let unitInterval = Support(0...1, name: "numbers from 0 to 1")
  /// Poisson and binomial likelihoods.
  public static let counts = Support(
    0...Double.greatestFiniteMagnitude, isWhole: true, name: "whole numbers that are not negative")

  public func contains(_ value: Double) -> Bool { range.contains(value) && (!isWhole || value == value.rounded()) }

  /// Refuses data that the likelihood gives no probability, where a bound on it would mean nothing.
  /// - Parameters:
  ///   - what: the numbers, as a message names them.
  ///   - value: what the model makes of a number of the array; nil where it may make anything.
  package func check(
    _ array: ExampleArray, _ what: String, advice: String, as value: (Double) -> Double = { $0 }
  ) throws(TrainingError) {
    // Of a model that has been trained, the shapes alone are known.
    guard array.hasNumbers else { return }
    let width = array.elementsPerExample
    for index in 0..<(array.count * width) {
      let number = value(array.number(index))
      guard contains(number) else {
        throw TrainingError(
          .unsuitable, "\(what) holds \(number) in row \(index / width), and the likelihood is of \(name)",
          advice: advice)
      }
    }
  }
}
