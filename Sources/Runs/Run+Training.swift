import Recipes
import Tensors
import Training

extension Run {
  /// Trains a recipe and writes everything that it produces to a new run folder.
  ///
  /// ```swift
  /// let recipe = try Recipe.named("vae")
  /// try recipe.set("network.latent", to: "2")
  /// let summary = try await Run.train(recipe, out: "runs/vae")
  /// print(summary.metrics["test/elbo"] ?? .nan)
  /// ```
  ///
  /// - Parameters:
  ///   - recipe: what to train, on what, how.
  ///   - folder: the run folder to make.
  ///   - source: a run whose parameters the training starts from, as far as their names and shapes agree.
  ///   - lanes: how many threads compute; by default one for each processor.
  ///   - quiet: whether to show no progress on standard error.
  ///   - observer: hears of every step, report and checkpoint.
  ///   - stop: ends the training after the step that it is in, with a checkpoint; `resume` goes on from there.
  /// - Returns: what is also in `summary.json`.
  /// - Throws: `RecipeError`, `DataError` or `TrainingError` for a mistake in what was asked; `TrainingError` with the
  ///   code `diverged` when numbers became infinite.
  @discardableResult
  public nonisolated(nonsending) static func train(
    _ recipe: Recipe, out folder: String, from source: String? = nil, lanes: Int = Run.processors, quiet: Bool = true,
    observer: (any TrainingObserver)? = nil, until stop: StopRequest = StopRequest()
  ) async throws -> Summary {
    let request = TrainingRequest(
      recipe: nil, overrides: RecipeOverrides(), out: folder, resume: nil, from: source, dryRun: false)
    return try await train(request.start(recipe), request, lanes: lanes, quiet: quiet, observer: observer, until: stop)
  }

  /// Goes on with a training from its newest checkpoint, bit for bit as if it had not been interrupted.
  ///
  /// ```swift
  /// try await Run.resume("runs/vae", setting: ["train.epochs": "40"])
  /// ```
  ///
  /// - Parameters:
  ///   - folder: the run folder to go on in.
  ///   - values: recipe keys that change: when the training ends, and what is reported.
  ///   - acceptingNumerics: whether to go on also where numbers come out otherwise than where the run was trained.
  ///   - lanes: how many threads compute; by default one for each processor.
  ///   - quiet: whether to show no progress on standard error.
  ///   - observer: hears of every step, report and checkpoint.
  ///   - stop: ends the training after the step that it is in, with a checkpoint.
  /// - Throws: `TrainingError` when a key changes on which the result of a step depends.
  @discardableResult
  public static func resume(
    _ folder: String, setting values: [String: String] = [:], acceptingNumerics: Bool = false,
    lanes: Int = Run.processors, quiet: Bool = true,
    observer: (any TrainingObserver)? = nil, until stop: StopRequest = StopRequest()
  ) async throws -> Summary {
    let assignments = values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let request = TrainingRequest(
      recipe: nil, overrides: RecipeOverrides(assignments: assignments), out: nil, resume: folder, dryRun: false,
      acceptsNumerics: acceptingNumerics)
    return try await train(request.prepare(), request, lanes: lanes, quiet: quiet, observer: observer, until: stop)
  }

  private static func train(
    _ prepared: TrainingRequest.Prepared, _ request: TrainingRequest, lanes: Int, quiet: Bool,
    observer: (any TrainingObserver)?, until stop: StopRequest
  ) async throws -> Summary {
    let (run, lock) = try prepared.claim(request)
    defer { lock.release() }
    let session = try await prepared.starting(run) {
      try TrainingSession(
        prepared.job, run: run, from: prepared.checkpoint, lanes: lanes, quiet: quiet, observer: observer)
    }
    return try await session.run(until: stop)
  }
}
