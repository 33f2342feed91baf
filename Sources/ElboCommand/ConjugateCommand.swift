import ArgumentParser
import Conjugate
import Reports
import Runs

struct ConjugateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conjugate", abstract: "Posterior, predictive and evidence of a conjugate model, in closed form.",
    discussion: """
      Models and the parameters of their priors:
        beta-bernoulli         a, b                                        rows of one number, 0 or 1
        beta-binomial          a, b                                        rows of successes, trials
        dirichlet-categorical  concentration                               rows of one category, 0 … K − 1, or a word
        dirichlet-multinomial  concentration                               rows of K counts
        gaussian-mean          mean, precision, noise_variance             rows of one number
        gaussian-gamma         mean, mean_precision, shape, rate           rows of one number
        gaussian-wishart       mean, mean_precision, degrees, inverse_scale  rows of D numbers

      Examples:
        elbo conjugate beta-bernoulli --data coin.csv --prior a=2 --prior b=2
        elbo conjugate gaussian-gamma --data faithful.csv --columns eruptions --figure mean.png
        elbo conjugate gaussian-gamma --data monday.csv --json > posterior.json
        elbo conjugate gaussian-gamma --data tuesday.csv --from posterior.json
      """)

  @Argument(help: "The model.")
  var model: String

  @Option(help: ArgumentHelp("The observations: a CSV table or an NPY array.", valueName: "file"))
  var data: String

  @Option(
    help: ArgumentHelp("The columns that hold them, comma-separated (default: all).", valueName: "names"))
  var columns: String?

  @Option(help: ArgumentHelp("A parameter of the prior; several numbers comma-separated.", valueName: "name=value"))
  var prior: [String] = []

  @Option(
    help: ArgumentHelp("Take the posterior of an earlier update, printed with --json, as the prior.", valueName: "file")
  )
  var from: String?

  @Option(help: ArgumentHelp("Update with so many observations at a time, and tell each posterior.", valueName: "n"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Draw prior and posterior; the numbers of the curves are written beside it, as file.csv.", valueName: "file.png"))
  var figure: String?

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    let request = try ConjugateUpdate.Request(
      model: model, source: data, columns: columns, batch: batch, from: from, prior: prior)
    let update = try ConjugateUpdate(request)
    var files: [String] = []
    if let figure {
      let drawn = try await update.draw(to: figure)
      for note in drawn.notes { StandardError.write(note + "\n") }
      files = drawn.tables + drawn.pictures
    }
    print(
      json ? try ConjugateReport(update, figures: files).json : update.table(parts: batch != nil, figures: files),
      terminator: "")
  }
}
