import Distributions
import LinearAlgebra

/// Why an exact model could not go on, as a value: which rule was broken, while doing what, and what to do next.
public struct ExactError: Error, Hashable, Sendable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A number that the model was asked for makes no sense: zero clusters, a negative variance.
    public static let wrongArgument = Code(rawValue: "wrong argument")
    /// Data whose shape is not the model's: another number of columns, no targets.
    public static let wrongShape = Code(rawValue: "wrong shape")
    /// Data with an infinity or a NaN, or numbers so far out that densities underflow to nothing.
    public static let notFinite = Code(rawValue: "not finite")
    /// Fewer rows than the model can be estimated from.
    public static let tooFewRows = Code(rawValue: "too few rows")
    /// A covariance or Hessian that is not positive definite.
    public static let singular = Code(rawValue: "singular")
    /// A target that the likelihood gives no probability: a 2 where 0 or 1 is.
    public static let wrongTarget = Code(rawValue: "wrong target")
    /// An iteration that did not converge.
    public static let notConverged = Code(rawValue: "not converged")
  }

  public let code: Code
  /// The row at which it showed, counted from the start of the rows handed in, where there is one.
  public let row: Int?
  /// What was being done, as a phrase.
  public let doing: String
  /// What to do next.
  public let remedy: String

  public init(_ code: Code, row: Int? = nil, doing: String, remedy: String) {
    self.code = code
    self.row = row
    self.doing = doing
    self.remedy = remedy
  }

  public init(_ error: LinearAlgebraError, doing: String, remedy: String) {
    let code: Code =
      switch error.code {
      case .notPositiveDefinite, .singular: .singular
      case .notFinite: .notFinite
      default: .notConverged
      }
    self.init(code, doing: "\(doing) (\(error.doing))", remedy: remedy)
  }

  public init(_ error: ConjugateError, doing: String) {
    self.init(
      error.code == .singular ? .singular : .wrongArgument, doing: "\(doing) (\(error.doing))", remedy: error.remedy)
  }

  public var description: String {
    let place = row.map { " at row \($0)" } ?? ""
    return "\(code.rawValue)\(place) while \(doing); \(remedy)"
  }
}
