/// How long to wait before something is overdue, derived from how long it took before, so that no timeout has to be
/// guessed.
///
/// Mean and mean deviation are smoothed as TCP does it (RFC 6298 with gains 1/8 and 1/4); the deadline is the mean
/// times `factor`, or four deviations above it if that is later, within hard bounds.
public struct AdaptiveDeadline: Sendable {
  public struct Configuration: Sendable {
    /// Before the first measurement.
    public var initial: Duration
    public var floor: Duration
    public var cap: Duration
    /// Times the mean.
    public var factor: Double

    public init(initial: Duration, floor: Duration, cap: Duration, factor: Double) {
      precondition(floor <= cap && factor >= 1, "a deadline lies between its bounds")
      self.initial = initial
      self.floor = floor
      self.cap = cap
      self.factor = factor
    }
  }

  private let configuration: Configuration
  /// Nanoseconds.
  private var estimate: (mean: Double, deviation: Double)?

  public init(_ configuration: Configuration) { self.configuration = configuration }

  /// Something took this long and was not overdue.
  public mutating func observe(_ duration: Duration) {
    let sample = Double(max(0, duration.nanoseconds))
    guard let (mean, deviation) = estimate else {
      estimate = (sample, sample / 2)
      return
    }
    estimate = (mean + (sample - mean) / 8, deviation + (abs(sample - mean) - deviation) / 4)
  }

  /// The deadline after `attempts` vain ones: doubled each time, up to the cap.
  public func duration(attempts: Int = 0) -> Duration {
    let base: Double
    if let (mean, deviation) = estimate {
      base = max(mean * configuration.factor, mean + 4 * deviation)
    } else {
      base = Double(configuration.initial.nanoseconds)
    }
    let bounded = max(base, Double(configuration.floor.nanoseconds))
    let doubled = bounded * Double(1 << min(attempts, 30))
    return .nanoseconds(Int64(min(doubled, Double(configuration.cap.nanoseconds))))
  }

  /// Smoothed mean; `nil` before the first measurement.
  public var mean: Duration? { estimate.map { .nanoseconds(Int64($0.mean)) } }
}
