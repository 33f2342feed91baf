import ArgumentParser
import ClusterRuns
import Datasets
import Recipes
import Reports
import Runs

struct PredictCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Predictions of a run for new inputs, with how sure they are.",
    discussion: """
      Example:
        elbo predict runs/bbb --input X.npy --samples 200 --output P.npz
        elbo predict runs/bbb --input X.npy --samples auto --tolerance 0.005
        elbo predict runs/bbb --input X.npy --samples 10000 --nodes 4
        elbo predict runs/bbb --input X.npy --samples 10000 --coordinator tcp://127.0.0.1:7700
        elbo predict runs/gaussian-process --input new.csv --output P.csv
        elbo predict runs/segmentation --input street.png --output street
        elbo predict runs/super-resolution --input small.png --output large.png
        elbo predict runs/captions --input pictures.tar.gz --output captions.csv
        elbo predict runs/bbb --input 'sqlite:shop.db?SELECT * FROM orders' --output P.csv
        cat new.csv | elbo predict runs/bbb --input - --output P.jsonl
        elbo predict runs/bbb --input new.csv --coverage 0.9 --output P.csv
        elbo predict runs/lds --input series.csv --ahead 12 --output forecast.csv

      Whatever can be trained on can be predicted from: see elbo train --help. Predictions repeat what the rows are called,
      by data.identifier or by a column `id`.

      The archive holds mean, std and quantiles, what of the uncertainty is the data's and what the parameters', and a
      standard error for each: the error that the number of Monte Carlo samples leaves.

      Samples are computed here; with --nodes by processes on this machine; with --coordinator by the nodes of a
      training that runs there; with --bind by nodes that are started with `elbo node --coordinator` and that address. The
      archive is the same, byte for byte.

      The exact models predict in closed form, so they take no samples: regressions mean, std, aleatoric_variance,
      epistemic_variance and quantiles; classifiers probabilities (mean, std) and the parts of the entropy; mixtures
      responsibilities and densities; K-means clusters and distances; PCA scores and reconstructions; hidden Markov
      models states and probabilities of each element; linear dynamical systems states, one-step predictions and
      log-densities. With --ahead these two say what may follow each sequence: mean, std and quantiles (intervals of
      50, 80 and 95 %), or probabilities of symbols.

      A segmentation reads a picture and writes a folder: classes.png, whose numbers are classes, colors.png, the
      uncertainty of the data and of the parameters as pictures, and all of it as numbers in maps.npz; or, by the name of
      the output, colors.png, maps.npz or the probabilities as .npy alone. A super-resolution writes the larger picture;
      into a folder also how sure it is of each pixel, as deviation.png and in maps.npz. A model of captions reads a
      picture or a folder of them and writes a table or JSON lines.
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "The inputs, of the type that the run was trained on: whatever can be trained on, or - for standard input.",
      valueName: "file|folder|-"))
  var input: String

  @OptionGroup var unseen: UnseenOptions
  @OptionGroup var samples: SampleCountOptions

  @Option(
    help: ArgumentHelp(
      "What to write: an archive, a table, JSON lines or one array; of a picture a folder or one of its files. (default: predictions.npz, maps, large.png)",
      valueName: "file.npz|csv|jsonl|npy|png|folder"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Add sets of classes, or intervals of numbers, that hold the truth with this probability; `elbo calibrate` first.",
      valueName: "share"))
  var coverage: Double?

  @Option(help: ArgumentHelp("Forecast so many elements after each sequence (hmm, lds).", valueName: "h"))
  var ahead: Int?

  @OptionGroup var nodes: PredictionNodeOptions
  @OptionGroup var lanes: LaneOptions
  @OptionGroup var security: SecurityOptions

  func run() async throws {
    let count = try samples.count()
    let place = try nodes.place(security, lanes: lanes.asked())
    let trained = try Run(opening: run, unseen: unseen.unseen, lanes: lanes.count())
    // A coverage that the run cannot give is refused before the samples are computed.
    let calibration = try trained.calibration(covering: coverage)
    func read() throws -> ExampleSet {
      try trained.examples(from: input) { StandardError.write($0 + "\n") }
    }
    if let ahead {
      guard place == nil else { throw RecipeError("forecasts are computed here: leave the nodes out") }
      guard coverage == nil else { throw RecipeError("a forecast has intervals of its own: leave --coverage out") }
      let output = output ?? "forecast.npz"
      try Predictions.checkWritable(output)
      return try Results.write(trained.forecast(read(), ahead: ahead), to: output)
    }
    if trained.predictsPixels {
      guard place == nil else { throw RecipeError("a picture's maps are computed here: leave the nodes out") }
      let output = output ?? "maps"
      try Segmented.checkWritable(output)
      return try Results.write(trained.segment(input, samples: count, seed: samples.seed), to: output)
    }
    if trained.enlargesPictures {
      guard place == nil else { throw RecipeError("a picture is enlarged here: leave the nodes out") }
      let output = output ?? "large.png"
      try Enlarged.checkWritable(output)
      return try Results.write(trained.enlarge(input, samples: count, seed: samples.seed), to: output)
    }
    if trained.predictsCaptions {
      guard place == nil else { throw RecipeError("captions are computed here: leave the nodes out") }
      let output = output ?? "captions.csv"
      try PictureCaptions.checkWritable(output)
      return try Results.write(trained.captions(of: input, samples: count, seed: samples.seed), to: output)
    }
    let output = output ?? "predictions.npz"
    // A place that cannot be written to is found before the samples are computed.
    try Predictions.checkWritable(output)
    let examples = try read()
    guard let place, !trained.predictsInClosedForm else {
      let predictions = try trained.predict(examples, samples: count, seed: samples.seed)
      return try Results.write(
        predictions.calibrated(by: calibration, coverage: coverage, seed: samples.seed), to: output)
    }
    let interruption = StopRequest()
    var signals: SignalWatch?
    defer { signals?.end() }
    do {
      let predictions = try await place.predict(trained, examples.inputs, samples: count, seed: samples.seed) {
        giveUp in
        signals = SignalWatch { _ in
          interruption.request()
          giveUp()
        }
      }
      try Results.write(
        predictions.identified(by: examples.identifiers).calibrated(
          by: calibration, coverage: coverage, seed: samples.seed), to: output)
      guard predictions.missing.isEmpty else { throw ExitStatus.failed }
    } catch {
      throw interruption.isRequested ? ExitStatus.interrupted : error
    }
  }
}
