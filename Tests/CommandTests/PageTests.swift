import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("page", .serialized, .timeLimit(.minutes(15))) struct PageTests {
    /// Reads the page at the address that a process prints, until no answer comes any more.
    /// - Parameter file: where the process's standard error goes.
    /// - Returns: the states that the run of this name was seen in, and all metrics that were served.
    private func read(_ file: String, run: String) async throws -> (states: Set<String>, metrics: String) {
      @Sendable func port() -> Int? {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text.firstMatch(of: /page at http:\/\/127\.0\.0\.1:([0-9]+)\/\n/).flatMap { Int($0.1) }
      }
      try await until { port() != nil }
      let port = try #require(port())
      let reader = try RawClient(port: port)
      await reader.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = await reader.text(until: "retry")
      var (states, metrics) = (Set<String>(), "")
      func ask(_ path: String) async -> String? {
        guard let client = try? RawClient(port: port) else { return nil }
        await client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await client.rest()
      }
      while let answer = await ask("/api/run/\(run)") {
        if let match = answer.firstMatch(of: /"state":"([a-z]+)"/) { states.insert(String(match.1)) }
        _ = await ask("/api/run/\(run)/metrics?after=0")
        metrics += await ask("/metrics") ?? ""
      }
      return (states, metrics)
    }

    @Test("a training with a page and readers has the same parameters") func sameBits() async throws {
      let workspace = try Workspace()
      let more = ["--steps", "3000", "--set", "train.report_every=1"]
      let alone = try await Elbo.run(workspace.training("vae", out: "alone", more)).hash()
      let file = workspace["train.err"]
      let outcome = try await Elbo.run(
        throughShell: "exec \"$0\" \"$@\" 2> '\(file)'",
        workspace.training("vae", out: "run", more + ["--page", "0", "--page-open"])
      ) { _ in
        let seen = try await read(file, run: "run")
        // The reader that is there sees the end.
        #expect(seen.states.contains("finished") && seen.states.isSubset(of: ["starting", "running", "finished"]))
        #expect(seen.metrics.contains("elbo_steps_total 3000\n"))
      }
      #expect(try outcome.hash() == alone)
    }

    @Test("so has a training by nodes, whose nodes are shown") func sameBitsByNodes() async throws {
      let workspace = try Workspace()
      let more = ["--steps", "4000", "--set", "train.report_every=1"]
      let alone = try await Elbo.run(workspace.training("vae", out: "alone", more)).hash()
      let file = workspace["launch.err"]
      let outcome = try await Elbo.run(
        throughShell: "exec \"$0\" \"$@\" 2> '\(file)'",
        workspace.launch("vae", out: "run", nodes: 2, more + ["--lanes", "1", "--page", "0", "--page-open"])
      ) { _ in
        let seen = try await read(file, run: "run")
        #expect(seen.states.contains("finished"))
        #expect(seen.metrics.contains("elbo_nodes{state=\"member\"} 2\n"))
        #expect(seen.metrics.contains("elbo_node_step_seconds{node=\"node-2\"} "))
      }
      #expect(try outcome.hash() == alone)
    }

    @Test("writes a run as one file") func oneFile() async throws {
      let workspace = try Workspace()
      #expect(try await Elbo.run(workspace.training("vae", out: "run", "--steps", "5")).status == .exited(0))
      let outcome = try await Elbo.run("page", workspace["run"], "--output", workspace["run.html"])
      #expect(outcome.status == .exited(0) && outcome.output == workspace["run.html"] + "\n", "\(outcome.error)")
      let document = String(decoding: try workspace.read("run.html"), as: UTF8.self)
      #expect(document.contains("\"model\":\"vae\"") && document.contains("data:image/png;base64,"))
    }

    @Test("Mistakes are one line and exit status 2, and leave no run") func mistakes() async throws {
      let workspace = try Workspace()
      let train = workspace.training("vae", out: "run", "--steps", "1")
      for arguments in [
        train + ["--page", "x"], train + ["--page", "70000"], train + ["--page-open"],
        train + ["--page", "[::1"],
        train + ["--page", "0", "--page-open", "--page-token-file", "f"],
        ["train", "mc-dropout", "--protocol", "uci", "--data", workspace.path, "--page", "0"],
        ["page", workspace["nothing"]],
        ["page", workspace.path, "--output", "x.html"], ["page", workspace.path, "--port", "-1"],
      ] {
        let outcome = try await Elbo.run(arguments)
        #expect(outcome.status == .exited(2), "\(arguments): \(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1 && outcome.output.isEmpty, "\(outcome.error)")
      }
      #expect(!workspace.exists("run"))
    }
  }
}
