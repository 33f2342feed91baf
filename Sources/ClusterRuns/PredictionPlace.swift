import BayesianNetworks
import Cluster
import Datasets
import Foundation
import Messages
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
    /// Any node that connects.
    case anyone
  }

  private let nodes: Nodes
  /// nil: a socket that no other user reaches.
  private let bind: Endpoint?
  private let security: ClusterSecurity
  /// The host by which nodes reach this process, where the bound one does not say.
  private let host: String?

  /// - Parameters:
  ///   - nodes: so many processes on this machine,
  ///   - coordinator: or the nodes of the training whose coordinator is there,
  ///   - bind: or the nodes that connect to this address; with `coordinator`, where its nodes reach this process.
  package init(nodes: Int?, coordinator: String?, bind: String?, _ options: SecurityRequest, lanes: Int?) throws {
    guard nodes == nil || (coordinator == nil && bind == nil) else {
      throw RecipeError("--nodes excludes --coordinator and --bind: its nodes are on this machine")
    }
    if let nodes, !(1...1024).contains(nodes) {
      throw RecipeError("--nodes is \(nodes): it must be from 1 to 1024")
    }
    if let nodes {
      try NodeProcesses.checkDescriptors(nodes)
      let processors = ProcessInfo.processInfo.activeProcessorCount
      self.nodes = .local(nodes, lanes: lanes ?? max(1, processors / nodes))
      (self.bind, security, host) = (nil, .plainOnLoopback, nil)
    } else if let coordinator {
      let endpoint = try Endpoint(coordinator)
      let security = try options.node(toward: endpoint)
      self.nodes = .training(endpoint, security)
      self.security = security.ofServer
      if case .ipc = endpoint.transport, bind == nil {
        (self.bind, host) = (nil, nil)
        return
      }
      let bind =
        try bind.map { try Endpoint($0) }
        ?? Endpoint(.tcp(host: endpoint.isLoopback ? "127.0.0.1" : "*", port: .any))
      self.bind = bind
      if case .tcp(let named, _) = bind.transport, !["*", "0.0.0.0", "::"].contains(named) {
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

  /// Has the nodes predict. What they compute is, byte for byte, what `Run.predict` computes here.
  /// - Parameter began: takes what to call when the user interrupts; what is missing then stays missing.
  /// - Throws: `ClusterError` when no sample was computed.
  package func predict(
    _ run: Run, _ inputs: ExampleArray, samples: SampleCount, seed: UInt64,
    began: (_ giveUp: @escaping @Sendable () -> Void) -> Void
  ) async throws -> Predictions {
    try samples.validate()
    let learner = try run.predicting()
    let crew = try run.crew()
    let (table, missing) = try await withSession(run, learner, inputs, seed: seed, began: began) { session in
      switch samples {
      case .count(let count): return try await session.table(samples: count, with: crew)
      case .automatic(let tolerance, let limit):
        var count = PredictionTable.firstCount(learner, limit: limit)
        while true {
          let result = try await session.table(samples: count, with: crew)
          guard result.missing.isEmpty,
            let more = result.table.nextCount(learner, tolerance: tolerance, limit: limit)
          else { return result }
          count = more
        }
      }
    }
    guard !table.columns.isEmpty else {
      throw ClusterError(.failed, "no sample was computed", advice: "look at the nodes' messages")
    }
    return Predictions(table, of: learner, schema: run.schema, examples: inputs.count, asked: samples, missing: missing)
  }

  /// Listens, finds the nodes, works, and lets them go.
  /// - Parameters:
  ///   - began: takes what to call when the user interrupts; what is missing then stays missing.
  ///   - work: what is to be computed.
  private func withSession<Value: Sendable>(
    _ run: Run, _ learner: any Predicting, _ array: ExampleArray, seed: UInt64,
    began: (_ giveUp: @escaping @Sendable () -> Void) -> Void,
    _ work: @escaping @Sendable (PredictionSession) async throws -> Value
  ) async throws -> Value {
    let note: @Sendable (String) -> Void = { StandardError.write($0 + "\n") }
    let sockets = try bind == nil ? SocketFolder() : nil
    defer { sockets?.remove() }
    let session = try PredictionSession(
      run, learner, array, seed: seed, bind: bind ?? sockets!.endpoint, security: security, note: note)
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
          status: { await coordinator.status },
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
