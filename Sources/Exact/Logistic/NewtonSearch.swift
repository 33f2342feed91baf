import LinearAlgebra

/// Newton's method for a concave objective whose value, gradient and curvature come from sums over data: each step is
/// judged by the next pass, and halved as long as it did not improve the objective. A pure function of what it is told,
/// so that every node of a cluster takes the same steps.
struct NewtonSearch: Hashable, Sendable {
  /// Where the next pass evaluates.
  private(set) var point: [Double]
  private var accepted: Accepted?
  private var fraction = 1.0

  private struct Accepted: Hashable {
    let point: [Double]
    let objective: Double
    let step: [Double]
  }

  init(from point: [Double]) { self.point = point }

  /// Whether the objective at `point` takes back the last step, after which `point` lies nearer.
  mutating func retracts(objective: Double) -> Bool {
    guard let accepted else { return false }
    // Rounding errors of the sum are no reason to go back.
    let slack = 1e-13 * max(abs(accepted.objective), 1)
    guard objective < accepted.objective - slack, fraction > 1e-9 else { return false }
    fraction /= 2
    point = accepted.point.adding(accepted.step, factor: fraction)
    return true
  }

  /// Accepts `point` and moves on by a Newton step.
  mutating func advance(objective: Double, step: [Double]) {
    accepted = Accepted(point: point, objective: objective, step: step)
    fraction = 1
    point = point.adding(step)
  }
}
