import ArgumentParser
import Foundation
import Runs

struct ProjectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "project", abstract: "The style whose picture is nearest to a given one.",
    discussion: """
      Example:
        elbo project runs/faces --target face.png --output face

      Writes projection.png, the target and the picture that was found side by side, steps.png, a film of the way there,
      and projection.npz with the style; prints how near the picture is, as PSNR in decibels. Pictures are compared pixel
      by pixel and blurred, at several sizes.
      """)

  @Argument(help: "The run folder of a generator with styles, or a file that `elbo export` wrote.")
  var run: String

  @Option(help: ArgumentHelp("The picture to look for.", valueName: "file.png|jpg"))
  var target: String

  @Option(help: ArgumentHelp("The folder to write.", valueName: "dir"))
  var output = "projection"

  @Option(parsing: .unconditional, help: "Steps of the search.")
  var steps = 1000

  @Option(parsing: .unconditional, help: "The seed of the noise of the search.", transform: seedNumber)
  var seed: UInt64 = 0

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "Of a run with classes: the one whose mean style the search begins at (default: all).",
      valueName: "name|index"))
  var className: String?

  @Flag(help: "Search for the noise of the convolutions too, and not for a style alone.")
  var noiseMaps = false

  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    let run = try Run(opening: run, lanes: lanes.count())
    let found = try await run.project(
      target, to: output, steps: steps, seed: seed, className: className,
      findsNoise: noiseMaps)
    print("PSNR \(String(format: "%.2f", found.psnr)) dB\n\(output)")
  }
}
