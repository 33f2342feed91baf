import ArgumentParser
import Cluster
import ClusterRuns
import Files
import HTTPServer
import Pages
import Recipes
import Reports
import Runs
import Training

/// Whether a training is shown in a browser, where, and to whom.
struct PageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Show how it goes in a browser, at this port of this machine, or at the interface of an address; 0: a free port.",
      valueName: "[address:]port"))
  var page: String?

  @Flag(help: "With --page: show it to every browser that reaches the port, without a token.")
  var pageOpen = false

  @Option(
    help: ArgumentHelp(
      "With --page: a name by which browsers reach it, beside addresses; repeatable.", valueName: "name"))
  var pageHost: [String] = []

  @Option(
    help: ArgumentHelp(
      "With --page: the token that readers show. (default: a new one, which is printed)", valueName: "file"))
  var pageTokenFile: String?

  /// Starts to serve the page; nil: none is asked for.
  /// - Parameter endsByItself: whether the number of steps of the training is unknown.
  func start(endsByItself: Bool) async throws -> TrainingPage? {
    guard let page else {
      guard !pageOpen, pageHost.isEmpty, pageTokenFile == nil else {
        throw RecipeError("--page-open, --page-host and --page-token-file are for a page: give --page PORT too")
      }
      return nil
    }
    guard !pageOpen || pageTokenFile == nil else {
      throw RecipeError("--page-open asks for no token: leave --page-token-file out")
    }
    let (host, port) = try PageOptions.place(page)
    let access = Access(
      token: pageOpen ? nil : try Token.ofFile(pageTokenFile), hosts: pageHost, givesCookies: true)
    let server = try await PageServer.start(
      Page(), access: access, host: host, port: port, showsToken: pageTokenFile == nil)
    StandardError.write("page at \(server.address)\n")
    return TrainingPage(server: server, live: LiveTraining(endsByItself: endsByItself))
  }

  /// `7701`, `0.0.0.0:7701` or `[::]:7701`.
  static func place(_ text: String) throws(RecipeError) -> (host: String, port: Int) {
    let mistake = RecipeError("--page \(text): write a port from 0 to 65535, or ADDRESS:PORT, as in --page 7701")
    guard let colon = text.lastIndex(of: ":") else {
      guard let port = UInt16(text) else { throw mistake }
      return ("127.0.0.1", Int(port))
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw mistake
    }
    guard !host.isEmpty, let port = UInt16(text[text.index(after: colon)...]) else { throw mistake }
    return (String(host), Int(port))
  }
}

/// A page that shows a training of this process.
struct TrainingPage: Sendable {
  let server: PageServer
  let live: LiveTraining

  /// Shows a training here.
  func show(_ session: TrainingSession) async { await server.service.show(session.run, live) }

  /// Shows a training by nodes.
  func show(_ cluster: ClusterSession) {
    Task { [cluster, self] in
      await server.service.show(cluster.session.run, live) { cluster.coordinator.tellStatus($0) }
    }
  }
}

extension Optional where Wrapped == TrainingPage {
  /// Trains, and has the page say how that ends before it ends itself.
  func following<Value>(
    _ status: (Value) -> Summary.Status, _ train: () async throws -> Value
  ) async throws -> Value {
    do {
      let value = try await train()
      await end(status(value).rawValue)
      return value
    } catch {
      await end(Summary.Status.failed.rawValue)
      throw error
    }
  }

  private func end(_ ending: String) async {
    guard let self else { return }
    await self.server.service.end(self.live, as: ending)
    await self.server.end()
  }
}
