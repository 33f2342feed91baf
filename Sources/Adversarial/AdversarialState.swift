import Networks
import Tensors

/// What an adversarial training carries from step to step beside the networks and their moments. It lies in the
/// parameters, so it is stored, resumed and equal on every node; it is a function of totals and of the step's number.
struct AdversarialState: Sendable {
  private static let pathDecay: Float = 0.01

  private let buffer: FlatBuffer

  init(_ buffer: FlatBuffer) { self.buffer = buffer }

  static func layout(grows: Bool, _ objective: AdversarialObjective) -> Layout {
    var layout = Layout()
    if grows { layout.add("growth", [1]) }
    if objective.pathLength > 0 { layout.add("path_length", [1]) }
    return layout
  }

  /// How far the networks had grown in the last step.
  var growth: Growth { Growth(position: self["growth"] ?? 0) }
  /// The running mean of path lengths.
  var pathLength: Float { self["path_length"] ?? 0 }

  /// Absorbs what a step has shown.
  /// - Parameters:
  ///   - growth: the step's.
  ///   - pathLength: the mean path length, where the step took the penalty.
  /// - Returns: what is reported.
  func absorb(growth: Growth?, pathLength length: Double?) -> [String: Double] {
    var metrics: [String: Double] = [:]
    if let growth {
      set("growth", growth.position)
      metrics["growth"] = Double(growth.position)
    }
    if let length {
      set("path_length", pathLength + AdversarialState.pathDecay * (Float(length) - pathLength))
    }
    return metrics
  }

  private subscript(name: String) -> Float? { buffer.layout[name].map { buffer.tensor($0).pointer[0] } }

  private func set(_ name: String, _ value: Float) {
    if let slot = buffer.layout[name] { buffer.tensor(slot).pointer[0] = value }
  }
}
