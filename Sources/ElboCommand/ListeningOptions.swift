import ArgumentParser
import Files
import HTTPServer
import Recipes

/// Where a server listens, and who may ask it.
struct ListeningOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "The port to listen at; 0: one that is free.")
  var port: Int?

  @Option(help: ArgumentHelp("The interface to listen at; 0.0.0.0: all of them.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(
    help: ArgumentHelp(
      "A name by which clients reach this server, beside its addresses; repeatable.", valueName: "name"))
  var allowHost: [String] = []

  @Option(help: ArgumentHelp("The token that clients show. (default: a new one, which is printed)", valueName: "file"))
  var tokenFile: String?

  @Flag(help: "Answer every client that reaches the server, without a token.")
  var open = false

  /// - Parameter givesCookies: whether browsers are to show the token too.
  func access(givesCookies: Bool = false) throws -> Access {
    guard !open || tokenFile == nil else { throw RecipeError("--open asks for no token: leave --token-file out") }
    return try Access(token: open ? nil : Token.ofFile(tokenFile), hosts: allowHost, givesCookies: givesCookies)
  }

  /// What a client has to show, in a few words.
  func howToAsk(_ access: Access) -> String {
    guard let token = access.token else { return "to every client" }
    return tokenFile.map { "with the token of \($0)" } ?? "with the token \(token.text)"
  }
}

extension Token {
  /// The token that a file holds; without a file, a new one.
  static func ofFile(_ tokenFile: String?) throws -> Token {
    guard let tokenFile else { return Token() }
    let text = String(decoding: try InputFile.read(tokenFile, limit: 4096), as: UTF8.self)
    guard let token = Token(text.split(whereSeparator: \.isWhitespace).joined(separator: " ")) else {
      throw RecipeError("\(tokenFile) holds no token: write 16 to 512 letters, digits or signs into it, in one line")
    }
    return token
  }
}
