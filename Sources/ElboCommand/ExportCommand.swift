import ArgumentParser
import Recipes
import Runs

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "A run as one file, or its networks for PyTorch and ONNX.",
    discussion: """
      Examples:
        elbo export runs/bbb --output bbb.elbo         the model as one file, without training data
        elbo predict bbb.elbo --input X.npy --output P.csv
        elbo export runs/bbb --output bbb.onnx         the network at the posterior's mean
        elbo export runs/bbb --output bbb.onnx --draws 50
        elbo export runs/vae --output vae.onnx         vae.encoder.onnx and vae.decoder.onnx
        elbo export runs/dcgan --output dcgan-torch
        elbo export runs/vae --tensorboard boards/vae  its metrics and figures
        python -c 'import torch; from model import Generator; print(Generator()(torch.randn(4, 100)).shape)'

      Networks take examples as the data has them and give what `elbo predict` and `elbo sample` give, in the units of
      the data. With --draws they say mean, std and entropy (of numbers the parts of the variance) over the draws that
      `elbo predict --samples T --seed S` takes. Recurrent networks, exact models and codebooks are exported as
      NAME.elbo alone.
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "A file that ends with .elbo or .onnx, or a folder for PyTorch.", valueName: "file.elbo|file.onnx|dir"))
  var output: String?

  @Option(help: ArgumentHelp("A folder for an event file of the run, in place of the model.", valueName: "dir"))
  var tensorboard: String?

  @Option(
    help: ArgumentHelp("Compute so many draws of the weights side by side (bbb, bbb-regression).", valueName: "T"))
  var draws: Int?

  @Option(parsing: .unconditional, help: "The seed of the draws.", transform: seedNumber)
  var seed: UInt64?

  func run() async throws {
    guard seed == nil || draws != nil else { throw RecipeError("--seed goes with --draws: leave it out") }
    guard (output == nil) != (tensorboard == nil) else {
      throw RecipeError("say where to: either --output, for the model, or --tensorboard, for the run's metrics")
    }
    if let tensorboard {
      guard draws == nil else { throw RecipeError("--draws goes with --output: leave it out") }
      try Run(opening: run).exportTensorBoard(to: tensorboard)
      return print(tensorboard)
    }
    for path in try Run(opening: run).export(to: output!, draws: draws, seed: seed ?? 0) { print(path) }
  }
}
