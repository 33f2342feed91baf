import Foundation
import LinearAlgebra
import Statistics

/// Functions of an input in which a model is linear, applied to each column by itself (Bishop 2006, section 3.1).
public enum Basis: Hashable, Sendable {
  /// x
  case identity
  /// t, t², …, t^degree with t = (x − centre)/scale. High degrees need a scale that keeps |t| ≤ 1.
  case polynomial(degree: Int, centre: Double = 0, scale: Double = 1)
  /// The same powers, and then sin 2πkx/period and cos 2πkx/period for k = 1 … harmonics: a trend with a season.
  case seasonal(degree: Int, centre: Double = 0, scale: Double = 1, period: Double, harmonics: Int)
  /// exp(−(x − c)²/2s²) for each centre c, with the width s.
  case gaussian(centres: [Double], width: Double)
  /// σ((x − c)/s) for each centre c, with the width s.
  case sigmoid(centres: [Double], width: Double)

  /// Functions of one column.
  var count: Int {
    switch self {
    case .identity: 1
    case .polynomial(let degree, _, _): degree
    case .seasonal(let degree, _, _, _, let harmonics): degree + 2 * harmonics
    case .gaussian(let centres, _), .sigmoid(let centres, _): centres.count
    }
  }

  private var isValid: Bool {
    switch self {
    case .identity: true
    case .polynomial(let degree, let centre, let scale): degree >= 0 && centre.isFinite && scale > 0 && scale.isFinite
    case .seasonal(let degree, let centre, let scale, let period, let harmonics):
      degree >= 0 && centre.isFinite && scale > 0 && scale.isFinite && period > 0 && period.isFinite && harmonics > 0
    case .gaussian(let centres, let width), .sigmoid(let centres, let width):
      width > 0 && width.isFinite && centres.allSatisfy { $0.isFinite }
    }
  }

  func check() throws(ExactError) {
    guard isValid else {
      throw ExactError(
        .wrongArgument, doing: "making basis functions",
        remedy: "give a degree that is not negative, finite centres, and widths, scales and periods above zero")
    }
  }

  package func write(_ x: Double, into target: UnsafeMutablePointer<Double>) {
    switch self {
    case .identity: target[0] = x
    case .polynomial(let degree, let centre, let scale):
      Basis.writePowers(of: (x - centre) / scale, degree, into: target)
    case .seasonal(let degree, let centre, let scale, let period, let harmonics):
      Basis.writePowers(of: (x - centre) / scale, degree, into: target)
      for k in 1...harmonics {
        let angle = 2 * .pi * Double(k) * (x / period).truncatingRemainder(dividingBy: 1)
        target[degree + 2 * k - 2] = sin(angle)
        target[degree + 2 * k - 1] = cos(angle)
      }
    case .gaussian(let centres, let width):
      for (i, centre) in centres.enumerated() {
        let z = (x - centre) / width
        target[i] = exp(-0.5 * z * z)
      }
    case .sigmoid(let centres, let width):
      for (i, centre) in centres.enumerated() { target[i] = LinearAlgebra.sigmoid((x - centre) / width) }
    }
  }

  private static func writePowers(of t: Double, _ degree: Int, into target: UnsafeMutablePointer<Double>) {
    var power = 1.0
    for i in 0..<degree {
      power *= t
      target[i] = power
    }
  }
}

/// The features φ(x) of inputs of D columns: a basis applied to each column, without the constant one, which models add
/// when they have an intercept.
public struct Features: Hashable, Sendable {
  public let basis: Basis
  /// D
  public let inputs: Int
  /// Whether models get a weight for a feature that is always one.
  public let hasIntercept: Bool

  /// - Throws: `.wrongArgument` for no columns or a basis that makes no sense.
  public init(_ basis: Basis, inputs: Int, intercept: Bool = true) throws(ExactError) {
    try basis.check()
    guard inputs > 0, intercept || basis.count > 0 else {
      throw ExactError(
        .wrongArgument, doing: "making features of \(inputs) columns", remedy: "ask for at least one column and feature"
      )
    }
    (self.basis, self.inputs, hasIntercept) = (basis, inputs, intercept)
  }

  /// M, without the intercept.
  public var count: Int { inputs * basis.count }
  /// M, with it.
  public var weightCount: Int { count + (hasIntercept ? 1 : 0) }

  /// φ(x), without the intercept.
  public func values(_ x: [Double]) -> [Double] {
    precondition(x.count == inputs, "an input of \(inputs) numbers")
    var result = [Double](repeating: 0, count: count)
    result.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for j in 0..<inputs { basis.write(x[j], into: base + j * basis.count) }
    }
    return result
  }

  /// φ(x) as the weights see it: with a one in front when there is an intercept.
  public func weighted(_ x: [Double]) -> [Double] { (hasIntercept ? [1] : []) + values(x) }

  package func write(_ rows: RowBlock, _ row: Int, into target: UnsafeMutablePointer<Double>) {
    for j in 0..<inputs { basis.write(rows[row, j], into: target + j * basis.count) }
  }

  /// What to do about features that are not finite.
  var remedy: String {
    basis == .identity
      ? "remove or impute values that are infinite or NaN"
      : "remove or impute values that are infinite or NaN, or scale inputs so that the basis functions stay finite"
  }
}
