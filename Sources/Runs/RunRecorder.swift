import Datasets
import Figures
import Files
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
  /// Nil: TensorBoard is not asked for.
  package let board: TensorBoardLog?
  /// Whether the learner holds the parameters of each report; else those of checkpoints alone.
  private let isComputedHere: Bool
  private let output: Mutex<Output>
  /// Pictures that were made on the way, for a listener to draw; ends with `end()`.
  package let pictures: AsyncStream<[Figure]>
  private let drawing: AsyncStream<[Figure]>.Continuation

  /// What a checkpoint says about where it comes from.
  package struct Identity: Sendable {
    package let model: String
    package let recipe: String
    package let data: Schema
    package let keep: KeptCheckpoints
    /// As in `Checkpoint.State`.
    package let numericsChanges: [Int]?
    /// What the progress line shows.
    package let shownMetrics: [String]
  }

  fileprivate struct Output: ~Copyable {
    var progress: ProgressReporter
    var metrics: MetricsWriter
    var last: TrainingReport?
    var examples = 0
    /// Lines that could not be written yet.
    var waiting: [MetricsRecord] = []
    var metricsRetry = Retry()
    var checkpointRetry = Retry()
  }

  /// More lines than this are not kept in memory; of more, the oldest are lost.
  private static let mostWaiting = 100_000

  private let spare = SpareDescriptors()

  /// - Parameters:
  ///   - step: where a resumed training goes on from; metrics beyond it are written again.
  ///   - isComputedHere: whether this process trains the learner, and not nodes.
  package init(
    _ run: RunFolder, learner: any Learner, identity: Identity, from step: Int?, quiet: Bool,
    isComputedHere: Bool = true, board: TensorBoardLog? = nil, listener: (any TrainingObserver)? = nil
  ) throws {
    (self.board, self.isComputedHere) = (board, isComputedHere)
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
        // Sweeps over the data end when they have converged: the number of steps is unknown.
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
    output.withLock { output in
      output.last = report
      output.waiting.append(
        MetricsRecord(
          step: report.step, epoch: report.epoch, seconds: report.seconds,
          examplesPerSecond: report.examplesPerSecond, metrics: report.metrics))
      if output.waiting.count > RunRecorder.mostWaiting { output.waiting.removeFirst() }
      if !output.metricsRetry.isInTrouble || output.metricsRetry.isDue { output.writeMetrics() }
    }
    if let board {
      board.add(report.metrics, at: report.step)
      if isComputedHere { board.add(learner.parameters, at: report.step) }
    }
    try listener?.report(report)
  }

  /// What cannot be written, in one line; `nil`: nothing.
  package var trouble: String? { output.withLock { $0.checkpointRetry.trouble ?? $0.metricsRetry.trouble } }

  /// How long until a checkpoint that could not be written is to be tried again.
  package var timeToRetry: Duration { output.withLock { $0.checkpointRetry.timeLeft } }

  package var wantsCheckpoint: Bool { output.withLock { $0.checkpointRetry.isDue } }

  /// Writes a checkpoint. When that fails the training goes on, which `wantsCheckpoint` then asks for another.
  package func checkpoint(_ moment: Trainer.Moment) throws {
    save(moment)
    try listener?.checkpoint(moment)
  }

  /// Writes a checkpoint of what the learner holds.
  /// - Returns: false when it cannot be written; the user is warned of that once.
  @discardableResult
  package func save(_ moment: Trainer.Moment) -> Bool {
    let result = Result { try spare.lend { try write(moment) } }
    return output.withLock { output in
      switch result {
      case .success:
        if output.checkpointRetry.succeeded() { output.progress.note("checkpoint \(moment.step) is written") }
        return true
      case .failure(let error):
        if output.checkpointRetry.failed("checkpoint \(moment.step)", error) {
          StandardError.write("warning: \(output.checkpointRetry.trouble!); the training goes on and tries again\n")
        }
        return false
      }
    }
  }

  /// Writes the end of the training.
  /// - Throws: `TrainingError` when that fails until `stop` is requested, or for an hour.
  package func saveLast(_ moment: Trainer.Moment, until stop: StopRequest) async throws {
    try await persist("the final checkpoint \(moment.step)", until: stop) { try spare.lend { try write(moment) } }
    try listener?.checkpoint(moment)
  }

  /// Writes what is not to be lost.
  func persist(_ what: String, until stop: StopRequest, _ write: () throws -> Void) async throws {
    try await LastWrite.persist(what, until: stop, say: { StandardError.write($0 + "\n") }, write)
  }

  private func write(_ moment: Trainer.Moment) throws {
    var state = Checkpoint.State(
      learner, at: moment, model: identity.model, recipe: identity.recipe, data: identity.data.fingerprint)
    state.numerics_changes = identity.numericsChanges
    if !isComputedHere { board?.add(learner.parameters, at: moment.step) }
    // What a checkpoint is worth does not depend on them.
    output.withLock { $0.writeMetrics(toTheDisk: true) }
    try Checkpoint.write(
      learner, state: state, schema: identity.data, in: run, keeping: identity.keep)
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

extension RunRecorder.Output {
  /// Writes the lines that wait.
  /// - Parameter toTheDisk: waits until they are there.
  mutating func writeMetrics(toTheDisk: Bool = false) {
    var written = 0
    do {
      while written < waiting.count {
        try metrics.append(waiting[written])
        written += 1
      }
      if toTheDisk { try metrics.sync() }
      if metricsRetry.succeeded() { progress.note("metrics.jsonl is written again") }
    } catch {
      if metricsRetry.failed("metrics.jsonl", error) {
        StandardError.write("warning: \(metricsRetry.trouble!); the training goes on and tries again\n")
      }
    }
    waiting.removeFirst(written)
  }
}
