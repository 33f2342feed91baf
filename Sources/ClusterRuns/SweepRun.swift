import Runs

/// A sweep, its trainings shared out among lanes of this process, processes of this machine, or hosts.
///
/// A process that dies is started again. When this process dies, the same call trains what is missing: the folder of each
/// training is named by the digest of its recipe, and each result is written down as soon as it is known.
package struct SweepRun: Sendable {
  package let sweep: Sweep
  /// Of all trainings, results and figures.
  package let folder: String
  private let work: SweepWork

  package init(_ sweep: Sweep, folder: String, places: [WorkPlace], lanes: Int?) {
    (self.sweep, self.folder) = (sweep, folder)
    work = SweepWork(places: places, lanes: lanes)
  }

  /// Has trainings end with a checkpoint. Returns false when that was asked before.
  package func stop() -> Bool { work.stop() }

  /// - Parameters:
  ///   - heard: hears of each result that is new, and how many are to come at this comparison.
  ///   - note: hears why a training was lost.
  /// - Returns: nil when it was stopped.
  package func run(
    heard: @escaping @Sendable (Sweep.Training, SweepResult) -> Void, note: @escaping @Sendable (String) -> Void
  ) async throws -> SweepOutcome? {
    var progress = try SweepProgress(sweep, folder: folder)
    while !progress.isDone {
      guard try await work.train(progress.wanted, heard: { heard($0.training, $1) }, note: note) else { return nil }
      progress.compare()
    }
    return progress.outcome
  }
}
