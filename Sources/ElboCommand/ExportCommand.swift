import ArgumentParser
import Runs

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "A run's networks for PyTorch: safetensors files, and a module that loads them.",
    discussion: """
      Example:
        elbo export runs/dcgan --output dcgan-torch
        python -c 'import torch; from model import Generator; print(Generator()(torch.randn(4, 100)).shape)'
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: ArgumentHelp("The folder to write.", valueName: "dir"))
  var output: String

  func run() async throws {
    try Run(opening: run).export(to: output)
    print(output)
  }
}
