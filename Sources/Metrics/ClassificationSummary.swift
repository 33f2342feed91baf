import Foundation

/// What Monte Carlo samples of one example's class probabilities come to, with the standard error that the number of
/// samples leaves.
///
/// The entropy of the mean is the whole uncertainty, the mean of the entropies the aleatoric part; their difference,
/// the mutual information of class and parameters, is the epistemic part (Houlsby et al. 2011; Gal 2016, section 3.3).
public struct ClassificationSummary: Sendable {
  public let mean: [Double]
  public let deviation: [Double]
  /// √(Var p / T) of each class.
  public let meanError: [Double]
  public let entropy: Double
  public let entropyError: Double
  public let expectedEntropy: Double
  public let expectedEntropyError: Double
  public let mutualInformation: Double
  public let mutualInformationError: Double

  /// - Parameter samples: T rows of probabilities, row by row.
  public init(samples: [Double], classes: Int) {
    precondition(classes > 0 && !samples.isEmpty && samples.count % classes == 0)
    let count = samples.count / classes
    var mean = [Double](repeating: 0, count: classes)
    for sample in 0..<count { for k in 0..<classes { mean[k] += samples[sample * classes + k] } }
    for k in 0..<classes { mean[k] /= Double(count) }
    var squares = [Double](repeating: 0, count: classes)
    // The derivative of H(p̄) by p̄ is −log p̄ − 1, so each sample moves H(p̄) by −Σ p log p̄ and the mutual information
    // by KL(p ‖ p̄), up to terms of second order: their spread gives the standard errors.
    var (cross, entropies, divergences) = ([Double](), [Double](), [Double]())
    for sample in 0..<count {
      var (crossEntropy, own) = (0.0, 0.0)
      for k in 0..<classes {
        let p = samples[sample * classes + k]
        squares[k] += (p - mean[k]) * (p - mean[k])
        guard p > 0 else { continue }
        crossEntropy -= p * log(mean[k])
        own -= p * log(p)
      }
      cross.append(crossEntropy)
      entropies.append(own)
      divergences.append(crossEntropy - own)
    }
    let freedom = Double(max(count - 1, 1))
    self.mean = mean
    deviation = squares.map { ($0 / freedom).squareRoot() }
    meanError = squares.map { ($0 / freedom / Double(count)).squareRoot() }
    entropy = Metrics.entropy(mean)
    entropyError = standardError(cross)
    expectedEntropy = entropies.reduce(0, +) / Double(count)
    expectedEntropyError = standardError(entropies)
    mutualInformation = max(entropy - expectedEntropy, 0)
    mutualInformationError = standardError(divergences)
  }
}
