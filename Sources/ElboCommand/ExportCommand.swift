import ArgumentParser
import Runs

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "A run as one file, or its networks for PyTorch.",
    discussion: """
      Examples:
        elbo export runs/bbb --output bbb.elbo         the model as one file, without training data
        elbo predict bbb.elbo --input X.npy --output P.csv
        elbo export runs/dcgan --output dcgan-torch
        python -c 'import torch; from model import Generator; print(Generator()(torch.randn(4, 100)).shape)'
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "A file that ends with .elbo, or a folder for PyTorch.", valueName: "file.elbo|dir"))
  var output: String

  func run() async throws {
    try Run(opening: run).export(to: output)
    print(output)
  }
}
