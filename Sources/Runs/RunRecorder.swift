import Datasets
import Figures
import Foundation
import Reports
import Synchronization
import Training

/// Writes down what happens in a training: progress on the terminal, metrics and checkpoints in the run folder.
package final class RunRecorder: TrainingObserver {
  private let run: RunFolder
  private let learner: any Learner
  private let identity: Identity
  private let isSweep: Bool
  /// Who else hears of everything.
  private let listener: (any TrainingObserver)?
  private let output: Mutex<Output>
  /// Pictures that were made on the way, to be drawn by whoever listens; ends with `end()`.
  package let pictures: AsyncStream<[Figure]>
  private let drawing: AsyncStream<[Figure]>.Continuation

  /// What a checkpoint says about where it comes from.
  package struct Identity: Sendable {
    package let model: String
    package let recipe: String
    package let data: Schema
    package let keepCheckpoints: Int
    /// What the progress line shows.
    package let shownMetrics: [String]
  }

  private struct Output: ~Copyable {
    var progress: ProgressReporter
    var metrics: MetricsWriter
    var last: TrainingReport?
    var examples = 0
  }

  /// - Parameter step: where a resumed training goes on from; metrics beyond it are written again.
  package init(
    _ run: RunFolder, learner: any Learner, identity: Identity, from step: Int?, quiet: Bool,
    listener: (any TrainingObserver)? = nil
  ) throws {
    self.run = run
    self.learner = learner
    self.identity = identity
    isSweep = if case .sweep = learner.order { true } else { false }
    self.listener = listener
    (pictures, drawing) = AsyncStream.makeStream()
    output = Mutex(
      Output(
        progress: .standardError(isQuiet: quiet),
        metrics: try MetricsWriter(run.metrics, resumingFrom: step)))
  }

  /// The last report, for the summary.
  package var lastReport: TrainingReport? { output.withLock { $0.last } }

  package func step(_ report: TrainingReport) {
    output.withLock { output in
      output.examples += report.examples
      output.progress.update(
        // What sweeps over the data ends when it has converged: nobody knows the step.
        TrainingProgress(
          step: report.step, totalSteps: isSweep ? nil : report.steps,
          epoch: isSweep ? nil : min(Int(report.epoch) + 1, Int(report.epochs.rounded(.up))),
          totalEpochs: Int(report.epochs.rounded(.up)), examples: output.examples,
          metrics: identity.shownMetrics.compactMap { name in
            report.metrics[name].map { TrainingProgress.Metric(String(name.dropFirst("train/".count)), $0) }
          }))
    }
    listener?.step(report)
  }

  package func report(_ report: TrainingReport) throws {
    try output.withLock { output in
      output.last = report
      try output.metrics.append(
        MetricsRecord(
          step: report.step, epoch: report.epoch, seconds: report.seconds,
          examplesPerSecond: report.examplesPerSecond, metrics: report.metrics))
    }
    try listener?.report(report)
  }

  package func checkpoint(_ moment: Trainer.Moment) throws {
    let state = Checkpoint.State(
      learner, at: moment, model: identity.model, recipe: identity.recipe, data: identity.data.fingerprint)
    try output.withLock { try $0.metrics.sync() }
    try Checkpoint.write(
      learner, state: state, schema: identity.data, in: run, keeping: identity.keepCheckpoints)
    try listener?.checkpoint(moment)
  }

  package func figures(_ figures: [Figure], at step: Int) {
    drawing.yield(figures)
    listener?.figures(figures, at: step)
  }

  package func alarm(_ cause: String, at step: Int) {
    note("warning: at step \(step), \(cause)")
    listener?.alarm(cause, at: step)
  }

  /// A line for the user, unless the training is quiet.
  package func note(_ text: String) {
    output.withLock { $0.progress.note(text) }
  }

  /// Ends the progress line, so that what follows starts on a line of its own.
  package func end() {
    drawing.finish()
    output.withLock { $0.progress.finish() }
  }
}
