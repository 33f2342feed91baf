import Figures
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
  /// Pictures that were made on the way, to be drawn by whoever listens; ends with `end()`.
  let pictures: AsyncStream<[Figure]>
  private let drawing: AsyncStream<[Figure]>.Continuation

  /// What a checkpoint says about where it comes from.
  struct Identity: Sendable {
    let model: String
    let recipe: String
    let data: String
    let keepCheckpoints: Int
    /// What the progress line shows.
    let shownMetrics: [String]
  }

  private struct Output: ~Copyable {
    var progress: ProgressReporter
    var metrics: MetricsWriter
    var last: TrainingReport?
    var examples = 0
  }

  /// - Parameter step: where a resumed training goes on from; metrics beyond it are written again.
  init(_ run: RunFolder, learner: any Learner, identity: Identity, from step: Int?, quiet: Bool) throws {
    self.run = run
    self.learner = learner
    self.identity = identity
    (pictures, drawing) = AsyncStream.makeStream()
    output = Mutex(
      Output(
        progress: .standardError(isQuiet: quiet),
        metrics: try MetricsWriter(run.metrics, resumingFrom: step)))
  }

  /// The last report, for the summary.
  var lastReport: TrainingReport? { output.withLock { $0.last } }

  func step(_ report: TrainingReport) {
    output.withLock { output in
      output.examples += report.examples
      output.progress.update(
        TrainingProgress(
          step: report.step, totalSteps: report.steps,
          epoch: min(Int(report.epoch) + 1, Int(report.epochs.rounded(.up))),
          totalEpochs: Int(report.epochs.rounded(.up)), examples: output.examples,
          metrics: identity.shownMetrics.compactMap { name in
            report.metrics[name].map { TrainingProgress.Metric(String(name.dropFirst("train/".count)), $0) }
          }))
    }
  }

  func report(_ report: TrainingReport) throws {
    try output.withLock { output in
      output.last = report
      try output.metrics.append(
        MetricsRecord(
          step: report.step, epoch: report.epoch, seconds: report.seconds,
          examplesPerSecond: report.examplesPerSecond, metrics: report.metrics))
    }
  }

  func checkpoint(_ moment: Trainer.Moment) throws {
    let state = Checkpoint.State(
      learner, at: moment, model: identity.model, recipe: identity.recipe, data: identity.data)
    try output.withLock { try $0.metrics.sync() }
    try Checkpoint.write(learner, state: state, in: run, keeping: identity.keepCheckpoints)
  }

  func figures(_ figures: [Figure], at step: Int) { drawing.yield(figures) }

  func alarm(_ cause: String, at step: Int) { note("warning: at step \(step), \(cause)") }

  /// A line for the user, unless the training is quiet.
  func note(_ text: String) {
    output.withLock { $0.progress.note(text) }
  }

  /// Ends the progress line, so that what follows starts on a line of its own.
  func end() {
    drawing.finish()
    output.withLock { $0.progress.finish() }
  }
}
