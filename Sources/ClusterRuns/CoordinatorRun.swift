import Cluster
import Recipes
import Runs
import Training
import ZeroMQ

/// A training by nodes that are started elsewhere.
package struct CoordinatorRun: Sendable {
  private let endpoint: Endpoint
  private let nodes: Int
  private let heartbeat: Duration
  private let wait: Duration
  private let lanes: Int
  private let security: ClusterSecurity

  /// - Parameters:
  ///   - bind: where to listen.
  ///   - nodes: begin when so many are there,
  ///   - wait: or so many seconds after the first.
  package init(
    bind: String, nodes: Int, wait: Double, heartbeat: Duration, lanes: Int, security: SecurityRequest
  ) throws {
    guard (1...4096).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 4096") }
    guard (0...1e6).contains(wait) else { throw RecipeError("--wait is \(wait): it must be from 0 to 1000000 seconds") }
    self.wait = .milliseconds(Int(wait * 1000))
    endpoint = try Endpoint(bind)
    self.security = try security.coordinator(at: endpoint)
    (self.nodes, self.heartbeat, self.lanes) = (nodes, heartbeat, lanes)
  }

  /// Trains.
  /// - Parameters:
  ///   - observer: hears how the training goes, besides the run folder.
  ///   - began: takes the training, whose `stop` is for when the user interrupts.
  package func run(
    _ prepared: TrainingRequest.Prepared, _ request: TrainingRequest, quiet: Bool,
    observer: (any TrainingObserver)? = nil, began: (ClusterSession) -> Void
  ) async throws -> (run: RunFolder, summary: Summary) {
    try prepared.checkSharedData()
    let (run, lock) = try prepared.claim(request)
    defer { lock.release() }
    let cluster = try await prepared.starting(run) {
      try await ClusterSession(
        prepared.job, run: run, from: prepared.checkpoint, isRestart: prepared.isRestart, bind: endpoint,
        security: security, nodes: nodes, heartbeat: heartbeat, wait: wait, lanes: lanes, quiet: quiet,
        pictures: request.pictures, observer: observer)
    }
    let bound = cluster.endpoint
    cluster.session.note("coordinator at \(bound); start nodes with: elbo node --coordinator \(bound)")
    began(cluster)
    let result: Result<Summary, any Error>
    do { result = .success(try await cluster.run()) } catch { result = .failure(error) }
    await cluster.coordinator.close()
    return (cluster.session.run, try result.get())
  }
}
