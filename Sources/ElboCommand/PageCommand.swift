import ArgumentParser
import Files
import Foundation
import HTTPServer
import Pages
import Recipes
import Training

struct PageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "page", abstract: "Runs in a browser: curves, figures, nodes, and what differs.",
    discussion: """
      Examples:
        elbo page                                    the runs of ELBO_RUNS, or of the folder runs
        elbo page experiments --port 7701
        elbo page runs/vae --output vae.html         one file with everything inside: a report, to send and to keep

      Nothing that is asked of it changes a run. Of a page on another machine: ssh -L 7701:127.0.0.1:7701 HOST.
      """)

  @Argument(help: "A run folder, or a folder that holds runs (default: that of ELBO_RUNS, or runs).")
  var folder: String?

  @Option(help: ArgumentHelp("Write the page of a run to this file, and serve nothing.", valueName: "html"))
  var output: String?

  @OptionGroup var listening: ListeningOptions

  func run() async throws {
    let (place, name) = try place()
    let page = Page(place)
    if let output {
      guard let name else { throw RecipeError("--output is for one run: name its folder, as in elbo page runs/vae") }
      guard let document = await page.document(of: name) else { throw RecipeError("\(name) cannot be read") }
      try AtomicFile.write(output, document)
      return print(output)
    }
    let access = try listening.access(givesCookies: true)
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let signals = SignalWatch { _ in end.yield() }
    defer { signals.end() }
    let server = try await PageServer.start(
      page, access: access, host: listening.host, port: listening.port ?? 7701, showsToken: listening.tokenFile == nil)
    print("Page at \(server.address)")
    fflush(nil)
    for await _ in ends { break }
    await server.end()
  }

  /// What is shown, and the run's name where it is one.
  private func place() throws -> (place: Page.Place, run: String?) {
    let path = Setting.run(folder ?? Setting.runsFolder)
    if FileManager.default.fileExists(atPath: path + "/recipe.yaml") {
      let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
      return (.run(absolute), URL(fileURLWithPath: absolute).lastPathComponent)
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw RecipeError("\(path): there is no such run, and no such folder of runs")
    }
    return (.folder(path), nil)
  }
}
