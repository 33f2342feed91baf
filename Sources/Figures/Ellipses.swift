import Glibc

/// Where Gaussian densities lie: for each, the ellipses of equal density at some standard deviations.
public struct Ellipses: Sendable, Hashable {
  public let label: String
  public let gaussians: [Gaussian]
  /// One ellipse for each, in standard deviations along the principal axes.
  public let deviations: [Double]
  /// Nil: the Gaussian at index k has the palette's colour k, like the classes and components of points.
  public let color: Color?

  /// A Gaussian density in the plane.
  public struct Gaussian: Sendable, Hashable {
    public let meanX: Double
    public let meanY: Double
    public let varianceX: Double
    public let varianceY: Double
    public let covariance: Double

    public init(meanX: Double, meanY: Double, varianceX: Double, varianceY: Double, covariance: Double = 0) {
      self.meanX = meanX
      self.meanY = meanY
      self.varianceX = varianceX
      self.varianceY = varianceY
      self.covariance = covariance
    }

    /// The prior of most latent spaces: mean 0, variance 1, no correlation.
    public static let standard = Gaussian(meanX: 0, meanY: 0, varianceX: 1, varianceY: 1)
  }

  public init(_ gaussians: [Gaussian], label: String = "", deviations: [Double] = [1, 2], color: Color? = nil) {
    self.label = label
    self.gaussians = gaussians
    self.deviations = deviations
    self.color = color
  }
}

extension Ellipses.Gaussian {
  /// `count` points on the ellipse at so many standard deviations, the last meeting the first.
  ///
  /// mean + deviation · L (cos t, sin t) with L Lᵀ the covariance (Cholesky). A covariance that is not positive
  /// semidefinite gives no points.
  public func outline(deviation: Double, count: Int = 97) -> (x: [Double], y: [Double]) {
    let l11 = varianceX.squareRoot()
    let l21 = l11 > 0 ? covariance / l11 : 0
    // Rounding may leave a singular covariance a little below zero.
    let rest = varianceY - l21 * l21
    let l22 = rest < 0 && rest > -1e-12 * abs(varianceY) ? 0 : rest.squareRoot()
    guard l11 > 0 || covariance == 0 else { return ([], []) }
    guard l11.isFinite, l21.isFinite, l22.isFinite, meanX.isFinite, meanY.isFinite else { return ([], []) }
    var (x, y): ([Double], [Double]) = ([], [])
    for step in 0..<count {
      let angle = 2 * Double.pi * Double(step) / Double(count - 1)
      x.append(meanX + deviation * l11 * cos(angle))
      y.append(meanY + deviation * (l21 * cos(angle) + l22 * sin(angle)))
    }
    return (x, y)
  }
}
