/// What went wrong in a factorisation, as a value: which rule was broken, while doing what, and what to do next.
public struct LinearAlgebraError: Error, Hashable, Sendable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A matrix that must be positive definite is not, even with the jitter that the policy allows.
    public static let notPositiveDefinite = Code(rawValue: "notPositiveDefinite")
    /// A triangular matrix has a zero on its diagonal.
    public static let singular = Code(rawValue: "singular")
    /// An iteration of LAPACK did not converge.
    public static let notConverged = Code(rawValue: "notConverged")
    /// A matrix holds an infinity or a NaN.
    public static let notFinite = Code(rawValue: "notFinite")
  }

  public let code: Code
  /// The zero-based row at which the failure showed: the first pivot that is not positive, the first zero diagonal
  /// element, or the first row that is not finite.
  public let pivot: Int?
  /// What was being done, as a phrase: "factorising a 3×3 matrix".
  public let doing: String
  /// What to do next.
  public let remedy: String

  public init(_ code: Code, pivot: Int? = nil, doing: String, remedy: String) {
    self.code = code
    self.pivot = pivot
    self.doing = doing
    self.remedy = remedy
  }

  public var description: String {
    let place = pivot.map { " (row \($0))" } ?? ""
    return "\(code.rawValue)\(place) while \(doing); \(remedy)"
  }
}
