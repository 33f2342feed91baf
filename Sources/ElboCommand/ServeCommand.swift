import ArgumentParser
import Files
import Foundation
import HTTPServer
import Recipes
import Reports
import Serving

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Predictions over HTTP, by the Open Inference Protocol (KServe V2).",
    discussion: """
      Examples:
        elbo serve runs/bbb --port 8000
        elbo serve iris=runs/gaussian-process fashion.elbo --port 8000 --token-file token.txt

      A request gets what `elbo predict` writes, bit for bit, whatever is asked beside it. Models whose files change are opened
      anew. SIGTERM and Ctrl-C let what is being answered finish.
      """)

  @Argument(help: ArgumentHelp("Run folders, or files that `elbo export` wrote.", valueName: "[name=]model"))
  var models: [String]

  @OptionGroup var listening: ListeningOptions
  @OptionGroup var lanes: LaneOptions

  @Option(help: ArgumentHelp("Monte Carlo samples of requests that do not say how many.", valueName: "t"))
  var samples = 100

  @Flag(help: "Write a line for each request to standard error.")
  var log = false

  func run() async throws {
    guard let port = listening.port else { throw RecipeError("name the port to listen at, as in --port 8000") }
    let access = try listening.access()
    let service = try ModelService(models, lanes: lanes.count(), samples: samples) { line in
      StandardError.write("elbo: \(line)\n")
    }
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let signals = SignalWatch { _ in end.yield() }
    defer { signals.end() }
    let server = try await Server.start(
      service.routes, access: access, host: listening.host, port: port
    ) { [log] record in
      service.observe(record)
      if log { StandardError.write("\(record)\n") }
    }
    print("Serving \(service.names.joined(separator: ", ")) at \(server.address), \(listening.howToAsk(access))")
    fflush(nil)
    let watching = Task { await service.watch() }
    for await _ in ends { break }
    watching.cancel()
    service.beginEnd()
    await server.shutDown(within: .seconds(20))
    service.end()
  }
}
