import Foundation
import HTTPServer
import Pages
import TestSupport

/// Run folders as trainings leave them, made by hand.
struct Folder: ~Copyable {
  private let folder = TemporaryFolder()

  var path: String { folder.path }
  subscript(name: String) -> String { folder.path + "/" + name }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try FileManager.default.createDirectory(
      atPath: (self[name] as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: self[name]))
  }

  /// A finished run with three points, and a picture of two steps and of the end.
  /// - Parameter isBare: whether it is a recipe and a summary alone.
  func run(
    _ name: String, seed: Int = 0, sha: String = "aa", metrics: [String: Double] = ["test/elbo": -100],
    isBare: Bool = false
  ) throws {
    try write("\(name)/recipe.yaml", "model: \"vae\"\ntrain:\n  seed: \(seed)\n  epochs: 3\nnetwork:\n  latent: 2\n")
    let values = metrics.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",")
    try write(
      "\(name)/summary.json",
      """
      {"status": "finished", "model": "vae", "steps": 3, "epochs": 3, "seconds": 1.5, "examples_per_second": 20,
       "parameters": 7, "parameters_sha256": "\(sha)", "metrics": {\(values)}, "figures": []}
      """)
    guard !isBare else { return }
    try write("\(name)/metrics.jsonl", (1...3).map { Folder.line($0, Double($0)) }.joined())
    for file in ["samples-step-000001.png", "samples-step-000002.png", "samples.png"] {
      try write("\(name)/figures/\(file)", "png of \(file)")
    }
  }

  static func line(_ step: Int, _ value: Double) -> String {
    "{\"step\":\(step),\"epoch\":\(step),\"seconds\":0.5,\"examples_per_second\":10,\"train/elbo\":\(value)}\n"
  }
}

/// A page that is served, and what it is asked.
struct Served {
  let server: PageServer
  let page: Page
  let port: Int

  init(_ page: Page, token: Token? = nil) async throws {
    self.page = page
    server = try await PageServer.start(
      page, access: Access(token: token, givesCookies: true), host: "127.0.0.1", port: 0, showsToken: true)
    port = Int(server.address.split(separator: ":").last!.prefix(while: \.isNumber))!
  }

  init(_ folder: String) async throws { try await self.init(Page(.folder(folder))) }

  /// The whole answer.
  func ask(_ target: String, method: String = "GET", _ headers: [String] = ["Host: localhost"]) async throws -> String {
    let client = try RawClient(port: port)
    let lines = ["\(method) \(target) HTTP/1.1"] + headers + ["Connection: close", "", ""]
    await client.send(lines.joined(separator: "\r\n"))
    return await client.rest()
  }

  /// The object that is answered.
  func object(_ target: String) async throws -> [String: Any] {
    let answer = try await ask(target)
    guard status(answer) == 200, let start = answer.firstRange(of: "\r\n\r\n") else { return ["answer": answer] }
    let object = try JSONSerialization.jsonObject(with: Data(answer[start.upperBound...].utf8))
    return object as? [String: Any] ?? [:]
  }

  /// The values of a curve in an answer of `metrics`.
  static func values(_ told: [String: Any], _ name: String, _ key: String = "value") -> [Double?] {
    let curve = (told["curves"] as? [String: Any])?[name] as? [String: Any]
    return (curve?[key] as? [Any] ?? []).map { ($0 as? NSNumber)?.doubleValue }
  }
}
