import Datasets
import Figures
import Files
import Foundation
import Learners
import Recipes
import Reports
import Tensors
import Training

/// One training from its start, or from a checkpoint, to its end, with everything that goes into the run folder.
package struct TrainingSession: Sendable {
  private let job: TrainingJob
  package let run: RunFolder
  private let checkpoint: Checkpoint?
  private let recorder: RunRecorder
  private let trainer: Trainer
  private let pictures: PictureFormat?

  /// - Parameters:
  ///   - run: to which only this process writes.
  ///   - checkpoint: where to go on from, which the learner is filled from; one that is not written yet is the first of
  ///     the run; nil starts anew.
  ///   - keepingMetrics: whether metrics beyond the checkpoint stay, because they will not be reported again.
  ///   - isComputedHere: whether this process trains the learner, and not nodes.
  ///   - pictures: what plots in the run folder are drawn as; nil: nothing is drawn.
  ///   - observer: hears how the training goes, besides the run folder.
  package init(
    _ job: TrainingJob, run: RunFolder, from checkpoint: Checkpoint?, keepingMetrics: Bool = false, lanes: Int,
    quiet: Bool, isComputedHere: Bool = true, pictures: PictureFormat? = .png, observer: (any TrainingObserver)? = nil
  ) throws {
    self.job = job
    self.run = run
    self.checkpoint = checkpoint
    self.pictures = pictures
    if checkpoint == nil, let digest = job.source {
      throw TrainingError(
        .unsuitable, "\(Transfer.key) says that the training starts from parameters with the SHA-256 \(digest)",
        advice: "name the run that holds them with --from, or set \(Transfer.key)=null")
    }
    var plan = job.plan
    if pictures == nil { plan.figureEvery = 0 }
    try Checkpoint.removeRests(in: run)
    try AtomicFile.write(run.recipe, job.writtenRecipe.text)
    try Environment(lanes: lanes, commandLine: CommandLine.arguments).write(to: run)
    if let checkpoint, !checkpoint.isWritten {
      try Checkpoint.write(
        job.trained, state: checkpoint.state, schema: checkpoint.schema, in: run, keeping: job.keptCheckpoints)
    }
    let start = keepingMetrics ? .max : checkpoint?.state.step
    let board =
      job.writesTensorBoard
      ? TensorBoardLog(
        run, recipe: job.writtenRecipe.text, hyperparameters: job.hyperparameters, from: start,
        say: { StandardError.write($0 + "\n") }) : nil
    recorder = try RunRecorder(
      run, learner: job.trained,
      identity: RunRecorder.Identity(
        model: job.model.name, recipe: job.recipeDigest, data: job.data.schema,
        keep: job.keptCheckpoints, numericsChanges: checkpoint?.state.numericsChangesFromHere,
        shownMetrics: job.progressMetrics),
      from: start, quiet: quiet, isComputedHere: isComputedHere, board: board, listener: observer)
    trainer = Trainer(job.trained, plan: plan, crew: Crew(lanes: lanes), observer: recorder)
  }

  /// The last step that metrics.jsonl has a line of.
  package var lastRecordedStep: Int? {
    guard let bytes = try? InputFile.read(run.metrics), let line = bytes.split(separator: UInt8(ascii: "\n")).last,
      let record = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
    else { return nil }
    return record["step"] as? Int
  }

  /// A line for the user, unless the training is quiet.
  package func note(_ text: String) { recorder.note(text) }

  /// Trains here; then evaluates, draws and sums up, unless a stop was requested.
  package func run(until stop: StopRequest) async throws -> Summary {
    let state = checkpoint?.state
    return try await run(until: stop) { recorder in
      let ending = try await trainer.train(
        from: state?.converged == true ? job.plan.steps : state?.step ?? 0, after: state?.seconds ?? 0, until: stop)
      recorder.end()
      try await recorder.saveLast(ending.moment, until: stop)
      return ending
    }
  }

  /// Has something train; then evaluates, draws and sums up, unless that was interrupted.
  /// - Parameters:
  ///   - stop: ends the waiting for a disk that takes no more.
  ///   - train: leaves the learner and the newest checkpoint at the moment that it returns.
  package func run(
    until stop: StopRequest, _ train: (RunRecorder) async throws -> Trainer.Ending
  ) async throws -> Summary {
    recorder.note(
      "\(job.model.name): \(job.data.description); \(job.learner.learntCount) parameters")
    for note in job.notes { recorder.note(note) }
    let (recorder, run) = (recorder, run)
    async let progress = drawProgress()
    let ending: Trainer.Ending
    do {
      ending = try await train(recorder)
    } catch {
      recorder.end()
      recorder.board?.flush()
      // Data that the first sweep finds unsuitable is a mistake in what was asked, as if it had been found before.
      if (error as? TrainingError)?.code == .unsuitable, checkpoint == nil, recorder.lastReport == nil { run.discard() }
      throw error
    }
    recorder.end()

    var metrics = recorder.lastReport?.metrics ?? [:]
    var figures = try await progress
    var examples = job.examples
    var selection = job.evaluated?.selection
    if case .finished = ending {
      selection?.finish(ending.moment)
      try await trainer.perform { [evaluated = job.evaluated] _, _ in evaluated?.finish() }
      metrics.merge(try await trainer.evaluate()) { $1 }
      if let validation = job.validation {
        metrics.merge(try await trainer.score(validation, as: "validation")) { $1 }
      }
      examples.scored = job.scoredCount(job.learner, in: job.data)
      if let other = try job.scoringTraining() {
        // What the training reported is about its last steps, and stays.
        let scores = try await trainer.score(other.learner, as: "train").filter { $0.value.isFinite }
        metrics.merge(scores) { reported, _ in reported }
        (examples.scored, examples.scored_part) = (other.scoredCount(other.learner, in: other.data), .train)
      }
      if pictures != nil { figures += try await draw(metrics) }
      try await writeDocuments(until: stop)
    }
    let moment = ending.moment
    if ending.isFinished {
      let reported = recorder.lastReport.flatMap { $0.step == moment.step ? $0.metrics : nil } ?? [:]
      recorder.board?.add(metrics.filter { reported[$0.key] == nil }, at: moment.step)
      recorder.board?.end()
    } else {
      recorder.board?.flush()
    }
    var summary = Summary(
      status: ending.isFinished ? .finished : .interrupted, model: job.model.name, steps: moment.step,
      epochs: Double(moment.step) / Double(job.stepsPerEpoch), seconds: moment.seconds,
      examplesPerSecond: moment.seconds > 0 ? Double(moment.step * job.examplesPerStep) / moment.seconds : 0,
      parameters: job.learner.learntCount, parametersSHA256: job.trained.parameters.sha256,
      metrics: metrics, figures: figures)
    summary.selection = selection
    summary.examples = examples
    summary.numerics_changes = checkpoint?.state.numericsChangesFromHere
    let (finished, folder) = (summary, run)
    try await recorder.persist("summary.json", until: stop) { try finished.write(to: folder) }
    if !ending.isFinished {
      recorder.note("stopped after step \(moment.step); go on with: elbo train --resume \(run.path)")
    }
    return summary
  }

  /// Writes what the learner leaves in the run folder.
  private func writeDocuments(until stop: StopRequest) async throws {
    let documents = try await trainer.perform { learner, crew in
      try learner.offers.documents?(crew) ?? []
    }
    for document in documents {
      try await recorder.persist(document.name, until: stop) {
        try AtomicFile.write("\(run.path)/\(document.name)", document.contents)
      }
    }
  }

  /// Draws what a learner shows while it trains, beside the training.
  private func drawProgress() async throws -> [String] {
    var drawn: [String] = []
    for await figures in recorder.pictures { drawn += try await write(figures) }
    return drawn
  }

  /// Draws figures and returns the paths of the pictures in the run folder. Those that cannot be written are left out.
  private func write(_ figures: [Figure]) async throws -> [String] {
    let outcome: FigureWriter.Outcome
    do {
      outcome = try await FigureWriter(folder: run.figures, format: pictures ?? .png).write(figures)
    } catch {
      StandardError.write("warning: figures are left out: \(error)\n")
      return []
    }
    for note in outcome.notes { recorder.note(note) }
    recorder.board?.add(pictures: outcome.pictures, at: recorder.lastReport?.step ?? 0)
    return outcome.pictures.map { String($0.dropFirst(run.path.count + 1)) }
  }

  /// Draws the learner's figures and the curves of what was reported.
  /// - Parameter metrics: of the finished model.
  private func draw(_ metrics: [String: Double]) async throws -> [String] {
    let key = RandomKey(seed: job.plan.seed).at(step: UInt32.max)
    var figures = try await trainer.perform { learner, crew in try learner.figures(with: crew, key: key) }
    do {
      let step = job.evaluated?.selection?.step
      if let curves = try LearningCurves.figure(from: run.metrics, selectedStep: step, end: metrics) {
        figures.append(curves)
      }
    } catch {
      StandardError.write("warning: the curves of metrics.jsonl are left out: \(error)\n")
    }
    return try await write(figures)
  }
}
