import Testing

@Suite("exchange.precision", .serialized, .timeLimit(.minutes(15)))
struct ExchangePrecisionTests {
  @Test("bfloat16: another result than float32's, and the same for any number of nodes", arguments: [1, 4, 5])
  func bfloat16(_ shards: Int) async throws {
    let workspace = try Workspace()
    let options = ["--steps", "12", "--shards", "\(shards)"]
    let rounded = options + ["--set", "exchange.precision=bfloat16"]
    let exact = try await Elbo.run(workspace.training("vae", out: "exact", options)).hash()
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", rounded)).hash()
    #expect(alone != exact)
    for nodes in 1...3 {
      let launch = try await Elbo.run(
        workspace.launch("vae", out: "launch-\(nodes)", nodes: nodes, rounded + ["--lanes", "2"])
      ).hash()
      #expect(launch == alone, "\(nodes) nodes")
    }
  }

  @Test("It is named in the resolved recipe; what is unknown is a mistake")
  func recipe() async throws {
    let workspace = try Workspace()
    let shown = try await Elbo.run(workspace.training("vae", out: "run", "--dry-run"))
    #expect(shown.output.contains("precision: float32"), "\(shown.output)")
    let wrong = try await Elbo.run(workspace.training("vae", out: "run", "--set", "exchange.precision=bfloat8"))
    #expect(wrong.status == .exited(2))
    #expect(wrong.error.contains("bfloat16"), "\(wrong.error)")
  }
}
