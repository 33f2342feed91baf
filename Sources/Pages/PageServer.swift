import HTTPServer

/// A page that is served, and the task that looks for news.
package struct PageServer: Sendable {
  package let service: PageService
  /// What a browser opens, the token in it unless the user knows it already.
  package let address: String
  private let server: Server
  private let watching: Task<Void, Never>

  /// - Parameter showsToken: whether the address has the token in it.
  /// - Throws: `ServerError` when the address cannot be listened at.
  package static func start(
    _ page: Page, access: Access, host: String, port: Int, showsToken: Bool
  ) async throws -> PageServer {
    let service = PageService(page)
    let server = try await Server.start(
      service.routes, access: access, host: host, port: port, limits: PageService.limits)
    let token = showsToken ? access.token.map { "?token=\($0.text)" } : nil
    return PageServer(
      service: service, address: "\(server.address)/\(token ?? "")", server: server,
      watching: Task { await service.watch() })
  }

  package func end() async {
    watching.cancel()
    await service.close()
    await server.shutDown(within: .seconds(1))
  }
}
