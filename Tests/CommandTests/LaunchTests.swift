import Foundation
import Subprocess
import Synchronization
import TestSupport
import Testing

/// The promise across processes: what several nodes train is, bit for bit, what one process trains.
@Suite(
  "Nodes: the same parameters_sha256 as one process, whatever happens to them", .serialized, .timeLimit(.minutes(15)))
struct LaunchTests {
  @Test("launch with one to four nodes, whatever V", arguments: ["vae", "autoencoder"], [1, 2, 3, 4])
  func nodes(_ model: String, _ nodes: Int) async throws {
    let workspace = try Workspace()
    for shards in [1, 4, 5] {
      let more = ["--steps", "12", "--shards", "\(shards)"]
      let alone = try await Elbo.run(workspace.training(model, out: "alone-\(shards)", more)).hash()
      let launch = try await Elbo.run(
        workspace.launch(model, out: "launch-\(shards)", nodes: nodes, more + ["--lanes", "2"])
      ).hash()
      #expect(launch == alone, "V = \(shards)")
    }
  }

  @Test("Learners by statistics converge alike", arguments: [1, 3])
  func statistics(_ nodes: Int) async throws {
    let workspace = try Workspace()
    let options = ["--set", "network.components=3", "--set", "train.shards=4"]
    let alone = try await Elbo.run(
      ["train", "gmm", "--data", workspace.data, "--out", workspace["alone"], "--quiet", "--json"] + options)
    let launch = try await Elbo.run(
      [
        "launch", "gmm", "--nodes", "\(nodes)", "--data", workspace.data, "--out", workspace["launch"], "--quiet",
        "--json",
      ]
        + options)
    let hashes = try (launch.hash(), alone.hash())
    #expect(hashes.0 == hashes.1)
    let steps = try (launch.json()["steps"] as? Int, alone.json()["steps"] as? Int)
    #expect(steps.0 == steps.1)
  }

  @Test(
    "Nodes that have all processors have a part of them each; with more lanes, or room for others, they have none",
    .enabled(if: ProcessInfo.processInfo.activeProcessorCount.isMultiple(of: 2), "two nodes of equal parts"))
  func processors() async throws {
    let processors = ProcessInfo.processInfo.activeProcessorCount
    for lanes in [processors / 2, processors] {
      let workspace = try Workspace()
      let outcome = try await Elbo.run(workspace.endlessLaunch(nodes: 2) + ["--lanes", "\(lanes)"]) { send in
        try await until { workspace.lines("run/metrics.jsonl") > 0 }
        let sets = try workspace.processes().map { try allowed($0) }
        #expect(sets.count == 2)
        if 2 * lanes == processors {
          #expect(sets.allSatisfy { $0.count == processors / 2 } && sets[0].isDisjoint(with: sets[1]), "\(sets)")
        } else {
          #expect(sets.allSatisfy { $0.count == processors }, "\(sets)")
        }
        try send(.interrupt)
      }
      #expect(outcome.status == .exited(130), "\(outcome.error)")
    }
  }

  /// The processors that all threads of a process may use.
  private func allowed(_ process: pid_t) throws -> Set<Int> {
    let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
    let lists = Set(
      threads.compactMap { thread -> Substring? in
        let status = try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/status", encoding: .utf8)
        return status?.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?.split(separator: "\t").last
      })
    #expect(lists.count == 1, "\(lists)")
    return Set(
      lists.first?.split(separator: ",").flatMap { range in
        let ends = range.split(separator: "-").compactMap { Int($0) }
        return ends[0]...ends[ends.count - 1]
      } ?? [])
  }

