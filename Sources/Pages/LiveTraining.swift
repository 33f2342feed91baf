import Synchronization
import Training

/// How far a training of this process is. It hears every step on the thread that computes, and only keeps the last one.
public final class LiveTraining: TrainingObserver {
  /// Where something happened.
  struct Mark: Sendable {
    let step: Int
    let text: String
  }

  struct State: Sendable {
    /// The first step that was heard of, where the training began or went on, and the last one.
    var first: TrainingReport?
    var last: TrainingReport?
    var examples = 0
    /// The metrics of the last report.
    var metrics: [String: Double] = [:]
    /// When a checkpoint was last written, in seconds since 1970.
    var checkpoint: Double?
    var marks: [Mark] = []
    /// How the training has ended; nil: it goes on.
    var ending: String?

    /// Over all steps that were heard of.
    var examplesPerSecond: Double? {
      guard let first, let last, last.seconds > first.seconds else { return nil }
      return Double(examples - first.examples) / (last.seconds - first.seconds)
    }

    /// Seconds to the last step, by the mean time of the steps that were heard of.
    var secondsLeft: Double? {
      guard let first, let last, last.step > first.step else { return nil }
      return (last.seconds - first.seconds) / Double(last.step - first.step) * Double(last.steps - last.step)
    }
  }

  private static let mostMarks = 200

  private let current = Mutex(State())
  /// Whether the training ends when it has converged, after an unknown number of steps.
  let endsByItself: Bool

  /// - Parameter endsByItself: whether the training ends when it has converged, after an unknown number of steps.
  public init(endsByItself: Bool = false) { self.endsByItself = endsByItself }

  var state: State { current.withLock { $0 } }

  public func step(_ report: TrainingReport) {
    current.withLock { state in
      if state.first == nil { state.first = report }
      state.last = report
      state.examples += report.examples
    }
  }

  public func report(_ report: TrainingReport) {
    current.withLock { $0.metrics.merge(report.metrics) { $1 } }
  }

  public func checkpoint(_ moment: Trainer.Moment) {
    let now = Clock.now
    current.withLock { $0.checkpoint = now }
  }

  public func alarm(_ cause: String, at step: Int) {
    current.withLock { state in
      if state.marks.count < LiveTraining.mostMarks { state.marks.append(Mark(step: step, text: cause)) }
    }
  }

  /// The training is over.
  func end(_ ending: String) { current.withLock { $0.ending = ending } }
}
