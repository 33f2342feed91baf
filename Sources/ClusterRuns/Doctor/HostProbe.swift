import Foundation
import Recipes
import ZeroMQ

/// The end of `elbo doctor --hosts` that runs on each machine, at the other end of an ssh. It writes a line of JSON
/// that says what the machine is and where it listens, reads one that says where the others do, writes one that says
/// whom it has reached, and stays until its standard input ends, since others may still want to reach it.
package enum HostProbe {
  /// Where somebody listens, and what they say there.
  package struct Place: Codable, Sendable {
    package var host: String
    package var port: UInt16
    package var token: String

    /// As one word of a command line.
    package var word: String { "\(token)@\(Endpoint(.tcp(host: host, port: .number(port))))" }

    package init(host: String, port: UInt16, token: String) { (self.host, self.port, self.token) = (host, port, token) }

    package init?(word: String) {
      let parts = word.split(separator: "@", maxSplits: 1)
      guard parts.count == 2, parts[0].utf8.count == TokenServer.tokenLength,
        case .tcp(let host, .number(let port))? = (try? Endpoint(String(parts[1])))?.transport
      else { return nil }
      self.init(host: host, port: port, token: String(parts[0]))
    }
  }

  package struct Greeting: Codable, Sendable {
    package var check: MachineCheck
    /// Nil where the machine has no address toward the hub.
    package var place: Place?
    package var hub: Reach
  }

  package enum Reach: Codable, Sendable {
    case reached(milliseconds: Double)
    case failed(String)

    package init(_ place: Place) {
      do {
        self = .reached(
          milliseconds: try TokenServer.reach(host: place.host, port: place.port, token: place.token))
      } catch {
        self = .failed("\(error)")
      }
    }
  }

  package static func run(toward word: String, data: String) async throws {
    guard let hub = Place(word: word) else { throw RecipeError("--probe \(word) is not TOKEN@tcp://HOST:PORT") }
    let server = try TokenServer(host: nil, port: 0)
    let address = LocalAddress.toward(Endpoint(.tcp(host: hub.host, port: .number(hub.port))))
    let greeting = Greeting(
      check: try await MachineCheck(data: data, withFingerprint: true),
      place: address.map { Place(host: $0, port: server.port, token: server.token) }, hub: Reach(hub))
    try write(greeting)
    guard let line = readLine(), let peers = try? JSONDecoder().decode([Place?].self, from: Data(line.utf8)) else {
      return
    }
    try write(peers.map { $0.map(Reach.init) })
    while readLine() != nil {}
  }

  private static func write(_ value: some Encodable) throws {
    FileHandle.standardOutput.write(try JSONEncoder().encode(value) + Data("\n".utf8))
  }
}