  @Test("A launch's run folder is that of a training")
  func runFolder() async throws {
    let workspace = try Workspace()
    let more = ["--steps", "12", "--set", "train.report_every=3", "--set", "train.checkpoint_every=5"]
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", more)).json()
    let launch = try await Elbo.run(workspace.launch("vae", out: "launch", nodes: 2, more)).json()
    #expect(alone["metrics"] as? [String: Double] == launch["metrics"] as? [String: Double])
    #expect(Set(alone.keys) == Set(launch.keys))
    #expect(workspace.names(in: "launch/checkpoints") == workspace.names(in: "alone/checkpoints"))
    let lines = try (workspace.metrics("launch"), workspace.metrics("alone"))
    #expect(lines.0 == lines.1)
    #expect(workspace.names(in: "launch/logs") == ["node-1.log", "node-2.log"])
    let again = try await Elbo.run("train", "--resume", workspace["launch"], "--steps", "20", "--quiet", "--json")
      .hash()
    let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "20")).hash()
    #expect(again == straight)
  }

  @Test("A launch goes on where a launch or a training stopped")
  func resumption() async throws {
    let workspace = try Workspace()
    let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "20")).hash()
    _ = try await Elbo.run(workspace.launch("vae", out: "run", nodes: 2, ["--steps", "7"])).hash()
    let resumed = try await Elbo.run(
      "launch", "--resume", workspace["run"], "--nodes", "3", "--steps", "20", "--quiet", "--json"
    ).hash()
    #expect(resumed == straight)
  }

  @Test(
    "Ctrl-C, SIGTERM, a closed terminal: a checkpoint, exit status 130, no process left behind",
    arguments: [Signal.interrupt, .terminate, .terminalClosed])
  func interruption(_ signal: Signal) async throws {
    let workspace = try Workspace()
    let outcome = try await Elbo.run(workspace.endlessLaunch(nodes: 2)) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 20 }
      try send(signal)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
    let step = try #require(try outcome.json()["steps"] as? Int)
    // The node whose state is taken may be a step behind the one that has reported.
    #expect(step >= 19)
    #expect(workspace.processes().isEmpty)
    let resumed = try await Elbo.run(
      "train", "--resume", workspace["run"], "--steps", "\(step + 10)", "--quiet", "--json"
    ).hash()
    let straight = try await Elbo.run(workspace.training("vae", out: "straight", "--steps", "\(step + 10)")).hash()
    #expect(resumed == straight)
  }

  @Test("A launch listens where no other user comes, and leaves nothing there")
  func privacy() async throws {
    let workspace = try Workspace()
    let folder = Mutex("")
    let outcome = try await Elbo.run(workspace.endlessLaunch(nodes: 2)) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 5 }
      let endpoint = try #require(workspace.endpoint("run"))
      let path = try #require(endpoint.hasPrefix("ipc:///") ? String(endpoint.dropFirst(6)) : nil)
      let place = (path as NSString).deletingLastPathComponent
      folder.withLock { $0 = place }
      let permissions = try FileManager.default.attributesOfItem(atPath: place)[.posixPermissions] as? Int
      #expect(permissions == 0o700)
      // Three sockets and the lock.
      #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 4)
      let launcher = String(decoding: try workspace.read("run/.lock"), as: UTF8.self).prefix { $0 != "\n" }
      let processes = workspace.processes() + [try #require(pid_t(launcher))]
      #expect(processes.count == 3)
      #expect(try processes.flatMap { try listening($0) } == [])
      for target in [endpoint, workspace["run"]] {
        let status = try await Elbo.run("status", target, "--json")
        #expect((try status.json()["nodes"] as? [any Sendable])?.count == 2)
      }
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: folder.withLock { $0 }))
  }

  /// The TCP ports, in hexadecimal, at which a process listens.
  private func listening(_ process: pid_t) throws -> [String] {
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")
    let sockets = Set(
      descriptors.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)") }
    )
    return try ["tcp", "tcp6"].flatMap { table -> [String] in
      let text = try String(contentsOfFile: "/proc/\(process)/net/\(table)", encoding: .utf8)
      let rows: [[Substring]] = text.split(separator: "\n").dropFirst().map { $0.split(separator: " ") }
      let own = rows.filter { row in row[3] == "0A" && sockets.contains("socket:[\(row[9])]") }
      return own.map { String($0[1]) }
    }
  }

  @Test("The launcher is killed: its nodes end too, and the next one removes its sockets")
  func orphans() async throws {
    let workspace = try Workspace()
    let outcome = try await Elbo.run(workspace.endlessLaunch(nodes: 2)) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 5 }
      #expect(workspace.processes().count >= 2)
      try send(.kill)
    }
    #expect(outcome.status == .killed(by: SIGKILL))
    try await until { workspace.processes().isEmpty }
    let sockets = try #require(workspace.endpoint("run")?.split(separator: ":///").last).split(separator: "/")
      .dropLast()
    let next = try await Elbo.run(workspace.launch("vae", out: "next", nodes: 1, ["--steps", "2"]))
    #expect(next.status == .exited(0), "\(next.error)")
    #expect(!FileManager.default.fileExists(atPath: "/" + sockets.joined(separator: "/")))
  }
}

extension Workspace {
  func launch(_ model: String, out: String, nodes: Int, _ more: [String]) -> [String] {
    ["launch"] + training(model, out: out, ["--nodes", "\(nodes)"] + more).dropFirst()
  }

  /// Arguments of a launch that only a signal ends, into the folder `run`.
  func endlessLaunch(nodes: Int, _ more: [String] = []) -> [String] {
    launch(
      "vae", out: "run", nodes: nodes,
      ["--steps", "1000000000", "--set", "train.report_every=1", "--lanes", "1"] + more)
  }

  /// The process numbers of nodes of a launch into the folder `run`: by its endpoint on their command lines.
  func processes(_ run: String = "run", named name: String? = nil) -> [pid_t] {
    guard let endpoint = endpoint(run) else { return [] }
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    return numbers.filter { number in
      guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
      let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.contains("node") && words.contains(endpoint) && (name.map { words.contains($0) } ?? true)
    }.sorted()
  }

  /// What the lines of a run's metrics say, times and rates left out.
  fileprivate func metrics(_ run: String) throws -> [[String: Double]] {
    try read("\(run)/metrics.jsonl").split(separator: UInt8(ascii: "\n")).map { line in
      var object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Double])
      object["seconds"] = nil
      object["examples_per_second"] = nil
      return object
    }
  }
}
