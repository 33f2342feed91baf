/// Says how far a training is: on a terminal one line that is drawn again and again, elsewhere a line now and then,
/// when asked to be quiet nothing.
///
/// ```
/// epoch 3/20  [####..............]  14%  step 1700/12000  ELBO -251.3  81.3k examples/s  1:16 left
/// ```
public struct ProgressReporter: Sendable {
  /// Where the words go.
  public enum Output: Sendable {
    case none
    /// Lines, for files and pipes: one when an epoch ends, but at most one a second, and one every ten seconds.
    case lines
    /// JSON objects, one a second at most.
    case json
    /// One line of a terminal, drawn at most ten times a second. `width` is asked before each.
    case terminal(width: @Sendable () -> Int)
  }

  private let output: Output
  private let write: @Sendable (String) -> Void
  private let clock: @Sendable () -> Duration

  private var rate = RateEstimator()
  private var latest: TrainingProgress?
  /// When something was written last, or the first report came.
  private var lastWritten: Duration?
  private var isWritten = true
  private var writtenEpoch: Int?
  private var lineIsOpen = false

  /// - Parameters:
  ///   - write: takes text as it is, line ends included. Standard error for the command.
  ///   - clock: the time since some start; it never goes back.
  public init(
    _ output: Output, write: @escaping @Sendable (String) -> Void = StandardError.write,
    clock: @escaping @Sendable () -> Duration = ProgressReporter.monotonicClock()
  ) {
    self.output = output
    self.write = write
    self.clock = clock
  }

  /// Progress on standard error, as suits what standard error is.
  public static func standardError(isQuiet: Bool) -> ProgressReporter {
    if isQuiet { return ProgressReporter(.none) }
    if StandardError.format == .json { return ProgressReporter(.json, write: StandardError.writeAsIs) }
    return StandardError.isTerminal
      ? ProgressReporter(.terminal(width: { StandardError.width })) : ProgressReporter(.lines)
  }

  /// The time since this call.
  public static func monotonicClock() -> @Sendable () -> Duration {
    let start = ContinuousClock.now
    return { start.duration(to: .now) }
  }

  /// Takes note of how far things are. Cheap enough for every step; the first call, before the first step of this
  /// process, makes the time left right after a resumption.
  public mutating func update(_ progress: TrainingProgress) {
    if case .none = output { return }
    let now = clock()
    rate.update(step: progress.step, examples: progress.examples, at: now / .seconds(1))
    latest = progress
    isWritten = false
    guard let lastWritten else {
      self.lastWritten = now
      writtenEpoch = progress.epoch
      if case .terminal = output { draw(now) }
      return
    }
    let pause = now - lastWritten
    switch output {
    case .none: break
    case .terminal: if pause >= .milliseconds(100) { draw(now) }
    case .lines:
      let epochEnded = progress.epoch != writtenEpoch
      if pause >= .seconds(10) || epochEnded && pause >= .seconds(1) { draw(now) }
    case .json: if pause >= .seconds(1) { draw(now) }
    }
  }

  /// Writes a line of its own, without spoiling the line that is drawn.
  public mutating func note(_ text: String) {
    switch output {
    case .none: break
    case .lines: write(text + "\n")
    case .json: write(StandardError.messages(text))
    case .terminal:
      write((lineIsOpen ? "\r\u{1B}[K" : "") + text + "\n")
      lineIsOpen = false
      if latest != nil { draw(clock()) }
    }
  }

  /// Writes where things stand for the last time and ends the line.
  public mutating func finish() {
    if case .none = output { return }
    if !isWritten { draw(clock()) }
    if lineIsOpen { write("\n") }
    lineIsOpen = false
  }

  private mutating func draw(_ now: Duration) {
    guard let latest else { return }
    let left = latest.totalSteps.flatMap { rate.secondsLeft(steps: $0 - latest.step) }
    let line = ProgressLine(progress: latest, examplesPerSecond: rate.examplesPerSecond, secondsLeft: left)
    switch output {
    case .none: break
    case .lines: write(line.full + "\n")
    case .json: write(StandardError.progress(latest, examplesPerSecond: rate.examplesPerSecond, secondsLeft: left))
    case .terminal(let width):
      // A line as wide as the terminal would break on some.
      write("\r" + line.fitted(to: width() - 1) + "\u{1B}[K")
      lineIsOpen = true
    }
    lastWritten = now
    writtenEpoch = latest.epoch
    isWritten = true
  }
}
