import Statistics

/// A covariance function of two inputs (Rasmussen and Williams 2006, chapter 4), with sums and products. All parameters
/// are positive; they are optimised by their logarithms.
///
/// Distances are scaled by length scales: one for all columns, or one for each.
public indirect enum Kernel: Hashable, Sendable {
  /// σ² exp(−r²/2): infinitely smooth. Also called squared exponential.
  case rbf(variance: Double, lengthScales: [Double])
  /// σ² exp(−r)
  case matern12(variance: Double, lengthScales: [Double])
  /// σ² (1 + √3 r) exp(−√3 r)
  case matern32(variance: Double, lengthScales: [Double])
  /// σ² (1 + √5 r + 5 r²/3) exp(−√5 r)
  case matern52(variance: Double, lengthScales: [Double])
  /// σ² (1 + r²/2α)^(−α): RBFs of all length scales mixed.
  case rationalQuadratic(variance: Double, lengthScales: [Double], alpha: Double)
  /// σ² exp(−2 sin²(π |x − y|/p)/ℓ²), of one column: of a distance in more it is no covariance.
  case periodic(variance: Double, lengthScale: Double, period: Double)
  /// σ² x·y
  case linear(variance: Double)
  /// σ²
  case constant(variance: Double)
  /// σ² for an input with itself: noise that belongs to the function.
  case white(variance: Double)
  case sum([Kernel])
  case product([Kernel])
  /// A kernel whose parameters stay as they are.
  case fixed(Kernel)

  public static func + (a: Kernel, b: Kernel) -> Kernel { .sum([a, b]) }
  public static func * (a: Kernel, b: Kernel) -> Kernel { .product([a, b]) }

  /// The parameters that are free, in the order in which they are written.
  public var parameters: [Double] {
    switch self {
    case .rbf(let variance, let scales), .matern12(let variance, let scales), .matern32(let variance, let scales),
      .matern52(let variance, let scales):
      [variance] + scales
    case .rationalQuadratic(let variance, let scales, let alpha): [variance] + scales + [alpha]
    case .periodic(let variance, let scale, let period): [variance, scale, period]
    case .linear(let variance), .constant(let variance), .white(let variance): [variance]
    case .sum(let parts), .product(let parts): parts.flatMap(\.parameters)
    case .fixed: []
    }
  }

  /// The summands; the kernel itself when it is no sum.
  public var summands: [Kernel] {
    switch self {
    case .sum(let parts): parts.flatMap(\.summands)
    default: [self]
    }
  }

  /// The shortest period after which the kernel repeats itself, if it has any.
  public var shortestPeriod: Double? {
    switch self {
    case .periodic(_, _, let period): period
    case .sum(let parts), .product(let parts): parts.compactMap(\.shortestPeriod).min()
    case .fixed(let inner): inner.shortestPeriod
    default: nil
    }
  }

  /// The same kernel with other values for its free parameters.
  public func with(parameters: [Double]) -> Kernel {
    var rest = parameters[...]
    let result = taking(&rest)
    precondition(rest.isEmpty, "a value for each parameter")
    return result
  }

  private func taking(_ rest: inout ArraySlice<Double>) -> Kernel {
    func next(_ count: Int) -> [Double] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    switch self {
    case .rbf(_, let scales): return .rbf(variance: next(1)[0], lengthScales: next(scales.count))
    case .matern12(_, let scales): return .matern12(variance: next(1)[0], lengthScales: next(scales.count))
    case .matern32(_, let scales): return .matern32(variance: next(1)[0], lengthScales: next(scales.count))
    case .matern52(_, let scales): return .matern52(variance: next(1)[0], lengthScales: next(scales.count))
    case .rationalQuadratic(_, let scales, _):
      return .rationalQuadratic(variance: next(1)[0], lengthScales: next(scales.count), alpha: next(1)[0])
    case .periodic: return .periodic(variance: next(1)[0], lengthScale: next(1)[0], period: next(1)[0])
    case .linear: return .linear(variance: next(1)[0])
    case .constant: return .constant(variance: next(1)[0])
    case .white: return .white(variance: next(1)[0])
    case .sum(let parts): return .sum(parts.map { $0.taking(&rest) })
    case .product(let parts): return .product(parts.map { $0.taking(&rest) })
    case .fixed: return self
    }
  }

  /// - Throws: `.wrongArgument` for parameters that are not positive and finite, length scales that are neither one nor as
  ///   many as columns, or a sum or product of nothing.
  func check(columns: Int) throws(ExactError) {
    let isValid =
      switch self {
      case .rbf(_, let scales), .matern12(_, let scales), .matern32(_, let scales), .matern52(_, let scales),
        .rationalQuadratic(_, let scales, _):
        scales.count == 1 || scales.count == columns
      case .periodic: columns == 1
      case .sum(let parts), .product(let parts): !parts.isEmpty
      default: true
      }
    guard isValid, parameters.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ExactError(
        .wrongArgument, doing: "taking a kernel over \(columns) columns",
        remedy:
          "give positive parameters, one length scale or one for each column, and periodic kernels a single column")
    }
    switch self {
    case .sum(let parts), .product(let parts): for part in parts { try part.check(columns: columns) }
    case .fixed(let inner): try inner.check(columns: columns)
    default: break
    }
  }
}
