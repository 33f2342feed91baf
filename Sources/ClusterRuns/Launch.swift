import Cluster
import Foundation
import Recipes
import Runs
import Subprocess
import SystemPackage
import Training
import ZeroMQ

/// A training by node processes that are started and ended here: on this machine, or on others over ssh.
package struct Launch: Sendable {
  private let hosts: [HostsFile.Host]?
  private let count: Int
  /// nil: a socket that no other user reaches.
  private let endpoint: Endpoint?
  private let lanes: Int?
  private let lanesHere: Int
  private let heartbeat: Duration
  private let security: LaunchSecurity
  private static let processors = ProcessInfo.processInfo.activeProcessorCount

  /// - Parameters:
  ///   - nodes: so many processes on this machine,
  ///   - hosts: or one on each machine that this file lists.
  ///   - bind: where to listen; nil: in a folder of this user, or at a free port of this machine when there are hosts, or
  ///     keys of other users.
  ///   - lanes: threads of each node; nil: the processors of a machine, shared.
  package init(
    nodes: Int, hosts: String?, bind: String?, lanes: Int?, heartbeat: Duration, security: SecurityRequest
  ) throws {
    guard (1...1024).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 1024") }
    let lanes = try lanes ?? Run.lanesOfEnvironment()
    lanesHere = lanes ?? max(1, Launch.processors / nodes)
    guard (1...1024).contains(lanesHere) else {
      throw RecipeError("--lanes is \(lanesHere): it must be from 1 to 1024")
    }
    let endpoint = try Endpoint(bind ?? "tcp://127.0.0.1:*")
    self.endpoint = bind == nil && hosts == nil && security.key == nil && security.allow == nil ? nil : endpoint
    self.hosts = try hosts.map { try HostsFile(contentsOf: $0).hosts }
    count = self.hosts?.count ?? nodes
    try NodeProcesses.checkDescriptors(count)
    guard endpoint.isLoopback || hosts != nil else {
      throw RecipeError("--bind \(endpoint): launch starts nodes on this machine, so listen on tcp://127.0.0.1:PORT")
    }
    if case .tcp(let host, _) = endpoint.transport, ["*", "0.0.0.0", "::"].contains(host) {
      throw RecipeError("--bind \(endpoint): name the address at which the hosts reach this machine")
    }
    self.security = try LaunchSecurity(security, at: endpoint, nodes: count)
    (self.lanes, self.heartbeat) = (lanes, heartbeat)
  }

  /// Trains.
  /// - Parameters:
  ///   - observer: hears how the training goes, besides the run folder.
  ///   - began: takes the training, whose `stop` is for when the user interrupts.
  package func run(
    _ prepared: TrainingRequest.Prepared, _ request: TrainingRequest, quiet: Bool,
    observer: (any TrainingObserver)? = nil, began: (ClusterSession) -> Void
  ) async throws -> (run: RunFolder, summary: Summary) {
    let sockets = try endpoint == nil ? SocketFolder() : nil
    defer { sockets?.remove() }
    try prepared.checkSharedData()
    let (run, lock) = try prepared.claim(request)
    defer { lock.release() }
    let cluster = try await prepared.starting(run) {
      try await ClusterSession(
        prepared.job, run: run, from: prepared.checkpoint, isRestart: false, bind: endpoint ?? sockets!.endpoint,
        security: security.coordinator, nodes: count, heartbeat: heartbeat, lanes: Launch.processors, quiet: quiet,
        pictures: request.pictures, observer: observer)
    }
    let bound = cluster.endpoint
    began(cluster)
    let processes = NodeProcesses(
      commands: (1...count).map { index in
        hosts.map { remote($0[index - 1], index, bound) } ?? local(index, bound)
      },
      folder: cluster.session.run.path + "/logs", note: { cluster.session.note($0) })
    let result: Result<Summary, any Error>
    if cluster.isDone {
      do { result = .success(try await cluster.run()) } catch { result = .failure(error) }
    } else {
      cluster.session.note("\(count) nodes; elbo status \(bound)\(security.statusArguments)")
      result = await processes.run(cluster)
    }
    await cluster.coordinator.close()
    return (cluster.session.run, try result.get())
  }

  private func local(_ index: Int, _ endpoint: Endpoint) -> NodeProcesses.Command {
    var words = [
      "node", "--coordinator", "\(endpoint)", "--name", "node-\(index)", "--lanes", "\(lanesHere)", "--supervised",
    ]
    // Where there is room for others, they might be given the same part.
    if count * lanesHere == Launch.processors { words += ["--share", "\(index - 1)/\(count)"] }
    return NodeProcesses.Command(
      executable: .path("/proc/self/exe"), arguments: words + security.nodeArguments,
      input: security.input(ofNode: index))
  }

  private func remote(_ host: HostsFile.Host, _ index: Int, _ endpoint: Endpoint) -> NodeProcesses.Command {
    var words = [host.elbo, "node", "--coordinator", "\(endpoint)", "--name", "node-\(index)", "--supervised"]
    words += security.nodeArguments
    if let lanes = host.lanes ?? lanes { words += ["--lanes", "\(lanes)"] }
    if let data = host.data { words += ["--data", data] }
    let command = host.command(words)
    return NodeProcesses.Command(
      executable: command.0, arguments: command.1, input: security.input(ofNode: index))
  }
}
