import Foundation
import Testing

extension CommandTests {
  @Suite("Variables, logs and figures")
  struct SettingTests {
    /// Runs the command in a folder, with variables.
    private func run(
      _ words: [String], _ variables: [String: String], in folder: String
    ) async throws -> Elbo.Outcome {
      let settings = variables.map { "\($0)='\($1)'" }.sorted().joined(separator: " ")
      return try await Elbo.run(throughShell: "cd '\(folder)' && \(settings) exec \"$0\" \"$@\"", words)
    }

    private let training = ["--steps", "3", "--no-figures", "--quiet", "--json"] + TinyModel.options("vae")

    @Test("ELBO_RUNS is where runs go and are found by name; ELBO_DATA where data is; options win") func places()
      async throws
    {
      let workspace = try Workspace()
      let variables = ["ELBO_RUNS": workspace["kept/"], "ELBO_DATA": "\(workspace["none"]):\(workspace.path)/"]
      try FileManager.default.createDirectory(atPath: workspace["here"], withIntermediateDirectories: true)
      func run(_ words: String...) async throws -> Elbo.Outcome {
        try await self.run(
          words + (words[0] == "train" ? training : []), variables, in: workspace["here"])
      }
      let hash = try await run("train", "vae", "--data", "data").hash()
      #expect(workspace.exists("kept/vae/summary.json") && workspace.names(in: "here").isEmpty)
      let evaluated = try await run("evaluate", "vae", "--json")
      #expect(evaluated.status == .exited(0), "\(evaluated.error)")
      #expect(try await run("runs").output.contains("vae"))
      #expect(try await run("verify", "vae", "--quiet").output.contains(hash))
      #expect(try await run("train", "vae", "--data", "data", "--out", "own").hash() == hash)
      #expect(workspace.exists("here/own/summary.json"))
      // What lies here is meant before what has the name there.
      let absent = try await run("train", "vae", "--data", "other")
      #expect(absent.status == .exited(2) && absent.error.contains("or the folders of ELBO_DATA"))
    }

    @Test("A variable that makes no sense is named, in one line, and by elbo doctor") func mistakes() async throws {
      let workspace = try Workspace()
      let words = ["train", "vae", "--data", "data", "--out", "run"] + training
      let wrong = try await run(words, ["ELBO_LANES": "many"], in: workspace.path)
      #expect(wrong.status == .exited(2) && wrong.error == "elbo: ELBO_LANES is many: it must be from 1 to 1024\n")
      #expect(try await run(words + ["--lanes", "2"], ["ELBO_LANES": "many"], in: workspace.path).status == .exited(0))
      let doctor = try await run(
        ["doctor", "--data", "data", "--json"], ["ELBO_LANES": "0", "ELBO_DATA": workspace["none"]], in: workspace.path)
      #expect(doctor.status == .exited(1))
      let checks = try #require(doctor.json()["checks"] as? [[String: any Sendable]])
      let bad = checks.filter { $0["good"] as? Bool == false }.compactMap { $0["name"] as? String }
      #expect(Set(bad) == ["ELBO_LANES", "ELBO_DATA", "gnuplot"])
    }

    @Test("With --log json every line of standard error is an object") func log() async throws {
      let workspace = try Workspace()
      let words = [
        "train", "vae", "--data", workspace.data, "--out", workspace["run"], "--steps", "9", "--log", "json",
      ]
      let outcome = try await Elbo.run(words + TinyModel.options("vae"))
      #expect(outcome.status == .exited(0))
      let lines = outcome.error.split(separator: "\n").map { line in
        try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable]
      }
      #expect(!lines.isEmpty && !lines.contains { $0 == nil })
      let last = try #require(lines.compactMap { $0 }.last { $0["event"] as? String == "progress" })
      #expect(last["step"] as? Int == 9 && last["steps"] as? Int == 9 && last["level"] as? String == "info")
      #expect((last["ts"] as? String)?.contains("T") == true && last["metrics"] is [String: any Sendable])
      let mistake = try await Elbo.run("train", "vae", "--data", workspace["none"], "--log", "json")
      #expect(mistake.error.contains(#""level":"error""#) && mistake.status == .exited(2))
      let unknown = try await Elbo.run("train", "vae", "--log", "xml")
      #expect(unknown.status == .exited(2) && unknown.error.contains("it must be text or json"))
    }

    @Test("--figures and --no-figures exclude each other, and other formats are refused") func figures() async throws {
      let workspace = try Workspace()
      for (words, told) in [
        (["--figures", "gif"], "it must be png, svg or pdf"),
        (["--figures", "svg", "--no-figures"], "exclude each other"),
      ] {
        let outcome = try await Elbo.run(workspace.training("vae", out: "run", ["--steps", "2"] + words))
        #expect(outcome.status == .exited(2) && outcome.error.contains(told), "\(outcome.error)")
        #expect(!workspace.exists("run"))
      }
    }
  }
}
