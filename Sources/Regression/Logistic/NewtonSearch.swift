import LinearAlgebra

/// Newton's method for a concave objective whose value, gradient and curvature come from sums over data: each step is
/// judged by the next pass, and halved as long as it did not improve the objective. A pure function of its inputs, so
/// that every node of a cluster takes the same steps.
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

  /// 3 + 3 m numbers for m weights: what a search that goes on elsewhere needs.
  var flat: [Double] {
    let none = point.map { _ in 0.0 }
    return [accepted == nil ? 0 : 1, accepted?.objective ?? 0, fraction] + point + (accepted?.point ?? none)
      + (accepted?.step ?? none)
  }

  init(flat: [Double]) {
    let m = (flat.count - 3) / 3
    func part(_ index: Int) -> [Double] { Array(flat[(3 + index * m)..<(3 + (index + 1) * m)]) }
    (point, fraction) = (part(0), flat[2])
    accepted = flat[0] == 1 ? Accepted(point: part(1), objective: flat[1], step: part(2)) : nil
  }

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
