import LinearAlgebra
import Statistics

/// Linear regression by maximum likelihood: least squares, and the noise variance as the mean squared error.
///
/// Features that depend on others leave the likelihood flat; the weights then are the shortest of the best ones, in
/// units of the features' standard deviations. Directions with less than 1e-14 M of the largest variance count as none.
public struct LinearRegression: MomentEstimator {
  public let features: Features

  public init(_ features: Features) { self.features = features }

  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: LinearModel, objective: Double) {
    // Of few rows with many features, along what they span, in units of the features' deviations.
    let units = moments.squares(around: features.hasIntercept).map { $0 > 0 ? $0.squareRoot() : 1 }
    if let (directions, few) = try moments.divided(by: units, target: 1).spanned(withMean: !features.hasIntercept) {
      let spanned = try Features(.identity, inputs: directions.rows, intercept: features.hasIntercept)
      let (found, objective) = try LinearRegression(spanned).estimate(few)
      let weights = zip(directions.transposedProduct(found.weights), units).map { $0 / $1 }
      let intercept = features.hasIntercept ? moments.targetMean - dot(weights, moments.featureMeans) : 0
      let model = LinearModel(
        features: features, weights: weights, intercept: intercept, noiseVariance: found.noiseVariance, rank: found.rank
      )
      return (model, objective)
    }
    let m = features.count
    // With an intercept the scatter around the means decides; without one the moments around zero.
    let gram = features.hasIntercept ? moments.scatter : moments.gram(intercept: false)
    let products = features.hasIntercept ? moments.products : moments.targetProducts(intercept: false)
    let scales = gram.diagonal.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
    var scaled = gram
    for i in 0..<m {
      for j in 0..<m { scaled[i, j] *= scales[i] * scales[j] }
    }
    let eigen: SymmetricEigen
    do {
      eigen = try SymmetricEigen(scaled)
    } catch {
      throw ExactError(error, doing: "solving for weights", remedy: "scale the inputs to similar magnitudes")
    }
    let least = 1e-14 * Double(max(m, 1)) * (eigen.values.last ?? 0)
    let projected = eigen.vectors * zip(products, scales).map { $0 * $1 }
    let solution = zip(projected, eigen.values).map { $1 > least && $1 > 0 ? $0 / $1 : 0 }
    let weights = zip(eigen.vectors.transposedProduct(solution), scales).map { $0 * $1 }
    let intercept = features.hasIntercept ? moments.targetMean - dot(weights, moments.featureMeans) : 0
    let error = moments.squaredError(weights: weights, intercept: intercept)
    let model = LinearModel(
      features: features, weights: weights, intercept: intercept, noiseVariance: error / moments.count,
      rank: eigen.values.filter { $0 > least && $0 > 0 }.count)
    return (model, -error)
  }
}

/// y = w·φ(x) + b + noise.
public struct LinearModel: Hashable, Sendable {
  public let features: Features
  /// w, M
  public let weights: [Double]
  /// b; zero without an intercept.
  public let intercept: Double
  public let noiseVariance: Double
  /// How many directions of the features the data determines.
  public let rank: Int

  public func predict(_ x: [Double]) -> Double { dot(weights, features.values(x)) + intercept }
}
