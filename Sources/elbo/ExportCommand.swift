import ArgumentParser
import Files
import Foundation
import Models
import Recipes
import Runs
import Training

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
    let trained = try TrainedRun(opening: run)
    guard let learner = trained.job.learner as? any Exporting else {
      throw TrainingError(
        .unsuitable, "a \(trained.job.model.name) is not exported as a module",
        advice: "load \(trained.checkpoint.folder)/model.safetensors itself; its tensors have PyTorch's names")
    }
    do {
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    } catch {
      throw RecipeError("--output \(output): the folder cannot be made; name another")
    }
    for document in try learner.export(to: output) {
      try AtomicFile.write("\(output)/\(document.name)", document.contents)
    }
    print(output)
  }
}
