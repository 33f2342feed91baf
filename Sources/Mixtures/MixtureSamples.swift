import Components
import Distributions
import LinearAlgebra
import Tensors

extension GaussianMixture: SamplingModel {
  package func sample(
    _ count: Int, _ parameters: GaussianMixtureParameters, using generator: inout RandomStream
  ) throws -> Matrix {
    let (rows, _): (Matrix, [Int]) = try sample(count, parameters, using: &generator)
    return rows
  }
}

extension VariationalMixture: SamplingModel {
  /// From the predictive density, a mixture of Student's t (Bishop 2006, equation 10.81): what is not known of the
  /// components widens it.
  package func sample(
    _ count: Int, _ parameters: VariationalMixtureParameters, using generator: inout RandomStream
  ) throws -> Matrix {
    let weights = parameters.weights.means
    let factors = try parameters.components.map { component in
      let degrees = component.degrees + 1 - Double(dimension)
      let scale = (1 + component.meanPrecision) / (component.meanPrecision * degrees)
      return (degrees: degrees, factor: try Cholesky(scale * component.inverseScale, jitter: .rounding))
    }
    var rows = Matrix(rows: count, columns: dimension)
    for i in 0..<count {
      let k = generator.categorical(weights)
      let (degrees, factor) = factors[k]
      let mean = parameters.components[k].mean
      let gaussian = generator.normal(mean: mean.map { _ in 0 }, factor: factor)
      let stretch = (degrees / (2 * generator.gamma(shape: 0.5 * degrees))).squareRoot()
      for j in 0..<dimension { rows[i, j] = mean[j] + stretch * gaussian[j] }
    }
    return rows
  }
}
