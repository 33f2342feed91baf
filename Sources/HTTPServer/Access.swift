import CSodium

/// A secret that clients show as `Authorization: Bearer …`.
public struct Token: Sendable {
  /// The secret as text, to be shown to its users.
  public let text: String

  /// 128 random bits.
  public init() {
    var bytes = [UInt8](repeating: 0, count: 16)
    randombytes_buf(&bytes, bytes.count)
    text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// A token of the user's own; nil: it is shorter than 16 visible ASCII letters, or longer than 512.
  public init?(_ text: String) {
    guard (16...512).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    self.text = text
  }

  /// Whether it is the same, in a time that does not say where it differs.
  func matches(_ other: some StringProtocol) -> Bool {
    let (own, other) = (Array(text.utf8), Array(other.utf8))
    return own.count == other.count && sodium_memcmp(own, other, own.count) == 0
  }
}

/// Who may ask.
public struct Access: Sendable {
  /// The secret that clients show; nil: any client that reaches the server has access.
  public let token: Token?
  /// What a browser shows after it was given the token; nil: browsers show the token as other clients do.
  let cookie: Cookie?
  /// Names of this server beside addresses and `localhost`, in lower case.
  let hosts: Set<String>

  /// - Parameters:
  ///   - hosts: names by which clients reach the server, beside addresses and `localhost`.
  ///   - givesCookies: whether a browser that opens `/?token=…` gets a cookie for its later requests.
  public init(token: Token?, hosts: [String] = [], givesCookies: Bool = false) {
    (self.token, self.hosts) = (token, Set(hosts.map { $0.lowercased() }))
    cookie = givesCookies ? token.map(Cookie.init) : nil
  }

  /// Refuses a request that a page from elsewhere made a browser send; nil: it may go on.
  ///
  /// A page whose name is made to mean this machine (DNS rebinding) sends its own name as Host; a page of another server
  /// sends that as Origin.
  func refusal(ofBrowser request: Request) -> Response? {
    guard let host = request.headers["Host"], let name = Access.name(ofHost: host) else {
      return .error(400, "The request must have one Host header.")
    }
    guard isKnown(name) else {
      return .error(
        421,
        "This server is not called \(name): use its address or localhost, or start it with --allow-host (--page-host)."
      )
    }
    let origins = request.headers.all("Origin")
    guard origins.isEmpty || origins == ["http://\(host)"] || origins == ["https://\(host)"] else {
      return .error(403, "Pages of other servers are not answered.")
    }
    return nil
  }

  /// Refuses a request without the token; nil: it may go on.
  func refusal(ofStranger request: Request) -> Response? {
    guard let token else { return nil }
    if let cookie, cookie.isShown(by: request) { return nil }
    let words = request.headers["Authorization"]?.split(separator: " ") ?? []
    guard words.count == 2, words[0].lowercased() == "bearer", token.matches(words[1]) else {
      let browsers = cookie == nil ? "" : "open the address with ?token=TOKEN behind it, or "
      return .error(
        401, "The token is missing or wrong: \(browsers)send it as Authorization: Bearer TOKEN.",
        headers: [("WWW-Authenticate", "Bearer")])
    }
    return nil
  }

  /// The answer to a browser that opens `/?token=…`: a cookie, and the address without the token, which so stays out of
  /// bookmarks and of what is sent to others. Nil: it shows no token, or a wrong one.
  func cookieAnswer(to request: Request) -> Response? {
    guard let token, let cookie, request.method == "GET", request.path.isEmpty, let shown = request.query["token"],
      token.matches(shown)
    else { return nil }
    // Relative, and without a path: behind a proxy the server is under a path that it does not know.
    return Response(status: 303, headers: [("Location", "./"), ("Set-Cookie", cookie.header)], body: .bytes([]))
  }

  /// A host without its port, in lower case; nil: it is none.
  static func name(ofHost host: String) -> String? {
    let host = host.lowercased()
    guard host.utf8.count <= 255, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    let name: Substring
    let rest: Substring
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      (name, rest) = (host[...end], host[host.index(after: end)...])
    } else {
      name = host.prefix { $0 != ":" }
      rest = host[name.endIndex...]
    }
    guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":") && UInt16(rest.dropFirst()) != nil else { return nil }
    return String(name)
  }

  private func isKnown(_ name: String) -> Bool {
    if hosts.contains(name) || name == "localhost" || name.hasSuffix(".localhost") { return true }
    if name.hasPrefix("[") {
      return name.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
  }
}
