import Foundation
import Testing

/// What goes over ssh, with an ssh that runs here what it would have run there.
@Suite("Machines over ssh", .serialized, .timeLimit(.minutes(15)))
struct HostsTests {
  let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try FileManager.default.createDirectory(atPath: workspace["bin"], withIntermediateDirectories: true)
    // The last argument is the line that the shell there reads.
    try workspace.write("bin/ssh", "#!/bin/sh\nfor line; do :; done\nexec /bin/sh -c \"$line\"\n")
    // What doctor looks for; nothing draws here.
    try workspace.write("bin/gnuplot", "#!/bin/sh\nexit 1\n")
    for name in ["bin/ssh", "bin/gnuplot"] {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: workspace[name])
    }
  }

  private func doctor(_ hosts: String...) async throws -> Elbo.Outcome {
    try workspace.write("hosts.yaml", "hosts:\n" + hosts.map { "  - {\($0)}\n" }.joined())
    return try await Elbo.run(
      ["doctor", "--hosts", workspace["hosts.yaml"], "--bind", "tcp://127.0.0.1:*", "--data", workspace.data],
      programs: workspace["bin"])
  }

  @Test("Machines that can train together: each pair has its time")
  func healthy() async throws {
    let outcome = try await doctor("host: one, elbo: \(Elbo.path)", "host: two, elbo: \(Elbo.path)")
    #expect(outcome.status == .exited(0), "\(outcome.output) \(outcome.error)")
    let rows = outcome.output.split(separator: "\n").suffix(2).map { $0.split(separator: " ").map(String.init) }
    // From each of them to this machine and to the other one.
    #expect(rows.map(\.count) == [3, 3] && rows.map { $0.first } == ["one", "two"], "\(outcome.output)")
    #expect(rows.allSatisfy { $0.dropFirst().allSatisfy { Double($0).map { $0 >= 0 } ?? false } }, "\(outcome.output)")
  }

  @Test("Machines that cannot, each with the reason; the others are looked at all the same")
  func unhealthy() async throws {
    try workspace.write("other.csv", "a,b\n1,2\n3,4\n")
    let outcome = try await doctor(
      "host: one, elbo: \(Elbo.path)", "host: two, elbo: /nowhere/elbo",
      "host: three, elbo: \(Elbo.path), data: \(workspace["other.csv"])",
      "host: four, elbo: \(Elbo.path), data: \(workspace["nothing"])")
    #expect(outcome.status == .exited(1))
    let failures = outcome.output.split(separator: "\n").filter { $0.hasPrefix("failed") }
    #expect(failures.count == 3, "\(outcome.output)")
    #expect(failures.contains { $0.contains("two") && $0.contains("/nowhere/elbo") }, "\(failures)")
    #expect(failures.contains { $0.contains("fingerprint") }, "\(failures)")
    #expect(failures.contains { $0.contains("nothing") }, "\(failures)")
    #expect(outcome.output.split(separator: "\n").contains { $0.hasPrefix("one ") }, "\(outcome.output)")
  }

  @Test("A launch over ssh trains to the hash of one process")
  func launch() async throws {
    try workspace.write(
      "hosts.yaml",
      "hosts:\n  - {host: one, elbo: \(Elbo.path), lanes: 1}\n  - {host: two, elbo: \(Elbo.path), lanes: 1}\n")
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", "--steps", "12")).hash()
    let launch = try await Elbo.run(
      workspace.launch("vae", out: "launch", nodes: 2, ["--steps", "12", "--hosts", workspace["hosts.yaml"]]),
      programs: workspace["bin"]
    ).hash()
    #expect(launch == alone)
  }

  @Test("A fit over ssh has the hash of one process, and tells hosts with data of their own what is wrong")
  func fit() async throws {
    let rows = (0..<60).map { "\($0 * 7 % 31),\(Double($0 * $0 % 23) / 3)" }
    try workspace.write("table.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let call = ["fit", workspace["table.csv"], "--quiet", "--json", "--out"]
    let alone = try await Elbo.run(call + [workspace["alone"], "--target", "y", "--minutes", "0.05"])
    let hosts = ["--plan", workspace["alone/plan.yaml"], "--hosts", workspace["hosts.yaml"]]
    func write(_ more: String) throws {
      try workspace.write(
        "hosts.yaml",
        "hosts:\n  - {host: one, elbo: \(Elbo.path), lanes: 1\(more)}\n  - {host: two, elbo: \(Elbo.path)}\n")
    }
    try write("")
    let there = try await Elbo.run(call + [workspace["there"]] + hosts, programs: workspace["bin"])
    #expect(try there.hash() == alone.hash())
    try write(", data: \(workspace.data)")
    let wrong = try await Elbo.run(call + [workspace["wrong"]] + hosts, programs: workspace["bin"])
    #expect(wrong.status == .exited(2) && wrong.error.contains("data"), "\(wrong.error)")
  }

  @Test(
    "doctor --hosts needs an address of this machine",
    arguments: [
      [], ["--bind", "tcp://0.0.0.0:7700"], ["--bind", "tcp://192.0.2.1:7700"], ["--bind", "nonsense"],
    ])
  func mistakes(_ bind: [String]) async throws {
    try workspace.write("hosts.yaml", "hosts:\n  - {host: one}\n")
    let outcome = try await Elbo.run(["doctor", "--hosts", workspace["hosts.yaml"]] + bind)
    #expect(outcome.status == .exited(2))
    #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    #expect(outcome.error.contains("--bind") || outcome.error.contains("nonsense"), "\(outcome.error)")
  }
}
