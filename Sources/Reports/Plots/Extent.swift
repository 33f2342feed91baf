import Figures
import Glibc

/// The interval that numbers on an axis fill.
struct Extent {
  private var lower = Double.infinity
  private var upper = -Double.infinity
  private let scale: Axis.Scale

  init(scale: Axis.Scale) {
    self.scale = scale
  }

  func hasPlace(for value: Double) -> Bool { isDrawable(value, scale) }

  mutating func include(_ value: Double) {
    guard hasPlace(for: value) else { return }
    lower = min(lower, value)
    upper = max(upper, value)
  }

  mutating func include(_ values: [Double]) {
    for value in values { include(value) }
  }

  /// The ends of the axis: what the axis asks for, else the data with a margin; never an empty interval.
  ///
  /// - Parameters:
  ///   - margin: the share of the interval that is added at each end.
  ///   - standsOnZero: the data has a floor at zero, so there is no margin beyond an end that lies there.
  func ends(axis: Axis, margin: Double, standsOnZero: Bool) -> (lower: Double, upper: Double) {
    let toAxis: (Double) -> Double = scale == .log ? { log10($0) } : { $0 }
    var (low, high) = lower > upper ? (0, 1) : (toAxis(lower), toAxis(upper))
    let width = high - low
    if Self.isEmpty(low, high) {
      let half = max(abs(low) * 0.05, 0.5)
      (low, high) = (low - half, high + half)
    } else {
      let hasFloor = standsOnZero && scale == .linear
      if !(hasFloor && low == 0) { low -= width * margin }
      if !(hasFloor && high == 0) { high += width * margin }
    }

    let asked = [axis.lower, axis.upper].map { $0.flatMap { isDrawable($0, scale) ? toAxis($0) : nil } }
    (low, high) = (asked[0] ?? low, asked[1] ?? high)
    if Self.isEmpty(low, high) {
      // What was asked for and the data, or both ends that were asked for, leave nothing between them.
      let unit = max(abs(low), abs(high), 1) * 0.1
      if asked[1] == nil { high = low + unit } else { low = high - unit }
    }
    return scale == .log ? (pow(10, low), pow(10, high)) : (low, high)
  }

  /// Whether gnuplot would refuse the interval: empty, or so narrow that its tick marks coincide.
  private static func isEmpty(_ low: Double, _ high: Double) -> Bool {
    high - low <= max(abs(low), abs(high)) * 1e-9 || high - low < 1e-290
  }
}

/// Whether a number has a place on an axis. Beyond 1e300 the arithmetic of ranges and ticks would overflow.
func isDrawable(_ value: Double, _ scale: Axis.Scale) -> Bool {
  abs(value) <= 1e300 && (scale == .linear || value >= 1e-300)
}
