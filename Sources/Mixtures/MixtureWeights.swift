import LinearAlgebra

/// The prior over a variational mixture's weights.
public enum MixtureWeightPrior: Hashable, Sendable {
  /// π ~ Dirichlet(α₀, …, α₀): a small α₀ lets components die.
  case dirichlet(Double)
  /// Stick-breaking πₖ = vₖ Π_{j<k} (1 − vⱼ) with vₖ ~ Beta(1, γ): a Dirichlet process, truncated at K components.
  case dirichletProcess(Double)

  public var concentration: Double {
    switch self {
    case .dirichlet(let value), .dirichletProcess(let value): value
    }
  }

  /// The same kind of prior with another concentration.
  public func with(concentration: Double) -> MixtureWeightPrior {
    switch self {
    case .dirichlet: .dirichlet(concentration)
    case .dirichletProcess: .dirichletProcess(concentration)
    }
  }

  /// The posterior given Nₖ rows in each component (Bishop 2006, equation 10.58; Blei and Jordan 2006, section 3).
  func posterior(counts: [Double]) -> MixtureWeightPosterior {
    switch self {
    case .dirichlet(let concentration):
      return .dirichlet(counts.map { concentration + $0 })
    case .dirichletProcess(let concentration):
      var left = 0.0
      var ends: [Double] = []
      for count in counts.reversed() {
        ends.append(concentration + left)
        left += count
      }
      return .sticks(counts.map { 1 + $0 }, ends.reversed())
    }
  }

  /// KL(q ‖ prior) in nats.
  func divergence(of posterior: MixtureWeightPosterior) -> Double {
    switch posterior {
    case .dirichlet(let alpha):
      let prior = Array(repeating: concentration, count: alpha.count)
      let total = digamma(alpha.reduce(0, +))
      return logMultivariateBeta(prior) - logMultivariateBeta(alpha)
        + alpha.reduce(0) { $0 + ($1 - concentration) * (digamma($1) - total) }
    case .sticks(let a, let b):
      return zip(a, b).reduce(0) { sum, stick in
        let (a, b) = stick
        let total = digamma(a + b)
        return sum + logBeta(1, concentration) - logBeta(a, b) + (a - 1) * (digamma(a) - total)
          + (b - concentration) * (digamma(b) - total)
      }
    }
  }
}

/// The posterior over a variational mixture's weights.
public enum MixtureWeightPosterior: Hashable, Sendable {
  /// Dirichlet(α₁, …, αₖ).
  case dirichlet([Double])
  /// Independent Beta(aₖ, bₖ) for each stick.
  case sticks([Double], [Double])

  /// E[log πₖ].
  var expectedLogs: [Double] {
    switch self {
    case .dirichlet(let alpha):
      let total = digamma(alpha.reduce(0, +))
      return alpha.map { digamma($0) - total }
    case .sticks(let a, let b):
      var left = 0.0
      return zip(a, b).map { a, b in
        let total = digamma(a + b)
        defer { left += digamma(b) - total }
        return digamma(a) - total + left
      }
    }
  }

  /// E[πₖ]; of sticks, what lies beyond the truncation is shared in proportion.
  public var means: [Double] {
    switch self {
    case .dirichlet(let alpha):
      let total = alpha.reduce(0, +)
      return alpha.map { $0 / total }
    case .sticks(let a, let b):
      var left = 1.0
      let parts = zip(a, b).map { a, b in
        defer { left *= b / (a + b) }
        return left * a / (a + b)
      }
      let total = parts.reduce(0, +)
      return parts.map { $0 / total }
    }
  }
}
