import Cluster
import Foundation
import Messages
import Testing
import Training
import ZeroMQ

/// Those who are not who they say, and places that others have taken; over real sockets.
@Suite(.timeLimit(.minutes(15))) struct StrangersTests {
  private static let heldAt = 3

  /// Three nodes with keys, held in a step.
  private func withHeldCluster(
    _ body: (LocalCluster, StatusReply, _ coordinator: Endpoint, _ first: Notes, Rogue) async throws -> Void
  ) async throws {
    var cluster = LocalCluster(nodes: 3, shards: 3)
    cluster.keys = try (0...3).map { _ in try CurveKeyPair.generate() }
    defer { cluster.removeLog() }
    let (gate, notes, rogue) = (Gate(at: Self.heldAt), Notes(), try Rogue())
    let (coordinator, endpoint) = try await cluster.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      for index in 1...3 {
        group.addTask {
          try await cluster.node(index, at: endpoint, gate: gate, notes: index == 1 ? notes : nil)
        }
      }
      await gate.reached(by: 3)
      defer { gate.open() }
      // Node 2's key is on the list.
      let asker = try StatusClient(endpoint, security: cluster.security(of: 2))
      let status = try await asker.ask(patience: .seconds(600))
      await asker.close()
      try await body(cluster, try #require(status), endpoint, notes, rogue)
      gate.open()
      try await cluster.lead(coordinator)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await rogue.close()
    await coordinator.close()
    let alone = try await cluster.alone()
    #expect(checksums == Array(repeating: alone, count: 3))
  }

  private func member(_ name: String, of status: StatusReply) throws -> NodeStatus {
    try #require(status.nodes.first { $0.name == name })
  }

  @Test func aListedKeyDoesNotSpeakForAnotherNode() async throws {
    try await withHeldCluster { cluster, status, endpoint, _, rogue in
      let victim = try member("node-1", of: status)
      try await rogue.connect(
        endpoint, .curveClient(cluster.keys[2], server: cluster.keys[0].publicKey))
      let before = try await rogue.status()
      let words: [ControlBody] = [
        .leave(Leave(reason: .asked, explanation: "so they say")),
        .late(
          Late(
            view: before.job.view, position: before.job.position, missing: Intervals(0..<3), shardsDone: Intervals(),
            waitingMilliseconds: 1)),
        .report(Report(step: 1, examples: 1, metrics: [])),
      ]
      for body in words {
        try await rogue.say(
          ControlMessage(
            job: before.job.job, sender: victim.node, incarnation: victim.incarnation, epoch: Epoch(rawValue: 0),
            body: body))
      }
      let after = try await rogue.status()
      #expect(after.job.refusedMessages == before.job.refusedMessages + UInt64(words.count))
      #expect(after.job.viewChanges == before.job.viewChanges)
      #expect(after.nodes.allSatisfy { $0.state == .member })
    }
  }

  @Test func aMembersKeyDoesNotSendAnothersSums() async throws {
    try await withHeldCluster { cluster, status, _, notes, rogue in
      let (receiver, victim) = (try member("node-1", of: status), try member("node-3", of: status))
      try await rogue.connect(
        try Endpoint(receiver.address), .curveClient(cluster.keys[2], server: cluster.keys[1].publicKey))
      // Of the receiver's range, less element 0, with which a tally would have to go.
      let payload = [UInt8](repeating: 0x41, count: 4 * 16)
      let position = PhaseIndex(step: UInt64(Self.heldAt), phase: 0)
      let shard = try #require(victim.shards.first)
      let chunk = Chunk(
        kind: .partial(subtree: shard..<shard + 1), position: position, elements: 16..<32, precision: .float32,
        checksum: payload.withUnsafeBytes { Checksum.crc32c($0) }, tally: nil,
        vectorCount: Walk(shards: 3).phases[0].count)
      let header = DataHeader(
        job: status.job.job, sender: victim.node, incarnation: victim.incarnation, view: status.job.view,
        position: position, bytesBefore: 0)
      try await rogue.say(DataMessage(header: header, body: .chunk(chunk)), payload)
      // A peer's first bad message is noted: this one, if the one before was believed.
      try await rogue.say([1, 2, 3])
      let note = await notes.first(with: "is refused")
      #expect(note?.contains("its connection's key is not that of \(victim.node)") == true, "\(note ?? "")")
    }
  }

  /// Half a statistic is no number, and a gradient's numbers go in other messages than statistics.
  @Test(arguments: [
    Walk.count - 16..<Walk.count + 16, Walk.count + 1..<Walk.count + 17, Walk.count..<Walk.count + 15,
  ])
  func whatCutsAStatisticIsRefused(_ elements: Range<Int>) async throws {
    try await withHeldCluster { cluster, status, _, notes, rogue in
      let (receiver, sender) = (try member("node-1", of: status), try member("node-2", of: status))
      try await rogue.connect(
        try Endpoint(receiver.address), .curveClient(cluster.keys[2], server: cluster.keys[1].publicKey))
      let payload = [UInt8](repeating: 0x41, count: 4 * elements.count)
      let position = PhaseIndex(step: UInt64(Self.heldAt), phase: 0)
      let shard = try #require(sender.shards.first)
      let chunk = Chunk(
        kind: .partial(subtree: shard..<shard + 1), position: position, elements: elements, precision: .float32,
        checksum: payload.withUnsafeBytes { Checksum.crc32c($0) }, tally: nil,
        vectorCount: Walk(shards: 3).phases[0].count)
      let header = DataHeader(
        job: status.job.job, sender: sender.node, incarnation: sender.incarnation, view: status.job.view,
        position: position, bytesBefore: 0)
      try await rogue.say(DataMessage(header: header, body: .chunk(chunk)), payload)
      try await rogue.say([1, 2, 3])
      let note = await notes.first(with: "is refused")
      #expect(note?.contains("its numbers are none of this recipe's") == true, "\(note ?? "")")
    }
  }

  /// More than the coordinator waits for: without a bound they would count for all steps before them.
  @Test func reportsOfStepsThatNobodyHasReachedVoidNone() async throws {
    var cluster = LocalCluster(nodes: 1, shards: 2)
    cluster.steps = 1_000_000
    defer { cluster.removeLog() }
    let (gate, rogue) = (Gate(at: Self.heldAt), try Rogue())
    let (coordinator, endpoint) = try await cluster.coordinator()
    let reported = try await withThrowingTaskGroup(of: Void.self) { [cluster] group in
      group.addTask { _ = try? await cluster.node(1, at: endpoint, gate: gate) }
      await gate.reached(by: 1)
      defer { gate.open() }
      try await rogue.connect(endpoint, .plainOnLoopback)
      let status = try await rogue.status()
      let member = try #require(status.nodes.first)
      for step in Array(500_000...510_100) + [1] {
        let report = Report(step: UInt64(step), examples: 1, metrics: [])
        try await rogue.say(
          ControlMessage(
            job: status.job.job, sender: member.node, incarnation: member.incarnation, epoch: Epoch(rawValue: 0),
            body: .report(report)))
        // What was said is heard.
        if step % 100 == 0 { _ = try await rogue.status() }
      }
      _ = try await rogue.status()
      coordinator.end(Stop(reason: .asked, explanation: "enough"))
      var steps: [UInt64] = []
      for await event in coordinator.events {
        if case .report(let report) = event { steps.append(report.step) }
        if case .ended = event { break }
      }
      return steps
    }
    #expect(reported == [1])
    await rogue.close()
    await coordinator.close()
  }

  @Test func aNodeWhoseCoordinatorsPlaceIsTakenEndsInTheEnd() async throws {
    var cluster = LocalCluster(nodes: 1, shards: 2)
    (cluster.steps, cluster.patience) = (1_000_000, .seconds(3))
    let (gate, notes, otherLog) = (Gate(at: Self.heldAt), Notes(), cluster.log + ".other")
    defer { for log in [cluster.log, otherLog] { try? FileManager.default.removeItem(atPath: log) } }
    let (first, endpoint) = try await cluster.coordinator()
    await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      group.addTask { try await cluster.node(1, at: endpoint, gate: gate, notes: notes) }
      await gate.reached(by: 1)
      // From here on it trains, and never gets to the end.
      gate.open()
      await first.close()
      let second = try? await cluster.coordinator(at: endpoint, log: otherLog).0
      let error = await #expect(throws: ClusterError.self) { try await group.next() }
      #expect(error?.code == .displaced)
      #expect(error?.message.contains("\(endpoint)") == true, "\(error?.message ?? "")")
      await second?.close()
    }
  }

  @Test func aNodeGoesOnWhenItsOwnCoordinatorComesBack() async throws {
    var cluster = LocalCluster(nodes: 2, shards: 2)
    // Whatever fails here, the nodes end.
    cluster.patience = .seconds(60)
    let (gate, notes, otherLog) = (Gate(at: Self.heldAt), Notes(), cluster.log + ".other")
    defer { for log in [cluster.log, otherLog] { try? FileManager.default.removeItem(atPath: log) } }
    let (first, endpoint) = try await cluster.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { [cluster] group in
      for index in 1...2 {
        group.addTask { try await cluster.node(index, at: endpoint, gate: gate, notes: index == 1 ? notes : nil) }
      }
      await gate.reached(by: 2)
      defer { gate.open() }
      await first.close()
      let (other, _) = try await cluster.coordinator(at: endpoint, log: otherLog)
      #expect(await notes.first(with: "is now that of") != nil)
      await other.close()
      let (again, _) = try await cluster.coordinator(at: endpoint)
      gate.open()
      try await cluster.lead(again)
      let checksums = try await group.reduce(into: []) { $0.append($1) }
      await again.close()
      return checksums
    }
    let alone = try await cluster.alone()
    #expect(checksums == [alone, alone])
  }

  /// It has requested the recipe, and has not sent a Hello yet: it is notified of the end, and does not look for a
  /// coordinator in vain.
  @Test func aNodeThatPreparesHearsThatAllIsOver() async throws {
    let cluster = LocalCluster(nodes: 2, shards: 2)
    defer { cluster.removeLog() }
    let (coordinator, endpoint) = try await cluster.coordinator()
    let (isPreparing, preparing) = AsyncStream.makeStream(of: Void.self)
    let over = DispatchSemaphore(value: 0)
    var configuration = Node.Configuration(
      name: "late", build: "test", coordinator: endpoint, dataBind: try Endpoint("tcp://127.0.0.1:*"), lanes: 1,
      security: .plainOnLoopback)
    configuration.patience = .seconds(20)
    let node = try Node(
      configuration,
      prepare: { [plan = cluster.plan] _ in
        preparing.yield()
        // A node that hears nothing looks for a coordinator then, and fails.
        _ = over.wait(timeout: .now() + 30)
        return Node.Job(learner: Walk(shards: 2), plan: plan, data: LocalCluster.nothing, objective: nil)
      }, note: { _ in })
    async let ending = node.run()
    for await _ in isPreparing { break }
    coordinator.end(Stop(reason: .completed, explanation: "all steps are done"))
    try await cluster.lead(coordinator)
    await coordinator.close(patience: .seconds(600))
    guard case .stopped(let stop) = try await ending else {
      Issue.record("not stopped")
      return
    }
    #expect(stop.reason == .completed)
    over.signal()
  }
}
