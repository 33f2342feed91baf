import Distributions
import Foundation
import LinearAlgebra
import Statistics

/// Probabilistic PCA by the closed form of its maximum likelihood, from moments that one pass over the data gives. The
/// objective is the log-likelihood in nats.
public struct ClosedFormProbabilisticPCA: StatisticsModel {
  public let dimension: Int
  /// q
  public let latentDimension: Int

  /// - Throws: `.wrongArgument` for no latent columns or no fewer than columns.
  public init(latentDimension: Int, dimension: Int) throws(ExactError) {
    guard latentDimension >= 1, latentDimension < dimension else {
      throw ExactError(
        .wrongArgument, doing: "making a probabilistic PCA of \(dimension) columns with \(latentDimension) latent ones",
        remedy: "ask for at least one and fewer than \(dimension) latent columns")
    }
    (self.latentDimension, self.dimension) = (latentDimension, dimension)
  }

  public struct Parameters: Hashable, Sendable {
    /// What moments are taken around: any row of the data.
    public let pivot: [Double]
    /// Nil before the pass.
    public let density: ProbabilisticPCAParameters?

    public init(pivot: [Double], density: ProbabilisticPCAParameters? = nil) {
      (self.pivot, self.density) = (pivot, density)
    }
  }

  public var statisticsCount: Int { 1 + dimension + packedCount(dimension) }

  public func makeScratch() -> MomentScratch { MomentScratch(dimension: dimension) }

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: MomentScratch
  ) throws(ExactError) {
    scratch.begin(pivot: parameters.pivot)
    try scratch.add(observations.inputs)
    scratch.flush(into: statistics)
  }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    var moments = GaussianMoments(pivot: parameters.pivot)
    moments.flat = statistics
    let density = try ProbabilisticPCAParameters(maximisingLikelihoodOf: moments, latentDimension: latentDimension)
    let (d, q) = (Double(dimension), Double(latentDimension))
    // At the maximum tr(C⁻¹ S) = D (Tipping and Bishop 1999, appendix A).
    let logDeterminant = density.latent.logDeterminant + (d - q) * log(density.noiseVariance)
    return Improvement(
      parameters: Parameters(pivot: parameters.pivot, density: density),
      objective: -0.5 * moments.count * (d * (logTwoPi + 1) + logDeterminant), of: .after, isFinal: true)
  }
}
