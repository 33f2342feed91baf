import Metrics
import Tensors

/// Which parameters of a training are its result, and when it ends.
public struct SelectionRule: Sendable, Equatable {
  /// Of the validation part, such as `validation/reg/NLL`.
  public let metric: String
  public let direction: MetricDirection
  /// The training ends after so many evaluations in a row that bring nothing better; nil: it goes on.
  public let patience: Int?

  public init(metric: String, direction: MetricDirection, patience: Int? = nil) {
    (self.metric, self.direction, self.patience) = (metric, direction, patience)
  }

  /// The metrics of the validation part among some that a training can select by.
  public static func choices(among metrics: some Sequence<String>) -> [String] {
    let part = "validation/"
    return metrics.filter { $0.hasPrefix(part) && MetricDirection(of: String($0.dropFirst(part.count))) != nil }
      .sorted()
  }
}

/// Which parameters a training has selected.
public struct Selection: Codable, Sendable, Equatable {
  /// Why a training has ended.
  public enum Ending: String, Codable, Sendable { case patience, converged, steps }

  /// What the parameters were selected by.
  public let metric: String
  /// Its best value; nil while none was measured.
  public let value: Double?
  /// The steps after which the parameters are the selected ones; 0 while no value was measured.
  public let step: Int
  /// How often the metric was measured.
  public let evaluations: Int
  /// How many of these, the last ones, brought nothing better.
  public let waits: Int
  public let patience: Int?
  /// Nil while the training goes on.
  public var ended: Ending?

  /// Says why a training has ended at a moment.
  public mutating func finish(_ moment: Trainer.Moment) {
    ended = isOutOfPatience ? .patience : moment.converged ? .converged : .steps
  }

  /// Whether the training is to end.
  var isOutOfPatience: Bool { patience.map { waits >= $0 } ?? false }
}

/// Keeps the state of a selection in numbers that checkpoints hold and nodes hand over.
struct Selector: Sendable {
  let rule: SelectionRule
  let numbers: FlatBuffer
  private let best, step, waits, evaluations: Slot

  init(_ rule: SelectionRule) {
    self.rule = rule
    var layout = Layout()
    (best, step) = (layout.add("best", .scalar), layout.add("step", .scalar))
    (waits, evaluations) = (layout.add("waits", .scalar), layout.add("evaluations", .scalar))
    numbers = FlatBuffer("selection", layout, precision: .float64)
    self[best] = rule.direction.worst
  }

  private subscript(slot: Slot) -> Double {
    get { numbers.doubles(slot)[0] }
    nonmutating set { numbers.doubles(slot)[0] = newValue }
  }

  var selection: Selection {
    Selection(
      metric: rule.metric, value: self[step] > 0 ? self[best] : nil, step: Int(self[step]),
      evaluations: Int(self[evaluations]), waits: Int(self[waits]), patience: rule.patience)
  }

  /// Takes the value that was measured after so many steps.
  /// - Returns: whether it is better than all before; of equal values the first one is the best.
  func take(_ value: Double, after step: Int) -> Bool {
    self[evaluations] += 1
    guard rule.direction.isBetter(value, than: self[best]) else {
      self[waits] += 1
      return false
    }
    (self[best], self[self.step], self[waits]) = (value, Double(step), 0)
    return true
  }
}
