import Datasets
import Files
import Foundation
import Learners
import Models
import Recipes
import Reports
import Training

/// What the arguments ask to train, and where to go on from.
package struct TrainingRequest {
  package let recipe: String?
  package let overrides: RecipeOverrides
  package let out: String?
  package let resume: String?
  /// A run whose parameters a new one starts from.
  package let from: String?
  package let dryRun: Bool
  /// Whether to go on also where numbers come out otherwise than where the run was trained.
  package let acceptsNumerics: Bool
  /// What plots in the run folder are drawn as; nil: nothing is drawn.
  package let pictures: PictureFormat?
  /// Data that other trainings learn from too; nil: it is opened for this one.
  private let data: OpenedData?

  package init(
    recipe: String?, overrides: RecipeOverrides, out: String?, resume: String?, from: String? = nil, dryRun: Bool,
    acceptsNumerics: Bool = false, pictures: PictureFormat? = .png, data: OpenedData? = nil
  ) {
    (self.recipe, self.overrides, self.out, self.resume, self.dryRun) = (recipe, overrides, out, resume, dryRun)
    self.from = from
    (self.acceptsNumerics, self.pictures, self.data) = (acceptsNumerics, pictures, data)
  }

  private func open(_ request: DataRequest) throws(DataError) -> Dataset {
    guard let data else { return try DataSource.open(request) }
    return try data.open(request)
  }

  package struct Prepared {
    package let job: TrainingJob
    /// A run that exists, and the right to write to it unless this is a dry run; nil: it is to be made.
    package let existing: (run: RunFolder, lock: RunLock?)?
    /// Where to go on from, or what was taken from another run; nil: the training starts anew.
    package let checkpoint: Checkpoint?
    /// Whether the run's coordinator was killed and its job is not over.
    package var isRestart = false

    /// For a training by several processes that each open the data.
    /// - Throws: `TrainingError` where the data is standard input, which one process alone can read.
    package func checkSharedData() throws {
      guard job.dataRequest.source == StandardInput.name else { return }
      throw TrainingError(
        .unsuitable, "nodes cannot read the standard input of another process",
        advice: "write the data to a file that all nodes reach, and name it with --data")
    }

    /// The run to write to.
    package func claim(_ request: TrainingRequest) throws -> (run: RunFolder, lock: RunLock) {
      if let existing, let lock = existing.lock { return (existing.run, lock) }
      return try RunFolder.create(at: request.out, name: job.model.name, note: warn)
    }

    /// Starts a training. When that fails, nothing is left of a new run.
    package nonisolated(nonsending) func starting<Session>(
      _ run: RunFolder, _ start: nonisolated(nonsending) () async throws -> Session
    ) async throws -> Session {
      do {
        return try await start()
      } catch {
        if existing == nil { run.discard() }
        throw error
      }
    }
  }

  package func prepare() throws -> Prepared {
    guard let resume else {
      guard let recipe else {
        throw RecipeError("name a recipe, as in `elbo train vae`; `elbo recipes` lists what there is")
      }
      return try start(Recipe.named(recipe))
    }
    guard from == nil else {
      throw RecipeError("--from and --resume exclude each other: --resume goes on with a run, --from starts a new one")
    }
    guard out == nil else {
      throw RecipeError("--out and --resume exclude each other: a run goes on in its own folder")
    }
    let prepared = try goOn(RunFolder(opening: resume), isRestart: false)
    guard prepared.checkpoint == nil, let existing = prepared.existing else { return prepared }
    existing.lock?.release()
    throw Checkpoint.none(in: existing.run)
  }

  /// A new training.
  func start(_ reading: Recipe) throws -> Prepared {
    let transfer = try apply(to: reading)
    var job = try TrainingJob(reading, open: open)
    let checkpoint = try transfer?.begin(&job)
    return Prepared(job: job, existing: nil, checkpoint: checkpoint)
  }

  /// Overrides what the arguments ask for.
  @discardableResult
  private func apply(to recipe: Recipe) throws -> Transfer? {
    try overrides.apply(to: recipe)
    let transfer = try from.map { try Transfer(from: $0) }
    try transfer?.note(in: recipe)
    return transfer
  }

  /// What goes on in a run that exists. Nothing in it is changed.
  private func goOn(_ run: RunFolder, isRestart: Bool) throws -> Prepared {
    let lock = dryRun ? nil : try RunLock(run, note: warn)
    do {
      if isRestart, Summary.exists(in: run) {
        // The job has ended while this process waited for its turn.
        lock?.release()
        return try prepare()
      }
      let reading = try Recipe.file(run.recipe)
      if let recipe { try compare(recipe, with: reading, of: run) }
      try apply(to: reading)
      if overrides.data == nil, try reading["data"].text(DataKey.source.rawValue) == StandardInput.name {
        throw TrainingError(
          .noData, "\(run.path) was trained on standard input, which cannot be read again",
          advice: "name the same data with --data; --data - reads it from standard input once more")
      }
      var job = try TrainingJob(reading, open: open)
      if isRestart, let recipe, !Models.available.contains(where: { $0.name == recipe }) {
        let asked = try Recipe.named(recipe)
        try apply(to: asked)
        guard try TrainingJob(asked).recipeDigest == job.recipeDigest else {
          throw TrainingError(
            .otherRecipe, "\(run.path) is trained by another recipe than \(recipe) with these options",
            advice: "give what it was started with, or leave the recipe out")
        }
      }
      if lock != nil { try Checkpoint.recover(in: run) }
      let own = RecipeText(String(decoding: try InputFile.read(run.recipe, limit: 1 << 20), as: UTF8.self))
      let ownDigest = TrainingJob.digest(of: own)
      let mayGoOn = job.goOn(with: own, assigned: overrides.assignments.map { String($0.prefix { $0 != "=" }) })
      let checkpoint = try Checkpoint.restoreNewest(
        of: run, into: job.trained, optimizer: true,
        accept: { try check($0, job, mayGoOn && ownDigest == $0.recipe, run.path) }, note: warn)
      if let state = checkpoint?.state, state.isOfOtherNumerics { try accept(state, of: run) }
      return Prepared(job: job, existing: (run, lock), checkpoint: checkpoint, isRestart: isRestart)
    } catch {
      lock?.release()
      throw error
    }
  }

  /// Refuses a recipe that is named beside a run of another one. The options are applied to the run's own recipe, so
  /// those of the first start need not be given again.
  private func compare(_ recipe: String, with own: Recipe, of run: RunFolder) throws {
    let named = try Recipe.named(recipe)
    let (model, asked) = (try own[""].text("model") ?? "", try named[""].text("model") ?? "")
    guard asked == model else {
      throw TrainingError(
        .otherModel, "\(run.path) is a run of \(model), not of \(recipe)",
        advice: "leave the recipe out, or name another run")
    }
  }

  private func check(
    _ state: Checkpoint.State, _ job: TrainingJob, _ isSameRecipe: Bool, _ path: String
  ) throws {
    guard isSameRecipe else {
      throw TrainingError(
        .otherRecipe, "the recipe is not the one that \(path) was trained with",
        advice:
          "only train.epochs, train.steps and what is reported may change; to train something else, start a new run")
    }
    guard job.data.fingerprint == state.data else {
      throw TrainingError(
        .otherData, "the data is not what \(path) was trained on", advice: "name the same data with --data")
    }
  }

  /// Numbers come out otherwise here: what follows will not have the bits of an undisturbed training.
  private func accept(_ state: Checkpoint.State, of run: RunFolder) throws {
    guard acceptsNumerics else {
      throw TrainingError(
        .otherNumerics, "numbers come out otherwise here than where \(run.path) was trained until step \(state.step)",
        advice: "go on on a processor of that kind with the same libraries, or accept other bits with --accept-numerics"
      )
    }
    warn(
      "warning: numbers come out otherwise from step \(state.step) on; the result will not have the bits of an undisturbed "
        + "training, and summary.json says so")
  }

  /// What is asked for, when a coordinator has finished it already: it may have been killed as it was about to say so.
  package func finished() throws -> (run: RunFolder, summary: Summary)? {
    guard resume == nil, !dryRun, let path = out, let recipe,
      FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      let run = try? RunFolder(opening: path), let summary = Summary(of: run), summary.status == .finished
    else { return nil }
    let reading = try Recipe.named(recipe)
    try apply(to: reading)
    let resolved = try TrainingJob(reading).resolvedRecipe
    return try InputFile.read(run.recipe, limit: 1 << 20) == Array(resolved.utf8) ? (run, summary) : nil
  }

  /// Of a coordinator, which goes on with the job of the run folder when it was killed in the middle of it.
  package func prepareRestartable() throws -> Prepared {
    let path = resume ?? out
    guard let path, FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      let run = try? RunFolder(opening: path), !Summary.exists(in: run)
    else { return try prepare() }
    return try goOn(run, isRestart: true)
  }
}

/// A line for the user that also a quiet training says.
private func warn(_ text: String) { StandardError.write(text + "\n") }
