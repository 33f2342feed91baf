import Files

/// What a client is answered.
public struct Response: Sendable {
  public enum Body: Sendable {
    case bytes([UInt8])
    /// Sent piece by piece while the closure makes it, as server-sent events are. The closure is cancelled when the client
    /// is gone or the server ends; what it throws closes the connection.
    case stream(@Sendable (BodyWriter) async throws -> Void)
  }

  public var status: Int
  /// Beside those that the server adds: length, and what keeps browsers from harm.
  public var headers: [(name: String, value: String)]
  public var body: Body

  public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }

  /// A text or document of a type.
  public init(status: Int = 200, type: String, _ text: String) {
    self.init(status: status, headers: [("Content-Type", type)], body: .bytes(Array(text.utf8)))
  }

  /// An error as a JSON object with one sentence: `{"error":"…"}`.
  public static func error(
    _ status: Int, _ sentence: String, headers: [(name: String, value: String)] = []
  ) -> Response {
    let object = JSONText.object([("error", JSONText.string(sentence))])
    var response = Response(status: status, type: "application/json", object + "\n")
    response.headers += headers
    return response
  }

  /// What every answer says to a browser, unless the answer says otherwise.
  static let security: [(name: String, value: String)] = [
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
  ]
}

/// Where a streamed body is written.
public struct BodyWriter: Sendable {
  let send: @Sendable ([UInt8]) async throws -> Void

  /// Sends a piece; returns when the system has taken it.
  /// - Throws: when the client is gone, or takes nothing for too long.
  public func write(_ piece: [UInt8]) async throws {
    try Task.checkCancellation()
    if !piece.isEmpty { try await send(piece) }
  }

  public func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}
