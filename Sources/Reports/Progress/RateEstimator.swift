import Glibc

/// How fast steps and examples pass now.
///
/// The ratio of two exponential moving averages, of what was done and of the time it took, with a time constant in
/// seconds: right from the first interval on (both start at zero, so their bias cancels), whatever the intervals.
struct RateEstimator {
  /// After so many seconds an interval counts 1/e of a new one.
  static let timeConstant = 10.0

  private var last: (step: Int, examples: Int, seconds: Double)?
  private var steps = 0.0
  private var examples = 0.0
  private var seconds = 0.0

  /// Says how far things are at a time. The first call only sets the start: what was done before it, in an earlier
  /// process, took none of this one's time. A step that lies before the last one starts anew.
  mutating func update(step: Int, examples count: Int, at time: Double) {
    defer { last = (step, count, time) }
    guard let last, step >= last.step, count >= last.examples else {
      (steps, examples, seconds) = (0, 0, 0)
      return
    }
    let interval = max(time - last.seconds, 0)
    let decay = exp(-interval / Self.timeConstant)
    steps = steps * decay + Double(step - last.step)
    examples = examples * decay + Double(count - last.examples)
    seconds = seconds * decay + interval
  }

  var examplesPerSecond: Double? { seconds > 0 && examples > 0 ? examples / seconds : nil }

  /// Seconds that so many more steps will take.
  func secondsLeft(steps rest: Int) -> Double? {
    seconds > 0 && steps > 0 ? Double(max(rest, 0)) * seconds / steps : nil
  }
}
