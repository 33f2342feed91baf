import Messages
import Synchronization
import Training

/// How far this node's trainer is, for heartbeats.
final class NodeProgress: Sendable {
  struct Figures: Sendable {
    var stepMicroseconds: UInt64 = 0
    var objective = Double.nan
    var examplesPerSecond = 0.0
  }

  private let state = Mutex(Figures())
  var figures: Figures { state.withLock { $0 } }

  func step(_ report: TrainingReport, objective: String?) {
    state.withLock { figures in
      if report.examplesPerSecond > 0 {
        let step = Double(report.examples) / report.examplesPerSecond * 1e6
        // Smoothed over some ten steps.
        let mean = figures.stepMicroseconds == 0 ? step : Double(figures.stepMicroseconds) * 0.9 + step * 0.1
        figures.stepMicroseconds = UInt64(min(mean, 1e15))
        figures.examplesPerSecond = Double(report.examples) / (mean / 1e6)
      }
      if let objective, let value = report.metrics[objective] { figures.objective = value }
    }
  }
}

/// Hears a node's training: the coordinator writes it down.
final class NodeObserver: TrainingObserver {
  private let job: Node.Job
  private let progress: NodeProgress
  private let isScribe: @Sendable () -> Bool
  private let report: @Sendable (Report) -> Void
  private let save: @Sendable (Int, LearnerState) -> Void

  init(
    job: Node.Job, progress: NodeProgress, isScribe: @escaping @Sendable () -> Bool,
    report: @escaping @Sendable (Report) -> Void, save: @escaping @Sendable (Int, LearnerState) -> Void
  ) {
    self.job = job
    self.progress = progress
    self.isScribe = isScribe
    self.report = report
    self.save = save
  }

  func step(_ report: TrainingReport) { progress.step(report, objective: job.objective) }

  func report(_ report: TrainingReport) {
    // A node that joined late has not seen all of the steps that its first means would be over.
    guard report.isWhole else { return }
    self.report(
      Report(
        step: UInt64(report.step), examples: UInt64(report.examples),
        metrics: report.metrics.sorted { $0.key < $1.key }.map { Report.Metric($0, $1) }))
  }

  func checkpoint(_ moment: Trainer.Moment) {
    guard isScribe() else { return }
    save(moment.step, LearnerState(of: job.learner, converged: moment.converged))
  }
}
