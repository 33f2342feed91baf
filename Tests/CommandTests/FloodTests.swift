import Foundation
import Synchronization
import TestSupport
import Testing

/// Strangers who come to every port, again and again, and hold more connections than there are descriptors.
@Suite("Strangers at every port change nothing", .serialized, .timeLimit(.minutes(15)))
struct FloodTests {
  /// Descriptors of each process; strangers want more of each.
  private static let descriptors = 100
  private static let strangers = 150

  @Test("Nodes join, the status answers, the result is that of one process")
  func flood() async throws {
    let workspace = try Workspace()
    let options = ["--steps", "200", "--set", "train.report_every=1", "--lanes", "1"]
    let expected = try await Elbo.run(workspace.training("vae", out: "alone", options)).hash()
    @Sendable func limited(_ arguments: [String]) async throws -> Elbo.Outcome {
      try await Elbo.run(throughShell: "ulimit -n \(Self.descriptors); exec \"$0\" \"$@\"", arguments)
    }
    @Sendable func node(_ name: String) async throws -> Elbo.Outcome {
      try await until { workspace.endpoint("run") != nil }
      return try await limited(["node", "--coordinator", workspace.endpoint("run")!, "--name", name, "--lanes", "1"])
    }
    /// Asks until so many nodes are there; returns where they listen.
    @Sendable func addresses(of count: Int) async throws -> [String] {
      while true {
        let status = try await Elbo.run("status", workspace.endpoint("run")!, "--json", "--patience", "30")
        #expect(status.status != .exited(2), "\(status.output)")
        let nodes = try status.json()["nodes"] as? [[String: any Sendable]] ?? []
        if nodes.count == count || status.status == .exited(2) { return nodes.compactMap { $0["address"] as? String } }
      }
    }
    async let coordinator = limited(
      ["coordinator"] + workspace.training("vae", out: "run", options).dropFirst().filter { $0 != "--quiet" }
        + ["--nodes", "3", "--bind", "tcp://127.0.0.1:*", "--wait", "600"])
    try await until { workspace.endpoint("run") != nil }
    let strangers = Strangers(Self.strangers)
    defer { strangers.end() }
    strangers.come(to: try #require(workspace.endpoint("run")))
    async let first = node("first")
    async let second = node("second")
    for address in try await addresses(of: 2) { strangers.come(to: address) }
    async let third = node("third")
    let outcome = try await coordinator
    #expect(try outcome.hash() == expected, "\(outcome.error)")
    #expect(outcome.error.contains("connections say nothing"), "\(outcome.error)")
    for node in try await [first, second, third] { #expect(node.status == .exited(0), "\(node.error)") }
    #expect(strangers.cut > Self.strangers)
  }
}

/// Connections that send nothing, or half a greeting; each that is cut is made again.
private final class Strangers: Sendable {
  private let count: Int
  private let isOver = Atomic(false)
  private let cuts = Atomic(0)
  private let running = DispatchGroup()

  init(_ count: Int) { self.count = count }

  /// Connections that the other side has cut.
  var cut: Int { cuts.load(ordering: .relaxed) }

  func come(to endpoint: String) {
    guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else { return }
    running.enter()
    Thread { [self] in
      var connections = (0..<count).map { _ in Strangers.connected(to: port) }
      while !isOver.load(ordering: .acquiring) {
        for index in connections.indices where Strangers.isCut(connections[index]) {
          close(connections[index])
          connections[index] = Strangers.connected(to: port)
          cuts.add(1, ordering: .relaxed)
        }
        usleep(20_000)
      }
      for connection in connections { close(connection) }
      running.leave()
    }.start()
  }

  func end() {
    isOver.store(true, ordering: .releasing)
    running.wait()
  }

  private static func connected(to port: UInt16) -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // Every other one begins, and stops.
    if descriptor % 2 == 0 { send(descriptor, [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3], 11, CInt(MSG_NOSIGNAL)) }
    return descriptor
  }

  private static func isCut(_ descriptor: CInt) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 256)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
      if count <= 0 { return count == 0 || errno != EAGAIN }
    }
  }
}
