import Files
import Foundation
import Reports
import Training

extension Run {
  /// Writes a TensorBoard event file of a run that was trained without one: metrics, figures, the recipe, and how
  /// the parameters are distributed at the end.
  /// - Parameter folder: made where it is not there; TensorBoard takes its name for the run's.
  /// - Throws: `TrainingError` when this is no run folder; `FileError`.
  public func exportTensorBoard(to folder: String) throws {
    let run = try RunFolder(opening: path)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder, systemError: EACCES)
    }
    let log = TensorBoardLog(
      run, in: folder, recipe: job.resolvedRecipe, hyperparameters: job.hyperparameters, from: .max)
    if let summary = Summary(of: run) {
      let last = try? MetricsReader.records(of: run.metrics).last
      let reported = last?.step == summary.steps ? last?.metrics ?? [:] : [:]
      log.add(summary.metrics.filter { reported[$0.key] == nil }, at: summary.steps)
    }
    log.add(job.learner.parameters, at: step)
    let pictures = (try? FileManager.default.contentsOfDirectory(atPath: run.figures)) ?? []
    log.add(pictures: pictures.sorted().map { run.figures + "/" + $0 }, at: step)
    log.end()
    if let trouble = log.trouble {
      throw TrainingError(.unwritten, trouble, advice: "make room, or name another folder")
    }
  }
}
