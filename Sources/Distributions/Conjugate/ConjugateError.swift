/// Why a conjugate update could not be made, as a value: which rule was broken, while doing what, and what to do next.
public struct ConjugateError: Error, Hashable, Sendable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A parameter of a prior that makes no distribution: a negative concentration, too few degrees of freedom.
    public static let wrongParameter = Code(rawValue: "wrong parameter")
    /// An observation that the likelihood gives no probability: a 2 where 0 or 1 is, a NaN.
    public static let wrongObservation = Code(rawValue: "wrong observation")
    /// A scale matrix that is not positive definite.
    public static let singular = Code(rawValue: "singular")
  }

  public let code: Code
  /// What was being done, as a phrase.
  public let doing: String
  /// What to do next.
  public let remedy: String

  public init(_ code: Code, doing: String, remedy: String) {
    self.code = code
    self.doing = doing
    self.remedy = remedy
  }

  public var description: String { "\(code.rawValue) while \(doing); \(remedy)" }
}
