import CSodium

/// What a browser shows in place of a token: it is derived from the token, and does not reveal it.
struct Cookie: Sendable {
  /// Cookies are shared by all ports of a host, so each server has a name of its own.
  let name: String
  private let value: Token

  init(_ token: Token) {
    name = "elbo-" + Cookie.digest("name " + token.text).prefix(12)
    value = Token(Cookie.digest("value " + token.text))!
  }

  /// The value of Set-Cookie: for as long as the browser runs, no script reads it, and no page from elsewhere has it sent.
  var header: String { "\(name)=\(value.text); HttpOnly; SameSite=Strict" }

  func isShown(by request: Request) -> Bool {
    request.headers.all("Cookie").flatMap { $0.split(separator: ";") }.contains { pair in
      let pair = pair.drop { $0 == " " }
      return pair.hasPrefix(name + "=") && value.matches(pair.dropFirst(name.utf8.count + 1))
    }
  }

  private static func digest(_ text: String) -> String {
    var bytes = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    let text = Array(text.utf8)
    crypto_hash_sha256(&bytes, text, UInt64(text.count))
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
