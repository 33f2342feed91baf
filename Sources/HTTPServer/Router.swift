/// What answers one kind of request.
public struct Route: Sendable {
  public typealias Handler = @Sendable (Request) async -> Response

  public let method: String
  /// The path that it answers, with `{name}` for a part that may be anything.
  public let pattern: String
  fileprivate let parts: [Part]
  /// Whether a client without the token is answered.
  let isPublic: Bool
  let handler: Handler

  fileprivate enum Part {
    case text(String)
    case parameter(String)
  }

  /// - Parameters:
  ///   - pattern: a path, in which `{name}` stands for any one part: `/v2/models/{name}/infer`.
  ///   - isPublic: whether the token is not asked for, as of what says that the server lives.
  public init(_ method: String, _ pattern: String, isPublic: Bool = false, _ handler: @escaping Handler) {
    (self.method, self.pattern, self.isPublic, self.handler) = (method, pattern, isPublic, handler)
    parts = pattern.split(separator: "/").map { part in
      part.hasPrefix("{") && part.hasSuffix("}")
        ? .parameter(String(part.dropFirst().dropLast())) : .text(String(part))
    }
  }

  /// What the parameters are in a path; nil: it is another path.
  fileprivate func parameters(in path: [String]) -> [String: String]? {
    guard path.count == parts.count else { return nil }
    var result: [String: String] = [:]
    for (part, given) in zip(parts, path) {
      switch part {
      case .text(let text): guard text == given else { return nil }
      case .parameter(let name): result[name] = given
      }
    }
    return result
  }
}

/// Finds what answers a request.
package struct Router: Sendable {
  private let routes: [Route]

  package init(_ routes: [Route]) { self.routes = routes }

  enum Finding {
    case route(Route, parameters: [String: String])
    /// The path is there, for other methods.
    case otherMethods([String])
    case nothing
  }

  /// HEAD is GET whose body is not sent.
  func find(_ method: String, _ path: [String]) -> Finding {
    let method = method == "HEAD" ? "GET" : method
    var others: [String] = []
    for route in routes {
      guard let parameters = route.parameters(in: path) else { continue }
      if route.method == method { return .route(route, parameters: parameters) }
      others.append(route.method)
    }
    return others.isEmpty ? .nothing : .otherMethods(others + (others.contains("GET") ? ["HEAD"] : []))
  }

  /// Answers a request that may be answered.
  package func answer(_ request: Request) async -> Response {
    guard case .route(let route, let parameters) = find(request.method, request.path) else {
      return .error(404, "There is nothing under this path.")
    }
    var request = request
    request.parameters = parameters
    return await route.handler(request)
  }
}
