import Cluster
import ClusterRuns
import Files
import Messages
import ZeroMQ

/// The coordinator of a run that another process of this machine trains, found by the run folder.
actor CoordinatorOfRun {
  private let run: String
  private var client: (endpoint: Endpoint, client: StatusClient)?

  init(_ run: String) { self.run = run }

  /// The coordinator's status; nil without an answer. A coordinator that was started again may listen elsewhere.
  func ask() async -> StatusReply? {
    guard FileLock.isHeld(run + "/.lock"), let endpoint = recorded else {
      await close()
      return nil
    }
    if client?.endpoint != endpoint {
      await close()
      guard let made = try? StatusClient(endpoint, security: try SecurityRequest().node(toward: endpoint)) else {
        return nil
      }
      client = (endpoint, made)
    }
    return try? await client?.client.ask(patience: .seconds(2))
  }

  func close() async {
    await client?.client.close()
    client = nil
  }

  /// What the run folder says, which may come from anywhere: only addresses of this machine are asked.
  private var recorded: Endpoint? {
    guard let bytes = try? RunFile.read(run + "/coordinator.endpoint", limit: 4096) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    guard let endpoint = try? Endpoint(text), endpoint.isLoopback else { return nil }
    return endpoint
  }
}
