import HTTPServer
import Reports
import Training

/// A page behind a server: its answers, and the signal of changes to its readers.
package final class PageService: Sendable {
  private let page: Page
  private let signal = ChangeSignal()

  package init(_ page: Page) { self.page = page }

  /// The limits for readers: questions are short, and a reader that takes no answer is dropped soon.
  package static var limits: Limits {
    var limits = Limits()
    (limits.body, limits.bodies, limits.connections) = (1 << 10, 1 << 16, 128)
    (limits.idle, limits.reading, limits.writing) = (.seconds(10), .seconds(5), .seconds(10))
    return limits
  }

  package var routes: [Route] {
    [
      Route("GET", "/") { _ in
        Response(
          headers: [
            ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", PageDocument.policy),
          ], body: .bytes(Array(PageDocument.served.utf8)))
      },
      Route("GET", "/api/runs") { _ in await self.json(await self.page.list()) },
      Route("GET", "/api/run/{name}") { request in
        await self.json(await self.page.run(request.parameters["name"]!))
      },
      Route("GET", "/api/run/{name}/metrics") { request in
        let after = Int(request.query["after"] ?? "0") ?? 0
        return await self.json(await self.page.metrics(of: request.parameters["name"]!, after: after))
      },
      Route("GET", "/api/run/{name}/figures/{file}") { request in
        let (name, file) = (request.parameters["name"]!, request.parameters["file"]!)
        guard let (type, bytes) = await self.page.figure(file, of: name) else { return await self.nothing }
        return Response(headers: [("Content-Type", type)], body: .bytes(bytes))
      },
      Route("GET", "/api/compare") { request in
        // A slash is in no name of a folder.
        let names = (request.query["runs"] ?? "").split(separator: "/").prefix(200).map(String.init)
        return await self.json(await self.page.comparison(of: names))
      },
      Route("GET", "/events") { _ in
        Response(
          headers: [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")],
          body: .stream { body in try await self.signal.serve(body) })
      },
      Route("GET", "/metrics") { _ in Response(type: PrometheusText.type, await self.page.prometheus()) },
      Route("GET", "/livez", isPublic: true) { _ in Response(type: "text/plain", "ok\n") },
      Route("GET", "/readyz", isPublic: true) { _ in
        await self.page.isReady ? Response(type: "text/plain", "ok\n") : .error(503, "No training runs here.")
      },
    ]
  }

  /// The server runs before the run folder is open. A reader that connects in between must not take its run for gone, and
  /// a browser reports every status above 399 as an error on its console.
  private var nothing: Response {
    get async {
      await page.isStarting
        ? .error(202, "The training starts; ask again.") : .error(404, "There is nothing of this name.")
    }
  }

  private func json(_ text: String?) async -> Response {
    guard let text else { return await nothing }
    return Response(type: "application/json", text)
  }

  /// Looks for news once a second while somebody reads, until the task is cancelled.
  package func watch() async {
    var count = 0
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      count += 1
      guard signal.hasReaders else { continue }
      let names = await page.news()
      // A comment now and then keeps proxies from closing an idle connection.
      if !names.isEmpty || count.isMultiple(of: 15) { signal.post(names) }
    }
  }

  // MARK: A training of this process

  /// Shows a training.
  /// - Parameter ask: has the coordinator say how things are; nil: there are no nodes.
  package func show(
    _ run: RunFolder, _ live: LiveTraining, asking ask: StatusQuestion? = nil
  ) async {
    await page.show(run, live, asking: ask)
    signal.post(await page.news())
  }

  /// Says how the training has ended. Readers that are there have a moment to ask for what it came to.
  package func end(_ live: LiveTraining, as ending: String) async {
    let hasReaders = signal.hasReaders
    // Before the end: then the training itself counts as new.
    let names = await page.news()
    live.end(ending)
    signal.post(names)
    if hasReaders { try? await Task.sleep(for: .seconds(2)) }
  }

  /// Closes what the page holds open.
  func close() async { await page.end() }
}
