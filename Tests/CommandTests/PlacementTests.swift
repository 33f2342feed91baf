import Testing

/// Rank and size of a node, as schedulers and launchers set them.
@Suite("Placement: rank and size from the environment", .serialized, .timeLimit(.minutes(15)))
struct PlacementTests {
  /// A node with these variables that finds no coordinator.
  private func node(_ variables: String) async throws -> Elbo.Outcome {
    try await Elbo.run(
      throughShell: "\(variables) exec \"$0\" \"$@\"",
      ["node", "--coordinator", "tcp://127.0.0.1:9", "--patience", "1", "--lanes", "1"])
  }

  @Test(
    "Each source is named",
    arguments: [
      ("SLURM_PROCID=2 SLURM_NTASKS=4", "rank 2 of 4, says Slurm"),
      ("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2", "rank 0 of 2, says Open MPI"),
      ("PMI_RANK=3 PMI_SIZE=8", "rank 3 of 8, says PMI"),
      ("RANK=1 WORLD_SIZE=2", "rank 1 of 2, says torchrun"),
      ("JOB_COMPLETION_INDEX=5", "rank 5, says Kubernetes"),
      ("SLURM_PROCID=1 SLURM_NTASKS=2 PMI_RANK=1 PMI_SIZE=2", "rank 1 of 2, says Slurm"),
    ])
  func source(_ variables: String, _ said: String) async throws {
    let outcome = try await node(variables)
    #expect(outcome.error.contains(said), "\(outcome.error)")
    #expect(outcome.error.contains("no coordinator answers"), "\(outcome.error)")
  }

  @Test(
    "Contradictions and nonsense are mistakes",
    arguments: [
      ("SLURM_PROCID=1 RANK=2", ["Slurm says rank 1", "torchrun says rank 2", "--name"]),
      ("SLURM_PROCID=1 SLURM_NTASKS=2 RANK=1 WORLD_SIZE=3", ["of 2", "of 3"]),
      ("RANK=4 WORLD_SIZE=4", ["RANK=4 and WORLD_SIZE=4"]),
      ("RANK=-1", ["RANK=-1"]),
      ("JOB_COMPLETION_INDEX=first", ["JOB_COMPLETION_INDEX=first"]),
    ])
  func mistake(_ variables: String, _ words: [String]) async throws {
    let outcome = try await node(variables)
    #expect(outcome.status == .exited(2))
    for word in words { #expect(outcome.error.contains(word), "\(outcome.error)") }
  }
}
