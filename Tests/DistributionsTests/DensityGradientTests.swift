import Distributions
import GradientChecks
import Tensors
import Testing

/// Every differentiable function of the room, under its name in scripts/reference/gradients.py.
private let checks: [GradientCheck] = [
  GradientCheck("Gaussian.logLikelihood") { Gaussian.logLikelihood(of: $0[0], mean: $0[1], logVariance: $0[2]) },
  GradientCheck("Gaussian.logLikelihood variance") { Gaussian.logLikelihood(of: $0[0], mean: $0[1], variance: 0.3) },
  GradientCheck("Gaussian.standardNormalLogLikelihood") { Gaussian.standardNormalLogLikelihood(of: $0[0]) },
  GradientCheck("Gaussian.divergenceFromStandardNormal") {
    Gaussian.divergenceFromStandardNormal(mean: $0[0], logVariance: $0[1])
  },
  GradientCheck("Gaussian.divergence") {
    Gaussian.divergence(mean: $0[0], logVariance: $0[1], fromMean: $0[2], logVariance: $0[3])
  },
  GradientCheck("Gaussian.entropy") { Gaussian.entropy(logVariance: $0[0]) },
  GradientCheck("Gaussian.sample") { Gaussian.sample(mean: $0[0], logVariance: $0[1], noise: $0[2]) },
  GradientCheck("Bernoulli.logLikelihood") { Bernoulli.logLikelihood(logits: $0[0], targets: $0[1]) },
  GradientCheck("Bernoulli.entropy") { Bernoulli.entropy(logits: $0[0]) },
  GradientCheck("Bernoulli.divergence") { Bernoulli.divergence(logits: $0[0], fromLogits: $0[1]) },
  GradientCheck("Categorical.logLikelihood labels") { Categorical.logLikelihood(logits: $0[0], labels: [4, 0, 2]) },
  GradientCheck("Categorical.logLikelihood targets") { Categorical.logLikelihood(logits: $0[0], targets: $0[1]) },
  GradientCheck("Categorical.entropy") { Categorical.entropy(logits: $0[0]) },
  GradientCheck("Categorical.divergence") { Categorical.divergence(logits: $0[0], fromLogits: $0[1]) },
  GradientCheck("DirichletRows.divergenceFromUniform") { DirichletRows.divergenceFromUniform($0[0]) },
  // σ = softplus(ρ): the derivative arrives at ρ and does not stop at σ.
  GradientCheck("log q by rho", tolerance: 1e-5) {
    Gaussian.logLikelihood(of: $0[0], mean: $0[1], logVariance: $0[2].softplus().log() * 2)
  },
]

@Suite("Densities and their derivatives")
struct DensityGradientTests {
  let golden = try! GoldenFile.operations("densities")

  @Test(arguments: checks)
  func equalsPyTorchUpToTheThirdDerivative(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name], "run scripts/reference/gradients.py")
    #expect(check.mismatches(with: golden) == [])
  }

  @Test(arguments: checks)
  func agreesWithFiniteDifferences(_ check: GradientCheck) throws {
    let golden = try #require(golden[check.name])
    #expect(check.finiteDifferenceMismatches(at: golden, tolerance: 3e-4) == [])
  }

  @Test func everyGoldenCaseIsChecked() { #expect(Set(golden.keys) == Set(checks.map(\.name))) }

  @Test func everyPrimitiveOfTheRoomIsDifferentiated() throws {
    let declared = try SourceScan.primitives(of: "Distributions")
    let seen = checks.reduce(into: Set<String>()) { seen, check in
      golden[check.name].map { seen.formUnion(check.primitives(at: $0)) }
    }
    #expect(declared.count >= 7)
    #expect(SourceScan.unchecked(declared, seen: seen) == [])
  }
}
