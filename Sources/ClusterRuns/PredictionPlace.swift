import Cluster
import Datasets
import Foundation
import Messages
import Models
import Recipes
import Reports
import Runs
import Subprocess
import SystemPackage
import Training
import ZeroMQ

/// Which nodes compute a prediction, and where they reach this process.
package struct PredictionPlace: Sendable {
  private enum Nodes: Sendable {
    /// Processes on this machine, which are started and ended here.
    case local(Int, lanes: Int)
    /// Those of the training whose coordinator is there.
    case training(Endpoint, ClusterSecurity)
    /// Whoever comes.
    case anyone
  }

  private let nodes: Nodes
  private let bind: Endpoint
  private let security: ClusterSecurity
  /// The host by which nodes reach this process, where the bound one does not say.
  private let host: String?

  package init(nodes: Int?, coordinator: String?, bind: String?, _ options: SecurityRequest, lanes: Int?) throws {
    if let nodes {
      let processors = ProcessInfo.processInfo.activeProcessorCount
      self.nodes = .local(nodes, lanes: lanes ?? max(1, processors / nodes))
      (self.bind, security, host) = (try Endpoint("tcp://127.0.0.1:*"), .plainOnLoopback, nil)
    } else if let coordinator {
      let endpoint = try Endpoint(coordinator)
      let security = try options.node(toward: endpoint)
      self.nodes = .training(endpoint, security)
      self.security = security.ofServer
      self.bind =
        try bind.map { try Endpoint($0) }
        ?? Endpoint(.tcp(host: endpoint.isLoopback ? "127.0.0.1" : "*", port: .any))
      if case .tcp(let named, _) = self.bind.transport, !["*", "0.0.0.0", "::"].contains(named) {
        host = nil
      } else {
        guard let address = LocalAddress.toward(endpoint) else {
          throw ClusterError(
            .unreachable, "there is no route to \(endpoint)",
            advice: "name this machine's address: --bind tcp://HOST:PORT")
        }
        host = address
      }
    } else {
      let endpoint = try Endpoint(bind!)
      self.nodes = .anyone
      (self.bind, security, host) = (endpoint, try options.coordinator(at: endpoint), nil)
    }
  }

  /// Listens, finds the nodes, works, and lets them go.
  /// - Parameters:
  ///   - began: takes what to call when the user interrupts; what is missing then stays missing.
  ///   - work: what is to be computed.
  package func run<Value: Sendable>(
    _ trained: TrainedRun, _ learner: any Predicting, _ array: ExampleArray, seed: UInt64,
    began: (_ giveUp: @escaping @Sendable () -> Void) -> Void,
    _ work: @escaping @Sendable (PredictionSession) async throws -> Value
  ) async throws -> Value {
    let note: @Sendable (String) -> Void = { StandardError.write($0 + "\n") }
    let session = try PredictionSession(
      trained, learner, array, seed: seed, bind: bind, security: security, note: note)
    let coordinator = session.coordinator
    let bound: Endpoint
    do { bound = try await coordinator.open() } catch {
      await coordinator.close()
      throw error
    }
    began { coordinator.giveUp() }
    let whole: @Sendable () async throws -> Value = {
      let result: Result<Value, any Error>
      do { result = .success(try await work(session)) } catch { result = .failure(error) }
      await coordinator.close()
      return try result.get()
    }
    switch nodes {
    case .local(let count, let lanes):
      let processes = NodeProcesses(
        commands: (1...count).map { index in
          NodeProcesses.Command(
            executable: .path("/proc/self/exe"),
            arguments: [
              "node", "--coordinator", "\(bound)", "--name", "node-\(index)", "--lanes", "\(lanes)", "--supervised",
            ])
        }, folder: nil, note: note)
      return try await processes.run(
        gone: { _, left, _ in if left == 0 { coordinator.giveUp() } }, work: whole
      ).get()
    case .anyone:
      note("samples are leased at \(bound); start nodes with: elbo node --coordinator \(bound)")
      return try await whole()
    case .training(let endpoint, let security):
      var reached = bound
      if let host, case .tcp(_, let port) = bound.transport { reached = Endpoint(.tcp(host: host, port: port)) }
      let request: HelpRequest
      do {
        request = try HelpRequest(
          endpoint, security: security, assist: session.assist(at: reached, security),
          members: { coordinator.allow(Set($0.compactMap(\.publicKey))) })
      } catch {
        await coordinator.close()
        throw error
      }
      do {
        note("\(try await request.begin(patience: .seconds(15))) nodes of \(endpoint) are asked")
      } catch {
        await request.close()
        await coordinator.close()
        throw error
      }
      let result: Result<Value, any Error>
      do { result = .success(try await whole()) } catch { result = .failure(error) }
      await request.close()
      return try result.get()
    }
  }
}
