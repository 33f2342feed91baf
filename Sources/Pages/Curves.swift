import Files
import Foundation
import Reports

/// The curves of a run: for each metric its values, with the step, the epoch and the time of each.
struct Curves {
  /// More metrics than this are not kept.
  static let mostCurves = 1000

  fileprivate struct Curve {
    var steps: [Int] = []
    var epochs: [Double] = []
    var seconds: [Double] = []
    var values: [Double] = []
  }

  private var curves: [String: Curve] = [:]
  private(set) var lines = 0

  mutating func add(_ line: MetricsLine) {
    lines += 1
    for (name, value) in line.values where curves[name] != nil || curves.count < Curves.mostCurves {
      curves[name, default: Curve()].append(line, value)
    }
  }

  /// An object by name: `{"train/elbo":{"step":[…],"epoch":[…],"seconds":[…],"value":[…]}}`, a thousand points each at
  /// most, among them the least and the greatest of each part.
  var json: String {
    JSONText.object(curves.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
  }
}

extension Curves.Curve {
  /// Five of each are kept at most: the first, the last, the least, the greatest and one without a number.
  static let parts = 200

  mutating func append(_ line: MetricsLine, _ value: Double) {
    steps.append(line.step)
    epochs.append(line.epoch)
    seconds.append(line.seconds)
    values.append(value)
  }

  var json: String {
    let places = Thinning.curve(count: values.count, heights: [values], most: Self.parts)
    func list(_ numbers: [Double]) -> String {
      // Seven digits are more than a picture shows.
      let texts = places.map { place -> String in
        let number = Float(numbers[place])
        return number.isFinite ? "\(number)" : "null"
      }
      return "[" + texts.joined(separator: ",") + "]"
    }
    return JSONText.object([
      ("step", "[" + places.map { "\(steps[$0])" }.joined(separator: ",") + "]"), ("epoch", list(epochs)),
      ("seconds", list(seconds)), ("value", list(values)),
    ])
  }
}
