import Foundation
import Reports
import Synchronization
import Training

/// Writes down what happens in a training: progress on the terminal, metrics and checkpoints in the run folder.
final class RunRecorder: TrainingObserver {
  private let run: RunFolder
  private let learner: any Learner
  private let identity: Identity
  private let output: Mutex<Output>

  /// What a checkpoint says about where it comes from.
  struct Identity: Sendable {
    let model: String
    let recipe: String
    let data: String
    let keepCheckpoints: Int
  }

  private struct Output: ~Copyable {
    var progress: ProgressReporter
    var metrics: MetricsWriter
    var last: TrainingReport?
  }

  init(
    _ run: RunFolder, learner: any Learner, identity: Identity, progress: sending ProgressReporter,
    metrics: sending MetricsWriter
  ) {
    self.run = run
    self.learner = learner
    self.identity = identity
    output = Mutex(Output(progress: progress, metrics: metrics))
  }

  /// The last report, for the summary.
  var lastReport: TrainingReport? { output.withLock { $0.last } }

  func step(_ report: TrainingReport) {
    output.withLock { $0.progress.update(ProgressReporter.State(report)) }
  }

  func report(_ report: TrainingReport) throws {
    try output.withLock { output in
      output.last = report
      output.progress.report(ProgressReporter.State(report))
      try output.metrics.write(
        step: report.step, epoch: report.epoch, seconds: report.seconds, examplesPerSecond: report.examplesPerSecond,
        metrics: report.metrics)
    }
  }

  func checkpoint(_ moment: Trainer.Moment) throws {
    let state = Checkpoint.State(
      learner, at: moment, model: identity.model, recipe: identity.recipe, data: identity.data)
    try Checkpoint.write(learner, state: state, in: run, keeping: identity.keepCheckpoints)
  }

  /// Ends the progress line, so that what follows starts on a line of its own.
  func end() {
    output.withLock { $0.progress.finish() }
  }
}
