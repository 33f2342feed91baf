import Distributions
import Learners
import LinearAlgebra
import Mixtures
import Tensors

/// An emission whose parameters can be kept in a flat buffer of doubles, and which can be drawn.
protocol FlatEmission: StateEmission where Point: FlatEmission {
  func addSlots(to layout: inout Layout)
  func write(_ parameters: Parameters, to buffer: FlatBuffer)
  func read(_ buffer: FlatBuffer) throws -> Parameters
  /// What a picture of parameters that are a point shows.
  func shape(_ parameters: Parameters) -> EmissionShape
}

/// Emissions as a picture shows them.
enum EmissionShape {
  /// Probabilities of symbols, K × V.
  case symbols(Matrix)
  /// Rates of each column, K × D.
  case rates(Matrix)
  /// For each state its Gaussians: weight, mean and covariance.
  case gaussians([[(weight: Double, mean: [Double], covariance: Matrix)]])
}

extension CategoricalEmission: FlatEmission {
  func addSlots(to layout: inout Layout) { layout.add("emissions", [states, symbols]) }
  func write(_ parameters: Matrix, to buffer: FlatBuffer) { buffer.fill("emissions", parameters.elements) }
  func read(_ buffer: FlatBuffer) -> Matrix { buffer.matrix("emissions") }
  func shape(_ parameters: Matrix) -> EmissionShape { .symbols(parameters) }
}

extension PoissonEmission: FlatEmission {
  func addSlots(to layout: inout Layout) {
    layout.add(estimation == .variational ? "shapes" : "rates", [states, dimension])
    if estimation == .variational { layout.add("inverse_scales", [states, dimension]) }
  }

  func write(_ parameters: PoissonParameters, to buffer: FlatBuffer) {
    buffer.fill(estimation == .variational ? "shapes" : "rates", parameters.rates.elements)
    if let scales = parameters.inverseScales { buffer.fill("inverse_scales", scales.elements) }
  }

  func read(_ buffer: FlatBuffer) -> PoissonParameters {
    guard estimation == .variational else { return PoissonParameters(rates: buffer.matrix("rates")) }
    return PoissonParameters(rates: buffer.matrix("shapes"), inverseScales: buffer.matrix("inverse_scales"))
  }

  func shape(_ parameters: PoissonParameters) -> EmissionShape { .rates(parameters.rates) }
}

extension GaussianEmission: FlatEmission {
  func addSlots(to layout: inout Layout) {
    layout.add("weights", [states, mixtures])
    layout.add("means", [states * mixtures, dimension])
    mixture.covariance.addSlot(to: &layout, components: states * mixtures, dimension: dimension)
  }

  private func covarianceSlot(_ buffer: FlatBuffer) -> String {
    ["covariances", "covariance", "variances"].first { buffer.layout[$0] != nil }!
  }

  func write(_ parameters: GaussianStates, to buffer: FlatBuffer) {
    buffer.fill("weights", parameters.weights.elements)
    buffer.fill("means", parameters.components.means.elements)
    buffer.fill(covarianceSlot(buffer), parameters.components.covariances.numbers)
  }

  func read(_ buffer: FlatBuffer) throws -> GaussianStates {
    try GaussianStates(
      weights: buffer.matrix("weights"), means: buffer.matrix("means"),
      covariances: MixtureCovariances(
        mixture.covariance, buffer.numbers(covarianceSlot(buffer)), components: states * mixtures,
        dimension: dimension), floor: mixture.floor)
  }

  func shape(_ parameters: GaussianStates) -> EmissionShape {
    .gaussians(
      (0..<states).map { state in
        (0..<mixtures).map { m in
          let component = state * mixtures + m
          return (
            parameters.weights[state, m], parameters.components.means.row(component), parameters.covariance(component)
          )
        }
      })
  }
}

extension GaussianWishartEmission: FlatEmission {
  func addSlots(to layout: inout Layout) {
    GaussianWishart.addSlots(to: &layout, count: states, dimension: dimension)
  }

  func write(_ parameters: [GaussianWishart], to buffer: FlatBuffer) { GaussianWishart.write(parameters, to: buffer) }
  func read(_ buffer: FlatBuffer) throws -> [GaussianWishart] { try GaussianWishart.read(buffer) }

  /// Never asked for: a point is a `GaussianEmission`.
  func shape(_ parameters: [GaussianWishart]) -> EmissionShape { .gaussians([]) }
}
