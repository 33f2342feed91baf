import ArgumentParser
import Foundation
import Recipes
import Runs
import Training

struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train here, in this process.",
    discussion: """
      Examples:
        elbo train vae
        elbo train vae --data FOLDER --set objective.estimator=a --seed 3
        elbo train my-recipe.yaml --epochs 50 --out runs/mine
        elbo train --resume runs/mine --epochs 100
        elbo train dcgan --data faces.npy --from runs/others --freeze-discriminator 2
        elbo train bbb-regression --protocol uci --data uci/yacht --grid objective.prior_deviation=0.3,1 --nodes 4
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions
  @OptionGroup var output: TrainingOutputOptions
  @OptionGroup var page: PageOptions

  @OptionGroup var protocols: ProtocolOptions

  func run() async throws {
    let lanes = try lanes.count()
    if try protocols.isWanted(recipe: recipe, output) {
      guard page.page == nil else {
        throw RecipeError("a protocol trains many runs: leave --page out, and look at a run with `elbo page RUN`")
      }
      return try await protocols.run(recipe!, options, output, lanes: lanes)
    }
    let request = try output.request(recipe, options)
    let prepared = try request.prepare()
    if output.dryRun { return Results.print(dryRunOf: prepared.job, quiet: output.quiet) }
    let page = try await page.start(endsByItself: prepared.job.endsByItself)
    let (run, lock) = try prepared.claim(request)
    defer { lock.release() }
    let session = try await prepared.starting(run) {
      try TrainingSession(
        prepared.job, run: run, from: prepared.checkpoint, lanes: lanes, quiet: output.quiet,
        pictures: request.pictures, observer: page?.live)
    }
    let stop = StopRequest()
    let signals = SignalWatch(stopping: stop)
    defer { signals.end() }
    await page?.show(session)
    let summary = try await page.following(\.status) { try await session.run(until: stop) }
    try Results.print(summary, json: output.json, run: session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
