import Datasets
import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("serve", .serialized, .timeLimit(.minutes(15))) struct ServeTests {
    private func lines(_ path: String) -> [Substring] {
      ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
    }

    /// The numbers `mean[0]`, `mean[1]` and so on of the first line, as they are written.
    private func predictedMean(_ path: String) throws -> String {
      let line = try #require(lines(path).first)
      let numbers = line.split(separator: ",").filter { $0.contains("\"mean[") }.compactMap {
        $0.split(separator: ":").last
      }
      #expect(numbers.count > 1)
      return numbers.joined(separator: ",")
    }

    @Test("serves what predict writes, and SIGTERM lets a request finish") func serving() async throws {
      let workspace = try Workspace()
      #expect(try await Elbo.run(workspace.training("bbb", out: "run", "--steps", "3")).status == .exited(0))
      let pixels = (0..<36).map { UInt8($0 * 7) }
      try NPY.write(pixels, shape: [1, 36], to: workspace["x.npy"])
      let (line, token) = (workspace["line"], "a-token-of-my-own")
      try workspace.write("token", token + "\n")
      let predicted = try await Elbo.run(
        "predict", workspace["run"], "--input", workspace["x.npy"], "--samples", "4", "--output", workspace["p.jsonl"])
      #expect(predicted.status == .exited(0), "\(predicted.error)")
      let expected = try predictedMean(workspace["p.jsonl"])

      let outcome = try await Elbo.run(
        throughShell: "exec \"$0\" \"$@\" > '\(line)'",
        [
          "serve", "m=\(workspace["run"])", "--port", "0", "--samples", "4", "--log", "--token-file",
          workspace["token"],
        ]
      ) { send in
        try await until { !lines(line).isEmpty }
        let port = try #require(lines(line)[0].split(separator: ":").last.flatMap { Int($0.prefix(while: \.isNumber)) })
        let body = "{\"inputs\":[{\"name\":\"input\",\"data\":\(pixels)}],\"outputs\":[{\"name\":\"mean\"}]}"
        let head = "POST /v2/models/m/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
        let stranger = try RawClient(port: port)
        await stranger.send(head + "\r\n" + body)
        #expect(status(await stranger.rest()) == 401)

        let client = try RawClient(port: port)
        await client.send(head + "Expect: 100-continue\r\nAuthorization: Bearer \(token)\r\n\r\n")
        #expect(status(await client.text(until: "\r\n\r\n")) == 100)
        await client.send(String(body.prefix(20)))
        try send(.terminate)
        // No more connections are taken; the one whose request is under way stays.
        try await until { (try? RawClient(port: port)) == nil }
        await client.send(String(body.dropFirst(20)))
        let answer = await client.rest()
        #expect(status(answer) == 200 && answer.contains("Connection: close"), "\(answer)")
        #expect(answer.hasSuffix("\"data\":[\(expected)]}]}"), "\(answer) \(expected)")
      }
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      let log = outcome.error.split(separator: "\n")
      #expect(log.count == 2 && log[0].contains("POST /v2/models/m/infer 401") && log[1].contains(" 200 "))
      #expect(lines(line).count == 1 && !lines(line)[0].contains(token))
    }

    @Test("Mistakes are one line and exit status 2") func mistakes() async throws {
      let workspace = try Workspace()
      #expect(try await Elbo.run(workspace.training("vae", out: "vae", "--steps", "1")).status == .exited(0))
      try workspace.write("token", "short")
      for arguments in [
        [workspace["vae"], "--port", "0"], [workspace["nothing"], "--port", "0"], ["--port", "0"],
        [workspace["vae"], "--port", "0", "--open", "--token-file", workspace["token"]],
        [workspace["vae"], "--port", "0", "--token-file", workspace["token"]], [workspace["vae"], "--port", "-1"],
      ] {
        let outcome = try await Elbo.run(["serve"] + arguments)
        #expect(outcome.status == .exited(2), "\(arguments): \(outcome.error)")
        #expect(outcome.error.split(separator: "\n").count == 1 && outcome.output.isEmpty, "\(outcome.error)")
      }
    }
  }
}
